"""Imports and exports read from the binary, held against the engine's own reading of them."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wasmtime import FuncType, GlobalType, MemoryType, TableType

from tests.sandbox import wat
from tests.sandbox.lab import wat_puppet
from wasmhost.sandbox.binary import External, Unreadable, read_shape

if TYPE_CHECKING:
    from wasmhost.sandbox.engine import SandboxEngine

EVERYTHING = """(module
  (import "a" "f" (func (param i32 i64) (result f32)))
  (import "a" "t" (table 1 2 funcref))
  (import "b" "m" (memory 1))
  (import "é" "g" (global (mut f64)))
  (import "" "" (func (param externref)))
  (func $own (param i32) (result i32 i64) (unreachable))
  (table $refs 3 externref)
  (export "own" (func $own)) (export "f again" (func 0)) (export "t" (table $refs))
  (memory $second 1 5)
  (export "m" (memory $second)) (export "🦀" (global 0)))"""

KINDS = {FuncType: "func", TableType: "table", MemoryType: "memory", GlobalType: "global"}


def test_every_kind_is_read() -> None:
    """In order, with their types where they are functions."""
    shape = read_shape(wat.wasm(EVERYTHING))
    assert shape.imports == [
        ("a", "f", External("func", (("i32", "i64"), ("f32",)))),
        ("a", "t", External("table", None)),
        ("b", "m", External("memory", None)),
        ("é", "g", External("global", None)),
        ("", "", External("func", (("externref",), ()))),
    ]
    assert shape.exports == {
        "own": External("func", (("i32",), ("i32", "i64"))),
        "f again": External("func", (("i32", "i64"), ("f32",))),
        "t": External("table", None),
        "m": External("memory", None),
        "🦀": External("global", None),
    }


@pytest.mark.parametrize("wasm", [wat.wasm(EVERYTHING), wat_puppet()], ids=["everything", "puppet"])
def test_the_engine_reads_the_same(engine: SandboxEngine, wasm: bytes) -> None:
    """Names, kinds, and the signatures it can tell."""
    shape, module = read_shape(wasm), engine.compile(wasm)
    theirs = [(entry.module, entry.name, KINDS[type(entry.type)]) for entry in module.imports]
    assert [(where, name, found.kind) for where, name, found in shape.imports] == theirs
    for export in module.exports:
        assert shape.exports[export.name].kind == KINDS[type(export.type)]
        if isinstance(export.type, FuncType):
            mine = shape.exports[export.name].signature
            assert mine is not None
            assert [*mine[0]] == [re.sub("anyref", "externref", str(each)) for each in export.type.params]
            assert [*mine[1]] == [str(each) for each in export.type.results]


def test_vectors_are_read() -> None:
    """The engine's C API aborts the process when asked about them."""
    wasm = wat.wasm('(module (func (export "f") (param v128 f32) (result v128) (local.get 0)))')
    assert read_shape(wasm).exports == {"f": External("func", (("v128", "f32"), ("v128",)))}


def test_an_empty_module_shows_nothing() -> None:
    """No section at all is a module too."""
    shape = read_shape(b"\0asm\1\0\0\0")
    assert (shape.imports, shape.exports) == ([], {})


@pytest.mark.parametrize(
    "section",
    [
        b"\x01\x02\x01\x5f",  # a type that is a struct
        b"\x01\x05\x01\x60\x01\x7a\x00",  # of a value type there is not
        b"\x01\x09\x01\x60\x00\x00\x00\x00\x00\x00\x00",  # longer than what is in it
        b"\x02\x06\x01\x01a\x01b\x7f",  # an import of no kind
        b"\x07\x04\x01\x01a\x07",  # an export of no kind
        b"\x07\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a number without end
        b"\x07\x03\x01\x01a",  # cut
    ],
)
def test_what_is_not_expected_is_unreadable(section: bytes) -> None:
    """Whatever follows: no answer is better than a wrong one."""
    with pytest.raises(Unreadable):
        read_shape(b"\0asm\1\0\0\0" + section)


@given(st.binary(max_size=60), st.integers(8, 200))
def test_no_bytes_break_the_reader(noise: bytes, at: int) -> None:
    """It gives a shape or raises a ValueError (text that is no UTF-8 is one), in no time."""
    wasm = wat.guest(use=("log.write",))
    broken = wasm[:at] + noise + wasm[at + len(noise) :]
    with contextlib.suppress(ValueError):
        read_shape(broken)

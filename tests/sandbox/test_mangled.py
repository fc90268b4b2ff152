"""Names that would be demangled at length are blunted, wherever in a component they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.mangled import blunted
from wasmhost.sandbox.sections import Section, join, vector

if TYPE_CHECKING:
    from tests.sandbox.lab import Lab

LONG = "_Z1f" + "1aIiE" * 40
CORE = wat.guest(extra=f'(func (@name "{LONG}"))')
HEADER = wc.component()[:8]


def inside(depth: int) -> bytes:
    """A module so deep in components."""
    wasm = join(HEADER, [Section(1, CORE)])
    for _ in range(depth):
        wasm = join(HEADER, [Section(4, wasm)])
    return wasm


def test_a_long_mangled_name_is_blunted() -> None:
    """By its first letter, so that all else stays where it is; at any depth."""
    for depth in (0, 1, 20, 300):
        wasm = inside(depth)
        assert blunted(wasm) == wasm.replace(LONG.encode(), b"~" + LONG.encode()[1:])


def test_other_names_are_left_alone() -> None:
    """Short ones, those with what no mangled name has, and names of other things."""
    for name in ("_ZN4core5panicE", "core::fmt::" + "a" * 90, "größe" * 20, "", "x y" * 30):
        wasm = wc.guest(extra=f'(func (@name "{name}")) (global $g{"a" * 90} i32 (i32.const 0))')
        assert blunted(wasm) is wasm


def test_mangled_names_may_hold_anything_behind_their_beginning() -> None:
    """Rust's newer ones have identifiers of any bytes."""
    for name in ("_RNvC" + "a b" * 40, "__ZN" + "ü" * 60, "_GLOBAL__I_" + "x y" * 30):
        wasm = wc.guest(extra=f'(func (@name "{name}"))')
        assert len(blunted(wasm)) == len(wasm)
        assert name.encode() not in blunted(wasm)


@given(st.binary(max_size=300))
def test_any_bytes_keep_their_length(data: bytes) -> None:
    """What is broken the engine will say."""
    for header in (b"", HEADER, HEADER + b"\x01\x7f" + CORE[:8], HEADER + b"\x00\x50\x04name\x01"):
        assert len(blunted(header + data)) == len(header + data)


def test_debug_information_is_none_to_the_engine() -> None:
    """Which would read it, and demangle what is in it, where WASMTIME_BACKTRACE_DETAILS says so."""
    core = wc.with_section(wc.with_section(wat.guest(), ".debug_info", b"x"), "debug_info", b"y")
    wasm = join(HEADER, [Section(1, core)])
    assert blunted(wasm) == wasm.replace(b".debug_info", b"~debug_info")


def test_names_for_more_functions_than_a_module_can_have_are_refused(lab: Lab) -> None:
    """They would take seconds to look through."""
    count = b"\x81\x89\x7a"  # 2,000,001
    names = b"\1" + vector(count + b"\0\0" * 100)
    core = CORE + b"\0" + vector(vector(b"name") + names)
    with pytest.raises(GuestRefused, match="names for more than 1,000,000 functions"):
        lab.load(join(HEADER, [Section(1, core)] * 2))  # of one alone, only the module would be looked at

"""Binaries taken apart: whatever the bytes, a `ValueError` or what is there, never anything else."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from wasmhost.sandbox.allocators import allocator_places
from wasmhost.sandbox.producers import language_of
from wasmhost.sandbox.sections import (
    CUSTOM,
    HEADER_BYTES,
    Section,
    core_modules,
    custom_sections,
    join,
    layer,
    named,
    places,
    read_u32,
    sections,
    vector,
)

CORE, COMPONENT = wat.guest(), wc.guest()
some_sections = st.lists(st.builds(Section, st.integers(0, 12), st.binary(max_size=300)), max_size=6)


def test_a_layer_is_told_by_eight_bytes() -> None:
    """And none where there are fewer, or other ones."""
    assert (layer(CORE), layer(COMPONENT)) == ("core", "component")
    assert [layer(CORE[:length]) for length in range(8)] == [None] * 8
    assert layer(b"\0asm\2\0\0\0") is None
    assert layer(b"\0asm\x0d\0\1\0") == "component"


@given(some_sections)
def test_what_is_joined_comes_apart_again(parts: list[Section]) -> None:
    """Section by section, in order, with its place in the binary."""
    wasm = join(CORE[:HEADER_BYTES], parts)
    assert list(sections(wasm)) == parts
    assert [Section(kind, wasm[begin:end]) for kind, begin, end in places(wasm)] == parts
    assert list(sections(wasm[HEADER_BYTES:], 0)) == parts


@given(some_sections, st.integers(1, 40))
def test_what_is_cut_is_an_error_or_shorter(parts: list[Section], cut: int) -> None:
    """Never a section of other bytes."""
    wasm = join(CORE[:HEADER_BYTES], parts)
    found: list[Section] = []
    with contextlib.suppress(ValueError):
        found.extend(sections(wasm[:-cut]))  # which keeps those before the error
    assert found == parts[: len(found)]
    assert len(found) < len(parts) or not parts


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """After a header of either kind, or none."""
    for header in (b"", CORE[:8], COMPONENT[:8]):
        for read in (sections, core_modules, lambda wasm: custom_sections(wasm, "x")):
            with contextlib.suppress(ValueError):
                list(read(header + data))
        assert allocator_places(header + data) == frozenset()
        assert language_of(header + data) is None or len(data) > 12


@given(st.integers(0, 2**32 - 1))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    """And the place behind it."""
    data = bytearray()
    rest = number
    while rest >= 0x80:
        data.append(rest & 0x7F | 0x80)
        rest >>= 7
    data.append(rest)
    assert read_u32(b"\xff" + bytes(data) + b"\xff", 1) == (number, 1 + len(data))
    for length in range(len(data)):
        with pytest.raises(ValueError, match="cut short"):
            read_u32(bytes(data[:length]), 0)


def test_a_number_that_does_not_end_is_an_error() -> None:
    """Five bytes are the most there may be."""
    with pytest.raises(ValueError, match="too long"):
        read_u32(b"\x80" * 9 + b"\0", 0)


def test_custom_sections_are_found_by_their_whole_name() -> None:
    """At the top level, each of them, and no other."""
    wasm = wc.with_section(wc.with_section(COMPONENT, "note", b"1"), "notes", b"2")
    wasm = wc.with_section(wc.with_section(wasm, "note", b""), "n" * 200, b"3")
    assert custom_sections(wasm, "note") == [b"1", b""]
    assert custom_sections(wasm, "n" * 200) == [b"3"]
    assert custom_sections(wasm, "not") == []
    assert named(Section(7, vector(b"note") + b"1"), "note") is None
    assert named(Section(CUSTOM, b""), "note") is None


def nested(depth: int, wasm: bytes) -> bytes:
    """A module in so many components."""
    for _ in range(depth):
        kind = 1 if layer(wasm) == "core" else 4
        wasm = join(COMPONENT[:8], [Section(CUSTOM, vector(b"x") + b"y"), Section(kind, wasm)])
    return wasm


def test_core_modules_are_found_wherever_they_are() -> None:
    """A module is itself; in a component all of them; eight deep."""
    assert list(core_modules(CORE)) == [CORE]
    assert len(list(core_modules(COMPONENT))) == 2
    assert [list(core_modules(nested(depth, CORE))) for depth in range(1, 9)] == [[CORE]] * 8
    assert list(core_modules(nested(9, CORE))) == []


def test_a_broken_module_in_a_component_is_an_error() -> None:
    """Its sections are read within it, not beyond its end."""
    inner = CORE[:8] + b"\x01\x7f"
    wasm = join(COMPONENT[:8], [Section(4, join(COMPONENT[:8], [])[:8] + b"\x01\x7f"), Section(1, inner)])
    with pytest.raises(ValueError, match="ends beyond"):
        list(core_modules(wasm))


# allocators


def test_allocators_are_where_they_begin() -> None:
    """Right behind the size of their code, in the binary as a whole."""
    wasm = wc.guest(
        realloc='(func $a) (func $r (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)'
        " (i32.const 4242))"
    )
    (place,) = allocator_places(wasm)
    assert wasm[place : place + 5] == b"\0\x41\x92\x21\x0b"  # no locals, i32.const 4242, end


def test_an_allocator_that_is_no_function_of_the_modules_is_none() -> None:
    """Imported and exported again, another kind of export, or not there at all."""
    text = '(import "a" "b" (func $f (param i32 i32 i32 i32) (result i32))) (export "cabi_realloc" (func $f))'
    memory = '(memory (export "cabi_realloc") 1)'
    for module in (text, memory, '(func (export "realloc"))', ""):
        assert allocator_places(wc.component(f"(core module {module} (func))")) == frozenset()
    assert allocator_places(wat.wasm(f"(module {memory})")) == frozenset()

"""Which language a module says it was written in: read where it is well-formed, and bounded always."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from wasmhost.sandbox.producers import language_of
from wasmhost.sandbox.sections import Section, join, vector

CORE = wat.guest()
VALUES = st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=4)


def number(value: int) -> bytes:
    """A small LEB128."""
    return bytes((value,))


def note(*fields: tuple[bytes, list[tuple[bytes, bytes]]]) -> bytes:
    """What a section `producers` holds."""
    written = number(len(fields))
    for name, values in fields:
        written += vector(name) + number(len(values))
        written += b"".join(vector(value) + vector(version) for value, version in values)
    return written


def told(content: bytes, wasm: bytes = CORE) -> str | None:
    """What is made of it."""
    return language_of(wc.with_section(wasm, "producers", content))


RUST = note((b"processed-by", [(b"rustc", b"1.91")]), (b"language", [(b"Rust", b""), (b"C", b"11")]))


def test_the_first_language_is_told() -> None:
    """Behind other fields; nothing where there is none."""
    assert told(RUST) == "Rust"
    assert told(note((b"processed-by", [(b"clang", b"20")]))) is None
    assert told(note((b"language", []))) is None
    assert language_of(CORE) is None


def test_the_modules_in_a_component_tell_it() -> None:
    """The first that says one."""
    parts = [Section(1, CORE), Section(1, wc.with_section(CORE, "producers", RUST))]
    assert language_of(join(wc.component()[:8], parts)) == "Rust"


def test_what_it_says_is_bounded_and_printable() -> None:
    """A stranger wrote it."""
    shown = told(note((b"language", [(b"\x1b[2J\n\xff" + b"x" * 100, b"")])))
    assert shown is not None
    assert shown.isprintable()
    assert shown.startswith(r"\x1b[2J\n\xff")
    assert len(shown) < 100


@given(st.lists(st.tuples(st.sampled_from([b"language", b"sdk", b""]), VALUES), max_size=4))
def test_what_is_well_formed_is_read(fields: list[tuple[bytes, list[tuple[bytes, bytes]]]]) -> None:
    """And the value found is the first of the field's."""
    languages = [value for name, values in fields if name == b"language" for value, _ in values]
    shown = told(note(*fields))
    assert (shown is None) == (not languages)


@given(st.binary(max_size=200))
def test_any_bytes_say_something_or_nothing(content: bytes) -> None:
    """Never an error: it is a note for people."""
    shown = told(content)
    assert shown is None or shown.isprintable()


@given(st.integers(0, len(RUST) - 1))
def test_a_note_that_is_cut_says_nothing_wrong(length: int) -> None:
    """A name that ends beyond its end is no name."""
    assert told(RUST[:length]) in {None, "Rust"}


def test_a_note_that_promises_thousands_is_not_walked() -> None:
    """64 fields, of 64 values, are more than anybody reads."""
    assert told(b"\xff\xff\xff\xff\x0f" + note((b"language", [(b"Zig", b"")]))[1:] * 70) == "Zig"

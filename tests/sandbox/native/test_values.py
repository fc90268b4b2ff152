"""Values of the component model: written by us and read by us through the engine's own types."""

from __future__ import annotations

import ctypes
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wasmtime import _ffi as ffi

from wasmhost.sandbox.native import values
from wasmhost.sandbox.native.values import EventArgument

VAL = ffi.wasmtime_component_val_t


def place(value: VAL) -> int:
    """Where a value is."""
    return ctypes.addressof(value)


def optional_text(text: bytes | None) -> VAL:
    """An option<string> as we lower it."""
    value = VAL()
    values.lower_optional_text(place(value), text)
    return value


def optional_bytes(data: bytes | None) -> VAL:
    """An option<list<u8>> as we lower it."""
    value = VAL()
    values.lower_optional_bytes(place(value), data)
    return value


def engine_bytes(value: VAL) -> bytes:
    """The bytes of a list, as the engine's own structures have them."""
    vector = value.of.list
    assert all(vector.data[i].kind == ffi.WASMTIME_COMPONENT_U8.value for i in range(vector.size))
    return bytes(vector.data[i].of.u8 for i in range(vector.size))


@given(st.binary(max_size=600))
def test_an_event_is_a_list_of_u8(event: bytes) -> None:
    """Of the engine's kind, one value a byte; small or not."""
    argument = EventArgument()
    for data in (event, b"", event * 3, event[:1]):
        argument.write(data)
        assert argument.argument.kind == ffi.WASMTIME_COMPONENT_LIST.value
        assert engine_bytes(argument.argument) == data
        assert values.lift_bytes(argument.address, 10_000) == (data, len(data))
        argument.forget()


def test_a_large_event_keeps_no_room() -> None:
    """32 times its size, for as long as its call takes."""
    argument = EventArgument()
    argument.write(bytes(65_536))
    assert len(argument._elements.bytes) == 65_536 * values.VAL_BYTES
    argument.forget()
    assert len(argument._elements.bytes) < 20_000
    argument.write(b"small")
    assert engine_bytes(argument.argument) == b"small"


@given(st.binary(max_size=100), st.integers(0, 120))
def test_bytes_are_lifted_up_to_a_limit(data: bytes, limit: int) -> None:
    """With their number, which may be more."""
    argument = EventArgument()
    argument.write(data)
    assert values.lift_bytes(argument.address, limit) == (data[:limit], len(data))


@given(st.binary(max_size=50), st.binary(max_size=50), st.integers(0, 60))
def test_two_values_are_lifted_at_once(first: bytes, second: bytes, limit: int) -> None:
    """Where they lie one after the other, as arguments do."""
    arguments = EventArgument(), EventArgument()
    both = (VAL * 2)()
    for argument, data, number in zip(arguments, (first, second), range(2), strict=True):
        argument.write(data)
        ctypes.memmove(ctypes.byref(both[number]), argument.address, values.VAL_BYTES)
    size, at, next_size, next_at = values.lift_spans(ctypes.addressof(both))
    assert (size, next_size) == (len(first), len(second))
    assert values.bytes_at(size, at, limit) == first[:limit]
    assert values.bytes_at(next_size, next_at, limit) == second[:limit]


@given(st.one_of(st.none(), st.binary(max_size=300)), st.integers(0, 400))
def test_an_optional_text_is_what_it_was(text: bytes | None, limit: int) -> None:
    """None, empty or not; the engine frees it."""
    value = optional_text(text)
    assert value.kind == ffi.WASMTIME_COMPONENT_OPTION.value
    inner = value.of.option
    if text is None:
        assert not inner
    else:
        assert inner.contents.kind == ffi.WASMTIME_COMPONENT_STRING.value
        assert values.lift_text(place(inner.contents), limit) == (text[:limit], len(text))
    values.delete(place(value))
    assert value.kind == ffi.WASMTIME_COMPONENT_BOOL.value
    values.delete(place(value))  # which now holds nothing


@given(st.one_of(st.none(), st.binary(max_size=300)))
def test_an_optional_list_is_what_it_was(data: bytes | None) -> None:
    """Likewise."""
    value = optional_bytes(data)
    inner = value.of.option
    if data is None:
        assert not inner
    else:
        assert inner.contents.kind == ffi.WASMTIME_COMPONENT_LIST.value
        assert engine_bytes(inner.contents) == data
    values.delete(place(value))


@given(st.integers(0, 2**64 - 1))
def test_a_u64_is_what_it_was(number: int) -> None:
    """Over its whole range."""
    value = VAL()
    values.lower_u64(place(value), number)
    assert (value.kind, value.of.u64) == (ffi.WASMTIME_COMPONENT_U64.value, number)
    assert values.lift_u64(place(value)) == number


@given(st.floats())
def test_an_f64_is_what_it_was(number: float) -> None:
    """Bit for bit, but for what no number is."""
    value = VAL()
    value.kind = ffi.WASMTIME_COMPONENT_F64.value
    value.of.f64 = number
    found = values.lift_f64(place(value))
    assert (found == number and math.copysign(1, found) == math.copysign(1, number)) or (
        math.isnan(found) and math.isnan(number)
    )


def result(is_ok: bool, error: bytes | None) -> VAL:
    """A result<_, string> as the engine gives it."""
    value = VAL()
    value.kind = ffi.WASMTIME_COMPONENT_RESULT.value
    value.of.result.is_ok = is_ok
    if error is not None:
        text = VAL()
        text.kind = ffi.WASMTIME_COMPONENT_STRING.value
        ffi.wasm_byte_vec_new_uninitialized(ctypes.byref(text.of.string), len(error))
        ctypes.memmove(text.of.string.data, error, len(error))
        value.of.result.val = ffi.wasmtime_component_val_new(ctypes.byref(text))
    return value


@pytest.mark.parametrize(
    ("is_ok", "error", "found"),
    [(True, None, None), (False, b"no", b"no"), (False, b"", b""), (False, b"x" * 50, b"x" * 9)],
)
def test_the_error_of_a_result_is_lifted(is_ok: bool, error: bytes | None, found: bytes | None) -> None:
    """None where it is ok; cut."""
    value = result(is_ok, error)
    assert values.lift_error(place(value), 9) == found
    values.delete(place(value))

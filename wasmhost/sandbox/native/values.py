"""Values of the component model as the engine's C API has them, read and written in bulk.

A ``list<u8>`` is an array of values there, 32 bytes for each byte of ours: what the public wrapper walks
byte by byte (288 µs for 74 bytes), a strided copy does at once.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Final

from wasmtime import _ffi as ffi

VAL_BYTES: Final = ctypes.sizeof(ffi.wasmtime_component_val_t)
_OF: Final = int(getattr(ffi.wasmtime_component_val_t, "of").offset)  # noqa: B009 - a field's descriptor, which the stubs take for its value
_RESULT_VAL: Final = _OF + int(getattr(ffi.wasmtime_component_valresult_t, "val").offset)  # noqa: B009 - likewise

_U8: Final = ffi.WASMTIME_COMPONENT_U8.value
_U64: Final = ffi.WASMTIME_COMPONENT_U64.value
_STRING: Final = ffi.WASMTIME_COMPONENT_STRING.value
_LIST: Final = ffi.WASMTIME_COMPONENT_LIST.value
_OPTION: Final = ffi.WASMTIME_COMPONENT_OPTION.value
_BOOL: Final = ffi.WASMTIME_COMPONENT_BOOL.value

# A list, a string and the name of an enum's case: how many, and where.
_SPAN: Final = struct.Struct("@NP")
_NUMBER: Final = struct.Struct("<Q")
_FLOAT: Final = struct.Struct("<d")
_HEAD: Final = _SPAN.size
_SPANS: Final = struct.Struct(f"@{_OF}xNP{VAL_BYTES - _HEAD}xNP")
_TWO: Final = _SPANS.size
_U64_VALUE: Final = struct.Struct(f"<B{_OF - 1}xQ")
_unpack_spans: Final = _SPANS.unpack
_unpack_span: Final = _SPAN.unpack
_string_at: Final = ctypes.string_at  # looked up once: every import lifts something
_KEPT: Final = 512  # bytes of an event for which the room is kept from one delivery to the next


def lift_text(value: int, limit: int) -> tuple[bytes, int]:
    """The bytes of a string, or of an enum's case, at this address.

    No more than ``limit`` of them, and with them how many there are.
    """
    size, data = _unpack_span(_string_at(value + _OF, _HEAD))
    return text_at(size, data, limit), size


def lift_bytes(value: int, limit: int) -> tuple[bytes, int]:
    """The bytes of a ``list<u8>`` at this address; likewise."""
    size, data = _unpack_span(_string_at(value + _OF, _HEAD))
    return bytes_at(size, data, limit), size


def lift_spans(values: int) -> tuple[int, int, int, int]:
    """Sizes and places of two strings or lists, whose values lie one after the other: at half the cost."""
    size, data, next_size, next_data = _unpack_spans(_string_at(values, _TWO))
    return size, data, next_size, next_data


def text_at(size: int, data: int, limit: int) -> bytes:
    """The bytes of a string that has so many, there; no more than ``limit`` of them."""
    return _string_at(data, min(limit, size)) if size else b""


def bytes_at(size: int, data: int, limit: int) -> bytes:
    """The bytes of a ``list<u8>``; likewise."""
    return _string_at(data, min(limit, size) * VAL_BYTES)[_OF::VAL_BYTES] if size else b""


def lift_u64(value: int) -> int:
    """The u64 at this address."""
    number: int = _NUMBER.unpack(_string_at(value + _OF, _NUMBER.size))[0]
    return number


def lift_f64(value: int) -> float:
    """The f64 at this address."""
    number: float = _FLOAT.unpack(_string_at(value + _OF, _FLOAT.size))[0]
    return number


def lift_error(value: int, limit: int) -> bytes | None:
    """What a ``result<_, string>`` at this address has as its error; None where it is ok."""
    if ctypes.c_bool.from_address(value + _OF).value:
        return None
    error = ctypes.c_void_p.from_address(value + _RESULT_VAL).value
    return lift_text(error, limit)[0] if error is not None else b""


def lower_u64(value: int, number: int) -> None:
    """Write a u64 to this address."""
    ctypes.memmove(value, _U64_VALUE.pack(_U64, number), _U64_VALUE.size)


def lower_optional_text(value: int, text: bytes | None) -> None:
    """Write an ``option<string>`` to this address; the engine frees what it holds."""
    _lower_option(value, _STRING, None if text is None else _new_text(text))


def lower_optional_bytes(value: int, data: bytes | None) -> None:
    """Write an ``option<list<u8>>`` to this address; the engine frees what it holds."""
    _lower_option(value, _LIST, None if data is None else _new_list(data))


def delete(value: int) -> None:
    """Free what a value that the engine gave us holds, and leave one there that holds nothing."""
    ffi.wasmtime_component_val_delete(ctypes.cast(value, ctypes.POINTER(ffi.wasmtime_component_val_t)))
    _set_kind(value, _BOOL)


class EventArgument:
    """An event as the one argument of a hook. Owns the memory that the engine reads it from.

    Room for small events is made once; a large one has its own for as long as its call takes, so that no
    sandbox keeps 32 times the largest event it ever had.
    """

    __slots__ = ("_elements", "_small", "_view", "address", "argument")

    def __init__(self) -> None:
        self.argument = ffi.wasmtime_component_val_t()
        self.address = ctypes.addressof(self.argument)
        self._view = memoryview(self.argument).cast("B")
        self.argument.kind = _LIST
        self._small = _Elements(_KEPT)
        self._elements = self._small

    def write(self, event: bytes) -> None:
        """Put an event in."""
        size = len(event)
        self._elements = elements = self._small if size <= _KEPT else _Elements(size)
        if size:  # an empty slice would be the wish for another size
            elements.bytes[_OF : _OF + size * VAL_BYTES : VAL_BYTES] = event
        _SPAN.pack_into(self._view, _OF, size, elements.address)

    def forget(self) -> None:
        """Let go of the room that a large event took."""
        self._elements = self._small


class _Elements:
    """An array of u8 values: their kind is written once, the numbers by whoever has some."""

    __slots__ = ("_first", "address", "bytes")

    def __init__(self, size: int) -> None:
        self.bytes = bytearray(max(1, size) * VAL_BYTES)
        self.bytes[::VAL_BYTES] = bytes((_U8,)) * max(1, size)
        # Of one byte, and not an array of all: for each length of an array ctypes would make a type.
        self._first = ctypes.c_uint8.from_buffer(self.bytes)  # which may not move now
        self.address = ctypes.addressof(self._first)


def _set_kind(value: int, kind: int) -> None:
    ctypes.c_uint8.from_address(value).value = kind


def _lower_option(value: int, kind: int, held: bytes | None) -> None:
    """``held``: size and address of what is in it, owned by the engine from here on."""
    _set_kind(value, _OPTION)
    inner = 0
    if held is not None:
        some = ffi.wasmtime_component_val_t()
        some.kind = kind
        ctypes.memmove(ctypes.addressof(some) + _OF, held, _HEAD)
        inner = ctypes.addressof(ffi.wasmtime_component_val_new(ctypes.byref(some)).contents)
    ctypes.memmove(value + _OF, _NUMBER.pack(inner), _NUMBER.size)


def _new_text(text: bytes) -> bytes:
    vector = ffi.wasm_byte_vec_t()
    ffi.wasm_byte_vec_new_uninitialized(ctypes.byref(vector), len(text))
    ctypes.memmove(vector.data, text, len(text))
    return _SPAN.pack(len(text), ctypes.cast(vector.data, ctypes.c_void_p).value or 0)


def _new_list(data: bytes) -> bytes:
    elements = _Elements(len(data))
    if data:
        elements.bytes[_OF : _OF + len(data) * VAL_BYTES : VAL_BYTES] = data
    vector = ffi.wasmtime_component_vallist_t()
    ffi.wasmtime_component_vallist_new_uninit(ctypes.byref(vector), len(data))
    ctypes.memmove(vector.data, elements.address, len(data) * VAL_BYTES)
    return _SPAN.pack(len(data), ctypes.cast(vector.data, ctypes.c_void_p).value or 0)

"""From the engine's trap or error pointer to values, and the pointer freed."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wasmtime import TrapCode, WasmtimeError
from wasmtime import _ffi as ffi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Bounds, because names come from the guest's name section: 90 KB of names made 1.8 MB of trap text.
_MAX_FRAMES: Final = 24
_MAX_NAME: Final = 512
_MAX_MESSAGE: Final = 4096
_TRAP_PREFIX: Final = "wasm trap: "
_CODES: Final = {
    "wasm `unreachable` instruction executed": TrapCode.UNREACHABLE.value,
    "all fuel consumed by WebAssembly": TrapCode.OUT_OF_FUEL.value,
    "interrupt": TrapCode.INTERRUPT.value,
    "out of bounds memory access": TrapCode.MEMORY_OUT_OF_BOUNDS.value,
    "undefined element: out of bounds table access": TrapCode.TABLE_OUT_OF_BOUNDS.value,
    "uninitialized element": TrapCode.INDIRECT_CALL_TO_NULL.value,
    "indirect call type mismatch": TrapCode.BAD_SIGNATURE.value,
    "call stack exhausted": TrapCode.STACK_OVERFLOW.value,
    "string content out-of-bounds": TrapCode.MEMORY_OUT_OF_BOUNDS.value,  # from one component to another
    "list content out-of-bounds": TrapCode.MEMORY_OUT_OF_BOUNDS.value,
    "integer overflow": TrapCode.INTEGER_OVERFLOW.value,
    "integer divide by zero": TrapCode.INTEGER_DIVISION_BY_ZERO.value,
    "invalid conversion to integer": TrapCode.BAD_CONVERSION_TO_INTEGER.value,
}
# What the engine says, without a code, of values that a component gave it.
_OUTSIDE: Final = "out of bounds of memory"
_BAD_ROOM: Final = "realloc return: "
_NOT_NOW: Final = "cannot leave component instance"
_SHUT: Final = "the guest called an import where it may not, from cabi_realloc or a post-return"
_NUMBER: Final = re.compile(r"\d+: ")  # of a cause, where there are several
_NO_OFFSET: Final = ctypes.c_size_t(-1).value


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a backtrace. Names are the module's own: cut, not yet escaped.

    ``index`` is the function's index in its module, ``offset`` the byte in the function, or None
    where the engine knows none (before its first instruction). ``begin``: where in the binary, a
    component's as a whole, the function begins; None likewise.
    """

    module: str | None
    function: str | None
    index: int
    offset: int | None
    begin: int | None = None


@dataclass(frozen=True, slots=True)
class RawTrap:
    """A trap as the engine tells it: its code (a `wasmtime.TrapCode` value) or, without one, words.

    ``frames`` has the innermost first. ``bad_room``: the engine did not take what an allocator gave it.
    """

    code: int | None
    message: str
    frames: tuple[Frame, ...]
    bad_room: bool = False


class Trapped(Exception):
    """The guest trapped, or the engine refused it."""

    def __init__(self, raw: RawTrap) -> None:
        super().__init__(raw.message)
        self.raw = raw


def take_trap(address: int) -> RawTrap:
    """Read the trap at this address and free it."""
    pointer = ctypes.cast(address, ctypes.POINTER(ffi.wasm_trap_t))
    try:
        code = ffi.wasmtime_trap_code_t()
        if ffi.wasmtime_trap_code(pointer, ctypes.byref(code)):
            return RawTrap(int(code.value), "", tuple(_frames(ffi.wasm_trap_trace, pointer)))
        message = ffi.wasm_byte_vec_t()
        ffi.wasm_trap_message(pointer, ctypes.byref(message))
        try:
            return RawTrap(None, _text(message, _MAX_MESSAGE), tuple(_frames(ffi.wasm_trap_trace, pointer)))
        finally:
            ffi.wasm_byte_vec_delete(ctypes.byref(message))
    finally:
        ffi.wasm_trap_delete(pointer)


def take_error(address: int) -> RawTrap:
    """Read the error at this address and free it."""
    error = WasmtimeError._from_ptr(ctypes.cast(address, ctypes.POINTER(ffi.wasmtime_error_t)))
    try:
        return RawTrap(None, str(error)[:_MAX_MESSAGE], ())
    finally:
        error.close()


def take_component_error(address: int) -> RawTrap:
    """Read the error that a component's call ended in, and free it.

    The C API gives no code for it, only words; those of a trap always stand last, where nothing that a
    guest can name (its functions, its modules) comes after them.
    """
    error = ctypes.cast(address, ctypes.POINTER(ffi.wasmtime_error_t))
    try:
        code, words = _understood(_last_line(error))
        frames = tuple(_frames(ffi.wasmtime_error_wasm_trace, error))
        return RawTrap(code, words, frames, bad_room=words.startswith(_BAD_ROOM))
    finally:
        ffi.wasmtime_error_delete(error)


def _understood(cause: str) -> tuple[int | None, str]:
    """The code of a trap, and what is said of it."""
    numbered = _NUMBER.match(cause)
    cause = cause[numbered.end() :] if numbered else cause
    if not cause.startswith(_TRAP_PREFIX):
        return (TrapCode.MEMORY_OUT_OF_BOUNDS.value if cause.endswith(_OUTSIDE) else None), cause
    words = cause.removeprefix(_TRAP_PREFIX)
    return _CODES.get(words), _SHUT if words == _NOT_NOW else words


def _last_line(error: ctypes._Pointer[ffi.wasmtime_error_t]) -> str:
    message = ffi.wasm_byte_vec_t()
    ffi.wasmtime_error_message(error, ctypes.byref(message))
    try:
        start = max(0, message.size - _MAX_MESSAGE)
        place = ctypes.cast(message.data, ctypes.c_void_p).value or 0
        text = ctypes.string_at(place + start, message.size - start).decode("utf-8", "replace")
    finally:
        ffi.wasm_byte_vec_delete(ctypes.byref(message))
    return (text.strip().splitlines() or [""])[-1].strip()


# Any: the two functions that give a backtrace take a pointer each of their own type.
def _frames(trace: Callable[[Any, Any], None], pointer: object) -> Iterator[Frame]:
    frames = ffi.wasm_frame_vec_t(0, None)
    trace(pointer, ctypes.byref(frames))
    try:
        for position in range(min(frames.size, _MAX_FRAMES)):
            frame = frames.data[position]
            offset = int(ffi.wasm_frame_func_offset(frame))
            place = int(ffi.wasm_frame_module_offset(frame))
            yield Frame(
                _name(ffi.wasmtime_frame_module_name(frame)),
                _name(ffi.wasmtime_frame_func_name(frame)),
                int(ffi.wasm_frame_func_index(frame)),
                None if offset == _NO_OFFSET else offset,
                None if _NO_OFFSET in {offset, place} else place - offset,
            )
    finally:
        ffi.wasm_frame_vec_delete(ctypes.byref(frames))


def _name(vector: ctypes._Pointer[ffi.wasm_byte_vec_t]) -> str | None:
    return _text(vector.contents, _MAX_NAME) if vector else None


def _text(vector: ffi.wasm_byte_vec_t, limit: int) -> str:
    size = min(vector.size, limit)
    return ctypes.string_at(vector.data, size).rstrip(b"\0").decode("utf-8", "replace") if size else ""

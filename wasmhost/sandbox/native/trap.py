"""From the engine's trap or error pointer to values, and the pointer freed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmtime import WasmtimeError
from wasmtime import _ffi as ffi

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bounds, because names come from the guest's name section: 90 KB of names made 1.8 MB of trap text.
_MAX_FRAMES: Final = 24
_MAX_NAME: Final = 512
_MAX_MESSAGE: Final = 4096
_NO_OFFSET: Final = ctypes.c_size_t(-1).value


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a backtrace. Names are the module's own: cut, not yet escaped.

    ``index`` is the function's index in its module, ``offset`` the byte in the function, or None
    where the engine knows none (before its first instruction).
    """

    module: str | None
    function: str | None
    index: int
    offset: int | None


@dataclass(frozen=True, slots=True)
class RawTrap:
    """A trap as the engine tells it: its code (a `wasmtime.TrapCode` value) or, without one, words.

    ``frames`` has the innermost first.
    """

    code: int | None
    message: str
    frames: tuple[Frame, ...]


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
            return RawTrap(int(code.value), "", tuple(_frames(pointer)))
        message = ffi.wasm_byte_vec_t()
        ffi.wasm_trap_message(pointer, ctypes.byref(message))
        try:
            return RawTrap(None, _text(message, _MAX_MESSAGE), tuple(_frames(pointer)))
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


def _frames(pointer: ctypes._Pointer[ffi.wasm_trap_t]) -> Iterator[Frame]:
    frames = ffi.wasm_frame_vec_t(0, None)
    ffi.wasm_trap_trace(pointer, ctypes.byref(frames))
    try:
        for position in range(min(frames.size, _MAX_FRAMES)):
            frame = frames.data[position]
            offset = int(ffi.wasm_frame_func_offset(frame))
            yield Frame(
                _name(ffi.wasmtime_frame_module_name(frame)),
                _name(ffi.wasmtime_frame_func_name(frame)),
                int(ffi.wasm_frame_func_index(frame)),
                None if offset == _NO_OFFSET else offset,
            )
    finally:
        ffi.wasm_frame_vec_delete(ctypes.byref(frames))


def _name(vector: ctypes._Pointer[ffi.wasm_byte_vec_t]) -> str | None:
    return _text(vector.contents, _MAX_NAME) if vector else None


def _text(vector: ffi.wasm_byte_vec_t, limit: int) -> str:
    size = min(vector.size, limit)
    return ctypes.string_at(vector.data, size).rstrip(b"\0").decode("utf-8", "replace") if size else ""

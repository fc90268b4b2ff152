"""The custom sections of a WebAssembly module: dropping those that only a debugger reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = b"\0asm\x01\0\0\0"
_CUSTOM = 0
_FUNCTION_NAMES = 1


def strip_debug(module: bytes, *, keep_names: bool = True) -> bytes:
    """Return the module with, of all its custom sections, only the names of its functions.

    Backtraces need those. The rest (DWARF, the module's and the variables' names, the toolchain's own
    notes) is many times the code's size, and DWARF holds the paths of the machine it was built on.
    Without ``keep_names`` the names go as well.
    """
    if not module.startswith(_HEADER):
        raise ValueError("not a core WebAssembly module")
    kept = bytearray(_HEADER)
    for kind, body in _sections(module[len(_HEADER) :]):
        if kind != _CUSTOM:
            kept += _section(kind, body)
        elif keep_names and (content := _content(body, b"name")) is not None:
            names = b"".join(
                _section(part, inner) for part, inner in _sections(content) if part == _FUNCTION_NAMES
            )
            kept += _section(_CUSTOM, _vector(b"name") + names)
    return bytes(kept)


def _sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split a run of sections (or subsections, which look the same) into kind and body."""
    at = 0
    while at < len(data):
        size, start = _read_leb(data, at + 1)
        yield data[at], data[start : start + size]
        at = start + size


def _content(body: bytes, name: bytes) -> bytes | None:
    """Return what a custom section of this name holds; None for one of another name."""
    size, start = _read_leb(body, 0)
    return body[start + size :] if body[start : start + size] == name else None


def _section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _vector(body)


def _vector(data: bytes) -> bytes:
    return _write_leb(len(data)) + data


def _read_leb(data: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number; returns it and the offset behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _write_leb(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)

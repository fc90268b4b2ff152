"""Inside the child that compiles one module: read it, compile it, give the artifact back, and end.

Request and answer are a head and a body each, in the byte order of the machine that both sides are on.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

from wasmtime import WasmtimeError

from wasmhost.sandbox.compiling import reason_of, serialized
from wasmhost.sandbox.settings import make_engine
from wasmhost.wall.confine import seal

if TYPE_CHECKING:
    import socket

    from wasmhost.sandbox.compiling import ModuleKind

REQUEST: Final = struct.Struct("=BIQ")
"""Whether it is a component, the stack in KiB, and the bytes of the module that follows."""
ANSWER: Final = struct.Struct("=BQ")
"""What became of it, and the bytes of the artifact or the reason that follow."""
COMPILED, REFUSED, NO_MEMORY = range(3)

_NO_MEMORY: Final = "(os error 12)"  # how the engine words it, whatever the language


def main(end: socket.socket, extra_fds: list[int]) -> None:
    """Answer one request, sealed. ``extra_fds``: where the compiler's last words go."""
    (words,) = extra_fds
    os.dup2(words, 2)
    os.close(words)
    seal()
    is_component, stack_kib, size = REQUEST.unpack(_read(end, REQUEST.size))
    status, body = _compile("component" if is_component else "core", _read(end, size), stack_kib)
    end.sendall(ANSWER.pack(status, len(body)))
    end.sendall(body)


def _compile(kind: ModuleKind, wasm: bytearray, stack_kib: int) -> tuple[int, bytes]:
    try:
        return COMPILED, serialized(make_engine(stack_kib), kind, bytes(wasm))
    except MemoryError:
        return NO_MEMORY, b""
    except WasmtimeError as error:
        if _NO_MEMORY in str(error):
            return NO_MEMORY, b""
        return REFUSED, reason_of(error).encode()


def _read(end: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        received = end.recv_into(view)
        if not received:
            raise EOFError("the host has closed")
        view = view[received:]
    return data

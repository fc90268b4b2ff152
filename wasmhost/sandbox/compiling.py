"""From a binary to what the engine runs: compiled, or taken from the cache of what was compiled before.

None of this needs an engine in this process, but where there is nobody else to compile: `InProcess`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import platform
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from wasmtime import Module
from wasmtime.component import Component

from wasmhost.sandbox.settings import settings_words
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmtime import Engine, WasmtimeError

    from wasmhost.sandbox.artifacts import ArtifactCache

ModuleKind = Literal["core", "component"]

_WORTH_KEEPING: Final = 16 * 1024  # bytes of module: one this small compiles in a few milliseconds
_REASON_LIMIT: Final = 400


class Bounds(NamedTuple):
    """What compiling one module may take, where it happens in a process of its own."""

    cpu_s: int = 120
    memory_mib: int = 4096


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a module was compiled to: native code, which must come from nobody but our own compiler."""

    kind: ModuleKind
    code: bytes


class Workshop(Protocol):
    """Where modules are compiled."""

    def compile(self, kind: ModuleKind, wasm: bytes, stack_kib: int, bounds: Bounds) -> bytes:
        """Compile a binary for an engine of this size of stack, and give the artifact.

        :raises wasmtime.WasmtimeError: the engine, in this process, does not take it.
        :raises GuestRefused: nor did it elsewhere, or not within the bounds.
        """
        ...


class InProcess:
    """Compiles here and now, for an engine that is here. Nothing bounds what that takes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def compile(self, kind: ModuleKind, wasm: bytes, stack_kib: int, bounds: Bounds) -> bytes:  # noqa: ARG002
        """See `Workshop`; the engine has its size of stack already."""
        return serialized(self._engine, kind, wasm)


class Compiler:
    """Compiles for engines of one size of stack. Safe from any thread."""

    def __init__(self, stack_kib: int, cache: ArtifactCache | None, workshop: Workshop) -> None:
        self._stack_kib = stack_kib
        self._cache = cache
        self._workshop = workshop
        made_by = f"{engine_version()} {processor()} {settings_words(stack_kib)}"
        self._suffix = hashlib.sha256(made_by.encode()).hexdigest()[:16]

    def knows(self, wasm: bytes) -> bool:
        """Whether this binary was compiled before, and is kept."""
        return self._cache is not None and self._cache.has(self._name(wasm))

    def artifact(self, kind: ModuleKind, wasm: bytes, bounds: Bounds) -> Artifact:
        """What this binary is compiled to.

        :raises wasmtime.WasmtimeError: as its `Workshop`.
        :raises GuestRefused: likewise.
        """
        cache = self._cache
        if cache is None or len(wasm) < _WORTH_KEEPING:
            return self._compiled(kind, wasm, bounds)
        name = self._name(wasm)
        found = cache.load(name)
        if found is not None:
            return Artifact(kind, found)
        with cache.only_one(name):
            found = cache.load(name)  # whoever held us off may have made it
            if found is None:
                found = self._compiled(kind, wasm, bounds).code
                cache.store(name, found)
        return Artifact(kind, found)

    def again(self, kind: ModuleKind, wasm: bytes, bounds: Bounds) -> Artifact:
        """Compile what is kept in a form that the engine does not take, and keep that instead."""
        made = self._compiled(kind, wasm, bounds)
        if self._cache is not None and len(wasm) >= _WORTH_KEEPING:
            self._cache.drop(self._name(wasm))
            self._cache.store(self._name(wasm), made.code)
        return made

    def _compiled(self, kind: ModuleKind, wasm: bytes, bounds: Bounds) -> Artifact:
        return Artifact(kind, self._workshop.compile(kind, wasm, self._stack_kib, bounds))

    def _name(self, wasm: bytes) -> str:
        return f"{hashlib.sha256(wasm).hexdigest()}-{self._suffix}"


@functools.cache
def engine_version() -> str:
    """The version of wasmtime that is installed. Read from a file, the first time."""
    return metadata.version("wasmtime")


@functools.cache
def processor() -> str:
    """What native code depends on here: the processor, and what it can do, where the system says so."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(("flags", "Features")):
                return f"{platform.machine()} {line.strip()}"
    return platform.machine()


def serialized(engine: Engine, kind: ModuleKind, wasm: bytes) -> bytes:
    """Compile a binary on this engine; raises `wasmtime.WasmtimeError` where it is none of this kind."""
    compiled = Module(engine, wasm) if kind == "core" else Component(engine, wasm)
    return bytes(compiled.serialize())


def reason_of(error: WasmtimeError | str) -> str:
    """The engine's reason on one line: its causes, without its backtrace."""
    text = str(error)[: 4 * _REASON_LIMIT]
    lines = (line.strip() for line in text.splitlines())
    return escape_untrusted(" ".join(line for line in lines if line), _REASON_LIMIT)

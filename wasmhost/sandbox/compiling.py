"""From a binary to what the engine runs: compiled, or taken from the cache of what was compiled before."""

from __future__ import annotations

import functools
import hashlib
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Final, TypeVar

from wasmtime import Module, WasmtimeError
from wasmtime.component import Component

if TYPE_CHECKING:
    from wasmtime import Engine

    from wasmhost.sandbox.artifacts import ArtifactCache

_Compiled = TypeVar("_Compiled", Module, Component)

_WORTH_KEEPING: Final = 16 * 1024  # bytes of module: one this small compiles in a few milliseconds


@functools.cache
def engine_version() -> str:
    """The version of wasmtime that is installed. Read from a file, the first time."""
    return metadata.version("wasmtime")


class Compiler:
    """Compiles for one engine. ``settings`` is all that the engine's code depends on, in any words.

    Safe from any thread.
    """

    def __init__(self, engine: Engine, settings: str, cache: ArtifactCache | None) -> None:
        self._engine = engine
        self._cache = cache
        made_by = f"{engine_version()} {platform.machine()} {settings}"
        self._suffix = hashlib.sha256(made_by.encode()).hexdigest()[:16]

    def knows(self, wasm: bytes) -> bool:
        """Whether this binary was compiled before, and is kept."""
        return self._cache is not None and self._cache.has(self._name(wasm))

    def module(self, wasm: bytes) -> Module:
        """Compile a core module; raises `wasmtime.WasmtimeError` where it is none."""
        return self._get(Module, wasm)

    def component(self, wasm: bytes) -> Component:
        """Compile a component; raises `wasmtime.WasmtimeError` where it is none."""
        return self._get(Component, wasm)

    def _get(self, kind: type[_Compiled], wasm: bytes) -> _Compiled:
        cache = self._cache
        if cache is None or len(wasm) < _WORTH_KEEPING:
            return kind(self._engine, wasm)
        name = self._name(wasm)
        found = self._load(kind, name, cache)
        if found is not None:
            return found
        with cache.only_one(name):
            found = self._load(kind, name, cache)  # whoever held us off may have made it
            if found is None:
                found = kind(self._engine, wasm)
                cache.store(name, bytes(found.serialize()))
        return found

    def _name(self, wasm: bytes) -> str:
        return f"{hashlib.sha256(wasm).hexdigest()}-{self._suffix}"

    def _load(self, kind: type[_Compiled], name: str, cache: ArtifactCache) -> _Compiled | None:
        artifact = cache.load(name)
        if artifact is None:
            return None
        try:
            return kind.deserialize(self._engine, artifact)
        except WasmtimeError:  # of an engine that says it is this one and is not, or of another processor
            cache.drop(name)
            return None

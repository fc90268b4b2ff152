"""A component of a core module."""

from __future__ import annotations

from wasmhost.authoring.toolchains.base import BuildError


def as_component(wasm: bytes) -> bytes:
    """Not here yet."""
    raise BuildError("--component is not here yet")

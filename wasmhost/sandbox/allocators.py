"""Where a component has its allocators, so that a trap in one can be told from a trap in a hook.

In the airlock our own code knows when it is in the guest's cabi_realloc. A component's is called by the
engine, which does not say so; but a backtrace has the place in the binary of each function in it, and that
no name in the binary can forge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.sandbox.binary import read_shape
from wasmhost.sandbox.sections import HEADER_BYTES, core_module_spans, places, read_u32

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = "cabi_realloc"
_EXPORTS, _CODE = 7, 10
_FUNCTION: Final = 0


def allocator_places(wasm: bytes) -> frozenset[int]:
    """Where in the binary the functions begin that core modules in it export as ``cabi_realloc``.

    Empty where it cannot be read: then a trap in an allocator is a trap like any other.
    """
    try:
        spans = core_module_spans(wasm, 0, len(wasm))
        return frozenset(place for span in spans for place in _places(wasm, *span))
    except (ValueError, IndexError):
        return frozenset()


def _places(wasm: bytes, begin: int, end: int) -> Iterator[int]:
    found = {place.kind: place for place in places(wasm, begin + HEADER_BYTES, end) if place.kind}
    if _EXPORTS not in found or _CODE not in found:
        return
    index = _exported(wasm, found[_EXPORTS].begin)
    if index is None:
        return
    shape = read_shape(wasm[begin:end])
    own = index - sum(external.kind == "func" for _, _, external in shape.imports)
    count, at = read_u32(wasm, found[_CODE].begin)
    for number in range(count if own >= 0 else 0):
        size, at = read_u32(wasm, at)
        if number == own:
            yield at
            return
        at += size


def _exported(wasm: bytes, at: int) -> int | None:
    """The index of the function that is exported as ``cabi_realloc``."""
    count, at = read_u32(wasm, at)
    for _ in range(count):
        size, at = read_u32(wasm, at)
        name, kind = wasm[at : at + size], wasm[at + size]
        index, at = read_u32(wasm, at + size + 1)
        if kind == _FUNCTION and name == _NAME.encode():
            return index
    return None

"""How large the parts of a binary may be, read by ourselves before the engine sees any of it.

To compile takes time and memory that the size alone does not bound: three hundred thousand functions that
do nothing are 900 KB and took 15 s. So things are counted first, over all core modules that a binary holds.
The caps leave the largest real guests (a whole Python, which is 18.7 MB) a factor of four and more. What a
binary does within them, the bounds of the compiling process bound.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.errors import GuestRefused
from wasmhost.sandbox.sections import CUSTOM, HEADER_BYTES, NESTED, layer, places, read_u32

if TYPE_CHECKING:
    from wasmhost.sandbox.sections import Place

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB


class Cap(NamedTuple):
    """The most there may be of something, and the largest number seen in a real guest."""

    most: int
    seen: int


CAPS: Final = {
    "functions": Cap(70_000, 15_946),
    "bytes in one function": Cap(2 * _MIB, 426_843),
    "locals in one function": Cap(5_000, 271),
    "locals": Cap(250_000, 47_880),
    "types": Cap(10_000, 1_350),
    "bytes of types": Cap(256 * _KIB, 12_564),
    "imports": Cap(10_000, 2_413),
    "exports": Cap(20_000, 4_485),
    "globals": Cap(5_000, 872),
    "tables": Cap(100, 3),
    "memories": Cap(100, 4),
    "element segments": Cap(10_000, 8),
    "data segments": Cap(100_000, 22_971),
    "custom sections": Cap(1_000, 28),
    "bytes of custom sections": Cap(16 * _MIB, 423_670),
    "modules": Cap(200, 41),
    "components": Cap(150, 31),
    "levels of components": Cap(16, 4),
    "types of components": Cap(5_000, 352),
    "instances": Cap(2_000, 131),
    "aliases": Cap(10_000, 1_513),
    "canonical functions": Cap(2_000, 132),
    "imports of components": Cap(2_000, 175),
    "exports of components": Cap(2_000, 129),
}
"""By what is counted. Every import counts as a function, too, as most of them are."""

# Sections that are a vector, and what there is one of in it.
_OF_MODULE: Final = {
    1: "types",
    2: "imports",
    3: "functions",
    4: "tables",
    5: "memories",
    6: "globals",
    7: "exports",
    9: "element segments",
    11: "data segments",
}
_OF_COMPONENT: Final = {
    2: "instances",
    3: "types of components",
    5: "instances",
    6: "aliases",
    7: "types of components",
    8: "canonical functions",
    10: "imports of components",
    11: "exports of components",
}
_TYPES: Final = {1}
_COMPONENT_TYPES: Final = {3, 7}
_LONG_TYPES: Final = {0x63, 0x64}  # "(ref null t)" and "(ref t)": what t is, follows
_IMPORTS, _CODE, _COMPONENT = 2, 10, 4


def check_caps(wasm: bytes) -> None:
    """Count what is in a binary.

    What is malformed ends the counting of that module or component, as the engine takes nothing of it.

    :raises GuestRefused: there is more of something than its cap.
    """
    _Counting(wasm).part(0, len(wasm), 0)


class _Counting:
    def __init__(self, wasm: bytes) -> None:
        self._wasm = wasm
        self._counts: Counter[str] = Counter()

    def part(self, begin: int, end: int, depth: int) -> None:
        """Count a module, or a component with all in it."""
        _hold("levels of components", depth)
        is_core = layer(self._wasm[begin : min(end, begin + HEADER_BYTES)]) == "core"
        self._add("modules" if is_core else "components", 1)
        try:
            for place in places(self._wasm, begin + HEADER_BYTES, end):
                if place.kind == CUSTOM:
                    self._add("custom sections", 1)
                    self._add("bytes of custom sections", place.end - place.begin)
                elif is_core:
                    self._section(place)
                elif place.kind in NESTED:
                    self.part(place.begin, place.end, depth + (place.kind == _COMPONENT))
                else:
                    self._vector(place, _OF_COMPONENT, _COMPONENT_TYPES)
        except (ValueError, IndexError):
            return

    def _section(self, place: Place) -> None:
        self._vector(place, _OF_MODULE, _TYPES)
        if place.kind == _CODE:
            self._code(place)
        elif place.kind == _IMPORTS:
            self._add("functions", read_u32(self._wasm, place.begin)[0])

    def _vector(self, place: Place, names: dict[int, str], types: set[int]) -> None:
        if place.kind in names:
            self._add(names[place.kind], read_u32(self._wasm, place.begin)[0])
        if place.kind in types:
            self._add("bytes of types", place.end - place.begin)

    def _code(self, place: Place) -> None:
        wasm = self._wasm
        count, at = read_u32(wasm, place.begin)
        _hold("functions", count)
        for _ in range(count):
            size, at = read_u32(wasm, at)
            _hold("bytes in one function", size)
            runs, inner = read_u32(wasm, at)
            end = at + size
            total = 0
            for _ in range(runs):
                number, inner = read_u32(wasm, inner)
                total += number
                inner = _behind_type(wasm, inner)
                if inner > end:
                    raise ValueError("locals end beyond the end of their function")
            if total:
                _hold("locals in one function", total)
                self._add("locals", total)
            at = end

    def _add(self, what: str, number: int) -> None:
        self._counts[what] += number
        _hold(what, self._counts[what])


def _behind_type(wasm: bytes, at: int) -> int:
    """Where a type of locals ends: one byte, or a reference's long spelling, which the engine takes too."""
    return at + 1 if wasm[at] not in _LONG_TYPES else read_u32(wasm, at + 1)[1]


def _hold(what: str, number: int) -> None:
    most = CAPS[what].most
    if number > most:
        raise GuestRefused(f"it has {number:,} {what}, more than {most:,}")

"""Every mutant there is, in a fixed order: the same seeds give the same binaries, run by run."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.fuzz.mutants.fieldwise import Fields, noise
from tests.fuzz.mutants.sectionwise import custom, cut, headers, structure
from tests.fuzz.mutants.together import halves, inner_modules, into_component, nested, spliced
from tests.fuzz.mutants.wat_text import wat_module
from tests.sandbox import wat
from wasmhost.sandbox.sections import layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fuzz.mutants.seeds import Seed

_OF_FIELDS: Final = 130
_OF_NOISE: Final = 40
_OF_LARGE: Final = 4  # every so manieth
_SPLICED: Final = 700
_INSIDE: Final = 500
_DEPTHS: Final = (1, 2, 8, 9, 60, 200)


class Mutant(NamedTuple):
    """A binary, and how it came about."""

    name: str
    wasm: bytes


def mutants(seeds: Sequence[Seed], large: Sequence[Seed]) -> Iterator[Mutant]:
    """All of them, none twice, and no seed. Some are still good guests: those must run, like any."""
    seen = {seed.wasm for seed in (*seeds, *large)}
    for mutant in _all(seeds, large):
        if mutant.wasm not in seen:
            seen.add(mutant.wasm)
            yield mutant


def _all(seeds: Sequence[Seed], large: Sequence[Seed]) -> Iterator[Mutant]:
    for seed in seeds:
        yield from _of_one(seed)
    yield from _of_several(seeds)
    for seed in large:
        for what, wasm in [*cut(seed.wasm), *headers(seed.wasm)][::_OF_LARGE]:
            yield Mutant(f"{seed.name}: {what}", wasm)


def _of_one(seed: Seed) -> Iterator[Mutant]:
    chance = Random(f"one {seed.name}")
    wasm = seed.wasm
    for what, mutant in (*cut(wasm), *headers(wasm), *structure(wasm), *custom(wasm, chance)):
        yield Mutant(f"{seed.name}: {what}", mutant)
    for _ in range(_OF_NOISE):
        yield Mutant(*_called(seed.name, noise(wasm, chance)))
    if layer(wasm) == "core":
        fields = Fields(wasm)
        for _ in range(_OF_FIELDS):
            yield Mutant(*_called(seed.name, fields.mutant(chance)))
        for depth in _DEPTHS:
            yield Mutant(f"{seed.name}: in {depth} components", nested(wasm, depth))


def _of_several(seeds: Sequence[Seed]) -> Iterator[Mutant]:
    chance = Random("several")
    for _ in range(_SPLICED):
        one, other = chance.sample(seeds, 2)
        splice = chance.choice((spliced, spliced, halves))
        yield Mutant(*_called(f"{one.name} and {other.name}", splice(one.wasm, other.wasm, chance)))
    components = [seed for seed in seeds if layer(seed.wasm) == "component"]
    modules = [seed for seed in seeds if layer(seed.wasm) == "core"]
    for turn in range(_INSIDE):
        component = chance.choice(components)
        if turn % 5:  # its own module, with a field or some bytes changed
            module = chance.choice(inner_modules(component.wasm))
            what, wasm = Fields(module).mutant(chance) if turn % 3 else noise(module, chance)
        else:
            what, wasm = "", chance.choice(modules).wasm
        where, mutant = into_component(component.wasm, wasm, chance)
        yield Mutant(f"{component.name}: {where} {what}", mutant)


def generated(count: int) -> Iterator[Mutant]:
    """Modules that no guest was changed into: drawn at random, most of them valid."""
    for number in range(count):
        yield Mutant(f"generated {number}", wat.wasm(wat_module(Random(f"generated {number}"))))


def _called(name: str, mutant: tuple[str, bytes]) -> tuple[str, bytes]:
    return f"{name}: {mutant[0]}", mutant[1]

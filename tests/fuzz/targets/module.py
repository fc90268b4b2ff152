"""Whole modules and components: let in and run, or refused, and the neighbours are as before."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING, Final

from tests.fuzz.mutants.fieldwise import Fields, noise
from tests.fuzz.mutants.sectionwise import structure
from tests.fuzz.mutants.seeds import text_seeds
from tests.fuzz.mutants.together import halves, spliced
from tests.fuzz.oracle import Neighbours, judge
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.sections import layer

if TYPE_CHECKING:
    from tests.fuzz.mutants.sectionwise import Named

_LARGEST: Final = 64 * 1024


@cache
def _house() -> tuple[SandboxEngine, Neighbours]:
    """One engine for all, and who lives beside what is tried. They live as long as the process."""
    engine = SandboxEngine()
    return engine, Neighbours(engine)


def check(data: bytes) -> None:
    """Let a binary in."""
    engine, neighbours = _house()
    judge(engine, data)
    neighbours.check()


def mutated(data: bytes, seed: int) -> bytes:
    """Change a binary as one who knows what is in it; what is none gets other bytes."""
    chance = Random(seed)
    try:
        _, wasm = _mutant(data, chance)
    except (ValueError, IndexError):  # its sections make no sense
        _, wasm = noise(data, chance)
    return (wasm or corpus()[0])[:_LARGEST]


def _mutant(data: bytes, chance: Random) -> Named:
    match chance.randrange(6):
        case 0:
            return chance.choice(list(structure(data)))
        case 1:
            return (spliced, halves)[chance.randrange(2)](data, chance.choice(corpus()), chance)
        case 2:
            return noise(data, chance)
    return Fields(data).mutant(chance) if layer(data) == "core" else noise(data, chance)


@cache
def corpus() -> list[bytes]:
    """The small seeds of the mutants."""
    return [seed.wasm for seed in text_seeds()]

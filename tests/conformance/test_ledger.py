"""docs/ledger.md says what is so, and what it says keeps within what was promised."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from tests.conformance.ledger import PATH, Cost, measure, read_ledger, render
from tests.guests.languages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.guests.languages import Language
    from wasmhost.testing import Desk

LEDGER = read_ledger(PATH.read_text("utf-8"))
OTHER_COMPILER = 0.1
"""How far the costs may be from the ledger's where it was written with another version of the compiler."""
RENEW = "run make ledger, and look at what has changed"


@pytest.fixture
def cost(observer_host: Desk, language: Language) -> Cost:
    """Measure a language."""
    return measure(observer_host, language.name)


def figures(cost: Cost) -> dict[str, int]:
    """All the numbers of a language."""
    named = {field.name: getattr(cost, field.name) for field in fields(cost)}
    return {name: value for name, value in named.items() if isinstance(value, int)} | cost.hooks


def test_the_ledger_has_every_language_and_is_as_it_is_written() -> None:
    """Reading it and writing it again changes nothing; nor does another wasmtime, unseen."""
    assert list(LEDGER) == list(LANGUAGES)
    assert render(list(LEDGER.values())) == PATH.read_text("utf-8"), RENEW


def test_a_language_costs_what_the_ledger_says(cost: Cost, language: Language) -> None:
    """To the unit of fuel and the byte, where its builds are reproducible by the same compiler."""
    said = LEDGER[language.name]
    tolerance = 0.0 if language.reproducible else 0.02
    if cost.compiler != said.compiler:
        tolerance = OTHER_COMPILER
    assert list(differences(figures(said), figures(cost), language, tolerance)) == [], RENEW


def differences(
    said: dict[str, int], found: dict[str, int], language: Language, tolerance: float
) -> Iterator[str]:
    """What is not as the ledger says."""
    for name in said.keys() | found.keys():
        before, after = said.get(name, 0), found.get(name, 0)
        allowed = tolerance
        if name in {"probe", "relay_watch"} and language.names_vary:
            allowed = max(tolerance, 0.02)
        if abs(after - before) > allowed * before:
            yield f"{language.name} {name}: {before:,} in the ledger, {after:,} found"


def test_a_language_keeps_within_its_bounds(cost: Cost, language: Language) -> None:
    """The median call of relay-watch on the real trace, and the size of its module."""
    assert cost.median < language.median
    assert language.size is None or cost.relay_watch < language.size

"""The head of a case: its lines that begin with ``;;!`` are TOML, and say all but the content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from wasmhost.audit.case import OF_GUESTS, OF_STREAMS, WORDS, Expectation, Kind, Word
from wasmhost.config import Limits, ObserverDefaults
from wasmhost.config.document import parse_document
from wasmhost.config.load import observer_settings
from wasmhost.config.nodes import Node, member, number, text, whole
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.host.counters import ObserverSummary
from wasmhost.panics import PanicKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wasmhost.config.model import Isolation

MARK: Final = ";;!"
ISOLATIONS: Final[tuple[Isolation, ...]] = ("thread", "process")
COUNTS: Final = frozenset(
    name for name, kind in ObserverSummary.__annotations__.items() if str(kind) in {"int", "<class 'int'>"}
)
"""What of an observer is counted, by the names of a run's summary."""

# How busy the machine is must not change what a case comes to, unless it is about deadlines and says one.
_LIMITS: Final = Limits(deadline_ms=5_000, init_deadline_ms=10_000)
_BASE: Final = ObserverDefaults(limits=_LIMITS, backoff_ms=(0, 0), quarantine=None, mailbox=100_000)
_MOST: Final = 10**9


def settings(source: str, shown: str, kind: Kind) -> dict[str, Any]:
    """Return the fields of a `Case` that its head says; Any: as the class has them.

    :raises ConfigError: it says something that cannot be meant.
    """
    # Every line stays where it is, so that what is wrong with it is told by its number.
    lines = (line.removeprefix(MARK) if line.startswith(MARK) else "" for line in source.splitlines())
    head = parse_document("\n".join(lines), shown).renamed("the head of the case")
    values = head.table((*_FIELDS, *_EXPECTED, "observer", *ISOLATIONS), {})
    for name in ("title", "expect"):
        if name not in values:
            raise head.error(f'has no "{name}"')
    fields = {name: check(values[name]) for name, check in _FIELDS.items() if name in values}
    table = values.get("observer")
    fields["settings"] = _BASE if table is None else observer_settings(table.renamed("observer"), _BASE)
    fields["expected"] = _expected(values, kind)
    return fields


def _expected(values: Mapping[str, Node], kind: Kind) -> dict[Isolation, Expectation]:
    """What it must come to in each isolation: what one has a table for differs there, or is not for it."""
    expected: dict[Isolation, Expectation] = {}
    for isolation in ISOLATIONS:
        node = values.get(isolation)
        if node is not None and node.raw is False:
            continue
        own = node.renamed(isolation).table(_EXPECTED, {}) if node is not None else {}
        common = {} if "expect" in own else values
        expected[isolation] = _expectation({**common, **own}, kind)
    return expected


def _expectation(values: Mapping[str, Node], kind: Kind) -> Expectation:
    found = {name: check(values[name]) for name, check in _EXPECTED.items() if name in values}
    word: Word = found["expect"]
    node = values["expect"]
    if word not in (OF_GUESTS if kind == "guest" else OF_STREAMS):
        raise node.error(f"is nothing that a {kind} can come to")
    for name, words in _OF.items():
        if name in found and word not in words:
            raise values[name].error(f"says nothing where the case expects {word}")
    for name in _NEEDED.get(word, ()):
        if name not in found:
            raise node.error(f'needs "{name}" too')
    fields = {_NAMES.get(name, name): value for name, value in found.items()}
    return Expectation(**fields)


def _pattern(node: Node) -> re.Pattern[str]:
    try:
        return re.compile(text(node))
    except re.error as error:
        raise node.error(f"is no pattern: {error}") from None


def _counts(node: Node) -> dict[str, tuple[int, int | None]]:
    values = node.table(sorted(COUNTS), {})
    return {name: _span(value) for name, value in values.items()}


def _span(node: Node) -> tuple[int, int | None]:
    if not isinstance(node.raw, list):
        return _whole(node), None
    numbers = [_whole(element) for element in node.elements()]
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise node.error("must be the least, or [least, most]")
    return numbers[0], numbers[1]


def _flag(node: Node) -> bool:
    if isinstance(node.raw, bool):
        return node.raw
    raise node.error(f"must be true or false, not {node.shown()}")


_whole: Final = whole(0, _MOST)
# Any: as in config/load.py, each check returns what the field of that name is annotated with.
_FIELDS: Final[dict[str, Callable[[Node], Any]]] = {
    "title": text,
    "hook": member(*HOOK_BY_NAME),
    "events": whole(1, 10_000),
    "alone": _flag,
    "within": number(0.1, 600),
}
_EXPECTED: Final[dict[str, Callable[[Node], Any]]] = {
    "expect": member(*WORDS),
    "reason": _pattern,
    "kind": lambda node: PanicKind(member(*PanicKind)(node)),
    "panics": whole(1, 10_000),
    "counts": _counts,
    "rejected": _whole,
    "at": _whole,
}
_NAMES: Final = {"expect": "word"}
_OF: Final[dict[str, frozenset[Word]]] = {
    "reason": frozenset({"refused", "trapped", "rejected", "ended"}),
    "kind": frozenset({"trapped"}),
    "panics": frozenset({"trapped"}),
    "counts": frozenset({"bounded", "trapped", "harmless"}),
    "rejected": frozenset({"rejected", "ended"}),
    "at": frozenset({"ended"}),
}
_NEEDED: Final[dict[Word, tuple[str, ...]]] = {
    "refused": ("reason",),
    "trapped": ("kind",),
    "bounded": ("counts",),
    "rejected": ("rejected",),
    "ended": ("at",),
}

"""What a frame of a turn holds, and how the host reads it."""

from __future__ import annotations

import re
from array import array
from dataclasses import fields
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.contract.hooks import HOOK_BY_NAME, HOOKS
from wasmhost.contract.records import ActrError
from wasmhost.host.counters import Counters
from wasmhost.host.hook_tally import NUMBERS, disguises, disposed, what_is_wrong
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi
from wasmhost.shards.framing import Garbled
from wasmhost.shards.packing import Unpacker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNTS: Final = tuple(item.name for item in fields(Counters) if item.type == "int")
"""The counts that a frame tells, as how much each grew."""
DISPOSED: Final = ("delivered", "panics", "skipped", "dropped")
"""Each letter that is done has been counted as one of these."""
_DISPOSED: Final = tuple(COUNTS.index(name) for name in DISPOSED)

# What is counted once for a letter at most. It is summed up in the database, whose numbers end at 63 bits.
_AT_MOST_ONE_EACH: Final = tuple(place for place, name in enumerate(COUNTS) if name.startswith("saw_"))

_MAX_DONE: Final = 100_000
_MAX_FIELDS: Final = 32
_MAX_FRAMES: Final = 256
_MAX_METRICS: Final = 1024
_NAME: Final = 256
_TEXT: Final = 8192
_PANIC_KINDS: Final = frozenset(kind.value for kind in PanicKind)
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*")
# Parameters of the logger's own methods, and what stands or acts in every line of it.
_TAKEN: Final = frozenset({"event", "self", "method_name", "positional_args", "exc_info", "stack_info"}) | {
    "level", "timestamp", "logger", "logger_name", "exception", "stack",
}  # fmt: skip
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical"})


class Section(IntEnum):
    """What can stand in a turn behind its counts."""

    REPORT = 1
    PANIC = 2
    STATE = 3
    LINE = 4
    REPLY = 5
    CONDITION = 6


class Report(NamedTuple):
    """A report, and of which letter."""

    number: int
    topic: str
    body: bytes


class PanicTold(NamedTuple):
    """A panic; ``number`` 0 where it came before any event."""

    number: int
    hook: str
    kind: PanicKind
    message: str
    backtrace: tuple[str, ...]
    fuel_budget: int
    lost: int


class State(NamedTuple):
    """An observer's latest state."""

    blob: bytes


class Line(NamedTuple):
    """A line for the log."""

    level: str
    event: str
    fields: dict[str, str | int | float | bool | None]


class ReplyTold(NamedTuple):
    """The result of a hook that is awaited."""

    number: int
    error: ActrError | None


class ConditionTold(NamedTuple):
    """How an observer is; see `wasmhost.host.runner.Condition`."""

    failed: bool
    quarantined: tuple[str, ...]
    metrics: tuple[tuple[str, float], ...]
    lost: int


Told = Report | PanicTold | State | Line | ReplyTold | ConditionTold


class HookTold(NamedTuple):
    """What was counted of one hook: see `HookTally`. ``fuel``: what deliveries cost, and how many did."""

    hook: str
    numbers: list[int]
    fuel: list[tuple[int, int]]


class Turn(NamedTuple):
    """One observer's turn: which letters are done, what was counted, and what else is to be told."""

    place: int
    done: array[int]
    counts: tuple[int, ...]
    hooks: tuple[HookTold, ...]
    told: tuple[Told, ...]


def read_turn(body: bytes) -> Turn:
    """Read the body of a frame.

    :raises Garbled: it is none.
    """
    source = Unpacker(body)
    place = source.u16()
    done = array("Q")
    done.frombytes(source.raw(8 * source.count(_MAX_DONE)))
    counts = tuple(source.u64() for _ in COUNTS)
    hooks = tuple(_read_hook(source) for _ in range(source.count(len(HOOKS))))
    if sum(counts[place] for place in _DISPOSED) != len(done):
        raise Garbled("a turn counts other letters than those that are done")
    if max(counts[place] for place in _AT_MOST_ONE_EACH) > _MAX_DONE:
        raise Garbled("a turn counts more letters than it can have")
    _check_hooks(counts, hooks)
    return Turn(place, done, counts, hooks, tuple(_sections(source)))


def _read_hook(source: Unpacker) -> HookTold:
    hook, numbers = _hook(source.u8()), source.u64s(NUMBERS)
    different = source.count(_MAX_DONE)
    costs, times = source.u64s(different), source.u64s(different)
    return HookTold(hook, numbers, list(zip(costs, times, strict=True)))


def _check_hooks(counts: tuple[int, ...], hooks: tuple[HookTold, ...]) -> None:
    """See that the hooks' own counts are those of the observer, so no larger than what was sent.

    :raises Garbled: they are others.
    """
    for told in hooks:
        wrong = what_is_wrong(told.numbers, told.fuel)
        if wrong is not None:
            raise Garbled(wrong)
    each = (disposed(told.numbers) for told in hooks)
    found = [sum(letters) for letters in zip(*each, strict=True)] or [0] * len(_DISPOSED)
    if found != [counts[place] for place in _DISPOSED]:
        raise Garbled("a turn counts other letters than those of its hooks")
    if sum(disguises(told.numbers) for told in hooks) > sum(found):
        raise Garbled("a turn counts more disguises than letters")


def _hook(place: int) -> str:
    if place >= len(HOOKS):
        raise Garbled("a turn counts a hook that there is not")
    return HOOKS[place].name


def _sections(source: Unpacker) -> Iterator[Told]:
    while source.more:
        section = source.u8()
        read = _READERS.get(section)
        if read is None:
            raise Garbled(f"a turn tells something unknown, {section}")
        yield read(source)


def _report(source: Unpacker) -> Report:
    return Report(source.u64(), source.text(abi.NAME_BYTES), source.blob(abi.AREA_BYTES))


def _panic(source: Unpacker) -> PanicTold:
    number, hook, kind = source.u64(), source.text(_NAME), source.text(_NAME)
    if kind not in _PANIC_KINDS:
        raise Garbled("a panic is of an unknown kind")
    message = source.text(_TEXT)
    backtrace = tuple(source.text(_TEXT) for _ in range(source.count(_MAX_FRAMES)))
    return PanicTold(number, hook, PanicKind(kind), message, backtrace, source.u64(), source.u64())


def _state(source: Unpacker) -> State:
    return State(source.blob(abi.AREA_BYTES))


def read_line(source: Unpacker) -> Line:
    """Read a line for the log.

    :raises Garbled: it is none.
    """
    level, event = source.text(_NAME), source.text(_TEXT)
    if level not in _LEVELS:
        raise Garbled("a line of the log is of an unknown level")
    told: dict[str, str | int | float | bool | None] = {}
    for _ in range(source.count(_MAX_FIELDS)):
        name = source.text(_NAME)
        if _FIELD.fullmatch(name) is None or name in _TAKEN:
            raise Garbled("a field of the log has a name that none of ours has")
        told[name] = _value(source)
    return Line(level, event, told)


def _value(source: Unpacker) -> str | int | float | bool | None:
    match source.u8():
        case 0:
            return (False, True, None)[min(source.u8(), 2)]
        case 1:
            return source.u64()
        case 2:
            return source.f64()
        case 3:
            return source.text(_TEXT)
    raise Garbled("a field of the log is of an unknown kind")


def _reply(source: Unpacker) -> ReplyTold:
    number = source.u64()
    return ReplyTold(number, ActrError(source.text(_NAME), source.text(_TEXT)) if source.u8() else None)


def _condition(source: Unpacker) -> ConditionTold:
    failed = bool(source.u8())
    quarantined = tuple(source.text(_NAME) for _ in range(source.count(len(HOOK_BY_NAME) + 1)))
    metrics = tuple((source.text(_NAME), source.f64()) for _ in range(source.count(_MAX_METRICS)))
    return ConditionTold(failed, quarantined, metrics, source.u64())


_READERS: Final[dict[int, Callable[[Unpacker], Told]]] = {
    Section.REPORT: _report,
    Section.PANIC: _panic,
    Section.STATE: _state,
    Section.LINE: read_line,
    Section.REPLY: _reply,
    Section.CONDITION: _condition,
}

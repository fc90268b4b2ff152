"""All that an observer does when it is given events, as lines of JSON: what a golden test compares."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import cbor2

from wasmhost.authoring.tryout import heard
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.outbox import CounterAdd
from wasmhost.sinks.cbor_json import cbor_to_json
from wasmhost.text import safe_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wasmhost.authoring.tryout import Tryout
    from wasmhost.contract.codec import Frame
    from wasmhost.sandbox.instance import Outcome
    from wasmhost.sandbox.outbox import CounterAdd as _CounterAdd
    from wasmhost.sandbox.outbox import GaugeSet, LogLine, Report
    from wasmhost.sandbox.traps import TrapReport

Entry = dict[str, Any]  # Any: a report's body is whatever its author puts into it
_INITIALIZE: Final = "_initialize"


@dataclass(slots=True)
class Transcript:
    """What came of a test's events. ``fuel``: what the calls of each hook cost that returned."""

    lines: list[str] = field(default_factory=list[str])
    fuel: dict[str, list[int]] = field(default_factory=dict[str, "list[int]"])


def record(tryout: Tryout, events: Iterable[Frame]) -> Transcript:
    """Give events to an observer that knows nothing yet, as a host does with those of a file."""
    transcript = Transcript()
    untold = 0
    tryout.reset()
    for frame, lost in heard(events, tryout.hooks):
        untold += lost
        try:
            started = tryout.start()
        except GuestRefused as refused:  # a fresh sandbox after a panic, with a state it cannot bear
            transcript.lines.append(as_line({"hook": _INITIALIZE, "refused": str(refused)}))
            continue
        if started is not None:
            transcript.lines += (as_line({"hook": _INITIALIZE} | entry) for entry in _entries(started))
        outcome = tryout.deliver(tryout.seen(frame), untold)
        untold = 0
        place = {"seq": frame.seq, "hook": frame.hook}
        transcript.lines += (as_line(place | entry) for entry in _entries(outcome))
        if outcome.trap is None:
            transcript.fuel.setdefault(frame.hook, []).append(outcome.fuel)
    return transcript


def as_line(entry: Entry) -> str:
    """Write an entry as one line of JSON that is fit to be shown: what is not printable is escaped."""
    text = json.dumps(entry, ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    return character if character.isprintable() else safe_json(character)[1:-1]


def _entries(outcome: Outcome) -> Iterator[Entry]:
    """What one delivery did, in an order that is always the same."""
    effects, trap = outcome.effects, outcome.trap
    for line in _own_words(effects.logs, trap):
        yield {"log": line.text, "level": line.level}
    for report in effects.reports:
        yield {"report": report.topic} | _body(report)
    for metric in effects.metrics:
        yield _metric(metric)
    if effects.state is not None:
        yield {"state": effects.state.hex()}
    dropped = {
        "logs": effects.logs_dropped,
        "reports and metrics": effects.dropped,
        "state": effects.state_refused,
    }
    for what, count in dropped.items():
        if count:
            yield {"dropped": what, "count": count}
    if outcome.error is not None:
        yield {"error": outcome.error}
    if trap is not None:
        yield {"panic": trap.kind.value, "message": _first_line(trap)}


def _own_words(logs: tuple[LogLine, ...], trap: TrapReport | None) -> Iterator[LogLine]:
    """The log lines that the author wrote. What a language's runtime adds to a panic changes with it."""
    said = None if trap is None else _first_line(trap)
    for line in logs:
        if said is not None and line.level == "warn" and line.text == said:
            return
        yield line


def _first_line(trap: TrapReport) -> str:
    return trap.message.split("\\n")[0]  # the text comes escaped


def _body(report: Report) -> Entry:
    """A report's body, readable; its bytes as well where those say something that the JSON does not."""
    try:
        body = cbor_to_json(report.body)
    except ValueError as error:
        return {"body_hex": report.body.hex(), "dropped": str(error)}
    plain = cbor2.dumps(body, canonical=True) == report.body
    return {"body": body} if plain else {"body": body, "body_hex": report.body.hex()}


def _metric(metric: _CounterAdd | GaugeSet) -> Entry:
    if isinstance(metric, CounterAdd):
        return {"metric": metric.name, "add": metric.by}
    finite = metric.value - metric.value == 0
    return {"metric": metric.name, "set": metric.value if finite else str(metric.value)}

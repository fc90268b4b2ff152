"""What one observer in a shard left behind in its turns, on its way to the host.

Stands in for the panic log, the state store and the report queue, none of which a shard has. All of a
turn goes up in one frame, so that whatever a shard dies of, the host has the whole of a turn or nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.contract.hooks import HOOKS
from wasmhost.host.reply import Reply
from wasmhost.shards.packing import Packer
from wasmhost.shards.turns import COUNTS, Section

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping

    from wasmhost.contract.records import ActrError
    from wasmhost.host.counters import Counters
    from wasmhost.host.runner import Condition
    from wasmhost.panics.record import Panic
    from wasmhost.sinks import ReportRecord

_PLACES: Final = {hook.name: place for place, hook in enumerate(HOOKS)}
FULL: Final = 256 * 1024
"""Bytes after which what letters left behind is sent before the next one."""


class Outbox:
    """Collects what is to be told of one observer. Used by the one thread that serves it.

    ``current`` is a view of one number that survives this process: the letter in hand, 0 for none.
    """

    def __init__(self, index: int, current: memoryview, state: bytes | None, *, lossless: bool) -> None:
        self.lossless = lossless
        self.full = False  # a report never waits here: sending one does
        self._index = index
        self._current = current
        self._sections = Packer()
        self._state = state
        self._state_is_new = False
        self._told_counts = [0] * len(COUNTS)
        self._told_condition: Condition | None = None

    # The faces of those it stands in for; see `wasmhost.host.ports`.

    @property
    def panics(self) -> Outbox:
        """It is the panic log."""
        return self

    @property
    def states(self) -> Outbox:
        """It is the state store."""
        return self

    @property
    def reports(self) -> Outbox:
        """It is the queue of reports."""
        return self

    def load(self, observer: str) -> bytes | None:  # noqa: ARG002 - there is one observer here
        """Return the latest state."""
        return self._state

    def save(self, observer: str, blob: bytes) -> None:  # noqa: ARG002
        """Keep the latest state, and tell of it with the turn."""
        self._state = blob
        self._state_is_new = True

    def put(self, record: ReportRecord) -> bool:
        """Take a report. Of which event it is, the host knows by the letter's number."""
        out = self._section(Section.REPORT)
        out.u64(self._current[0])
        out.text(record.topic)
        out.blob(record.body)
        return True

    def record(self, panic: Panic) -> None:
        """Take a panic."""
        out = self._section(Section.PANIC)
        out.u64(self._current[0] if panic.event else 0)
        out.text(panic.hook)
        out.text(panic.kind)
        out.text(panic.message)
        out.u32(len(panic.backtrace))
        for frame in panic.backtrace:
            out.text(frame)
        out.u64(panic.fuel_budget)
        out.u64(panic.lost)

    def line(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Take a line for the log."""
        out = self._section(Section.LINE)
        write_line(out, level, event, fields)

    def reply(self, number: int, error: ActrError | None) -> None:
        """Take the result of a hook that somebody awaits."""
        out = self._section(Section.REPLY)
        out.u64(number)
        out.u8(error is not None)
        if error is not None:
            out.text(error.kind)
            out.text(error.message)

    def _section(self, section: Section) -> Packer:
        self._sections.u8(section)
        return self._sections

    # What becomes of it.

    @property
    def size(self) -> int:
        """Bytes that wait to be sent."""
        return len(self._sections.data)

    def take(self, done: array[int], counters: Counters, condition: Condition) -> list[bytes | bytearray]:
        """Give the body of a frame, in pieces, and begin anew."""
        head = Packer()
        head.u16(self._index)
        head.u32(len(done))
        counts = Packer()
        told = self._told_counts
        for place, name in enumerate(COUNTS):
            count: int = getattr(counters, name)
            counts.u64(count - told[place])
            told[place] = count
        counts.u32(len(counters.hooks))
        for hook, tally in counters.hooks.items():
            counts.u8(_PLACES[hook])
            counts.u64s(tally.numbers)
            fuel = tally.fuel.counts  # as it is: no frame is about so many that it would be rounded
            counts.u32(len(fuel))
            counts.u64s([*fuel.keys(), *fuel.values()])
        counters.hooks = {}
        if self._state_is_new and self._state is not None:
            self._state_is_new = False
            self._section(Section.STATE).blob(self._state)
        if condition != self._told_condition:
            self._told_condition = condition
            self._write_condition(condition)
        sections, self._sections = self._sections, Packer()
        return [head.data, done.tobytes(), counts.data, sections.data]

    def _write_condition(self, condition: Condition) -> None:
        out = self._section(Section.CONDITION)
        out.u8(condition.failed)
        out.u32(len(condition.quarantined))
        for hook in condition.quarantined:
            out.text(hook)
        out.u32(len(condition.metrics))
        for name, value in condition.metrics:
            out.text(name)
            out.f64(float(value))
        out.u64(condition.lost)


class AwayReply(Reply):
    """The result of a hook that somebody awaits in the host's process."""

    def __init__(self, label: str, number: int, outbox: Outbox) -> None:
        super().__init__(label)
        self._number = number
        self._outbox = outbox

    def _tell(self, error: ActrError | None) -> None:
        self._outbox.reply(self._number, error)


def write_line(out: Packer, level: str, event: str, fields: Mapping[str, object]) -> None:
    """Write a line of the log: its level, what it says, and its fields with their kinds."""
    out.text(level)
    out.text(event)
    out.u32(len(fields))
    for name, value in fields.items():
        out.text(name)
        if isinstance(value, bool) or value is None:
            out.u8(0)
            out.u8(2 if value is None else value)
        elif isinstance(value, int) and 0 <= value < 1 << 64:
            out.u8(1)
            out.u64(value)
        elif isinstance(value, float):
            out.u8(2)
            out.f64(value)
        else:
            out.u8(3)
            out.text(str(value))

"""What a delivery left in the box: what the guest asked for, as values.

Nothing here acts: `wasmhost.host.effects` applies them, after the hook, where they may be applied.
All text comes out bounded and escaped.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from wasmhost.errors import InternalError
from wasmhost.sandbox.airlock import abi
from wasmhost.text import decode_untrusted

MAX_LINES: Final = 256
"""Log lines of one delivery; those over it are counted. 64 KiB of newlines are as many lines, at some
50 µs to the guest, and half a second of a worker's time to us."""

LEVELS: Final = ("trace", "debug", "info", "warn", "error")
_STDERR: Final = 2
_COUNT: Final = struct.Struct("<Q")
_VALUE: Final = struct.Struct("<d")
_RECORD_BYTES: Final = abi.RECORD.size
_LOG: Final = abi.LOG  # most records are one of these: one look-up less for each
_OUTPUT: Final = abi.OUTPUT
_REPORT: Final = abi.REPORT
_tuple: Final = tuple.__new__  # how a NamedTuple is made, without the call in between
_unpack_record: Final = abi.RECORD.unpack_from
_unpack_header: Final = abi.HEADER_OUT.unpack_from


class LogLine(NamedTuple):
    """A line for the log: one of `LEVELS`, and what it says."""

    level: str
    text: str


class Report(NamedTuple):
    """A finding, its body CBOR as the guest made it: not yet checked."""

    topic: str
    body: bytes


class CounterAdd(NamedTuple):
    """An addition to a counter."""

    name: str
    by: int


class GaugeSet(NamedTuple):
    """A new value of a gauge."""

    name: str
    value: float


class Effects(NamedTuple):
    """What one delivery asked for, in the order it asked, and how much of it did not fit."""

    logs: tuple[LogLine, ...] = ()
    reports: tuple[Report, ...] = ()
    metrics: tuple[CounterAdd | GaugeSet, ...] = ()
    state: bytes | None = None
    logs_dropped: int = 0
    dropped: int = 0
    state_refused: int = 0


NO_EFFECTS: Final = Effects()


class Leavings(NamedTuple):
    """The box after a delivery.

    ``error`` is the hook's error result. ``panic`` is what the guest last gave to panic.report,
    ``stderr`` all it wrote to standard error; both "" where there is nothing.
    """

    effects: Effects
    phase: int
    error: str | None
    panic: str
    stderr: str
    exit_code: int


def read_box(box: memoryview) -> Leavings:
    """Read everything a delivery left. Bounded by the outbox's 64 KiB, cheap where there is little."""
    (phase, length, logs_dropped, dropped, saved, refused, exit_code, panic_length, failed, error_length) = (
        _unpack_header(box, abi.OUT_PHASE)
    )
    if length > abi.AREA_BYTES or panic_length > abi.TEXT_BYTES or error_length > abi.TEXT_BYTES:
        raise InternalError("the airlock wrote lengths that its box does not have")
    logs = _Lines()
    reports: list[Report] = []
    metrics: list[CounterAdd | GaugeSet] = []
    output: _Output | None = None
    records = bytes(box[abi.OUTBOX : abi.OUTBOX + length])
    place = 0
    while place < length:
        kind, first_length, second_length = _unpack_record(records, place)
        middle = place + _RECORD_BYTES + first_length
        first = records[place + _RECORD_BYTES : middle]
        place = middle + second_length
        what = kind & 0xFF
        if what == _LOG:
            logs.add(LEVELS[kind >> 8], _whole(first))
        elif what == _OUTPUT:
            output = output or _Output(logs)
            output.write(kind >> 8, first)
        elif what == _REPORT:
            reports.append(Report(decode_untrusted(first, abi.NAME_BYTES), records[middle:place]))
        else:
            metrics.append(_metric(what, first, records[middle:place]))
    errors = output.finish() if output else ""
    state = _state(box) if saved else None
    lines, logs_dropped = tuple(logs.lines), logs_dropped + logs.dropped
    return Leavings(
        Effects(lines, tuple(reports), tuple(metrics), state, logs_dropped, dropped, refused),
        phase,
        _text(box, abi.ERROR, error_length) if failed else None,
        _text(box, abi.PANIC, panic_length) if panic_length else "",
        errors,
        exit_code,
    )


def _metric(kind: int, name: bytes, value: bytes) -> CounterAdd | GaugeSet:
    if kind == abi.COUNTER:
        return CounterAdd(decode_untrusted(name, abi.NAME_BYTES), *_COUNT.unpack(value))
    if kind == abi.GAUGE:
        return GaugeSet(decode_untrusted(name, abi.NAME_BYTES), *_VALUE.unpack(value))
    raise InternalError(f"the airlock wrote a record of unknown kind {kind}")


def _text(box: memoryview, place: int, length: int) -> str:
    return decode_untrusted(_whole(bytes(box[place : place + length])), abi.TEXT_BYTES)


def _whole(text: bytes) -> bytes:
    """Without the beginning of a character that the airlock, which counts bytes, cut in two."""
    if len(text) == abi.TEXT_BYTES:
        for back in (1, 2, 3):
            byte = text[-back]
            if byte < 0x80:
                break
            if byte >= 0xC0:  # the first byte of a character, which says how many there are
                return text[:-back] if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else text
    return text


def _state(box: memoryview) -> bytes:
    length = int.from_bytes(box[abi.KEPT_STATE_LENGTH : abi.KEPT_STATE_LENGTH + 4], "little")
    return bytes(box[abi.STATE : abi.STATE + length])


class _Lines:
    """The log lines of a delivery, up to as many as we take."""

    __slots__ = ("dropped", "lines")

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.dropped = 0

    def add(self, level: str, text: bytes | bytearray) -> None:
        if len(self.lines) < MAX_LINES:
            self.lines.append(_tuple(LogLine, (level, decode_untrusted(text, abi.TEXT_BYTES))))
        else:
            self.dropped += 1


class _Output:
    """Puts together what a guest writes to standard output and error, piece by piece, into lines.

    Blank lines are left out: alone in a log they say nothing.
    """

    def __init__(self, logs: _Lines) -> None:
        self._logs = logs
        self._pending: dict[int, bytearray] = {}
        self._errors = bytearray()

    def write(self, descriptor: int, piece: bytes) -> None:
        if descriptor == _STDERR:
            self._errors += piece
        pending = self._pending.setdefault(descriptor, bytearray())
        pending += piece
        if b"\n" not in piece:  # looked for where it is new: five thousand pieces may be one line
            return
        *lines, self._pending[descriptor] = pending.split(b"\n")
        for line in filter(None, lines):
            self._line(descriptor, line)

    def finish(self) -> str:
        """Take what did not end in a newline as a line too; give all of standard error.

        That is where a Go program says why it panicked.
        """
        for descriptor, pending in self._pending.items():
            if pending:
                self._line(descriptor, pending)
        return decode_untrusted(self._errors.strip(), abi.TEXT_BYTES) if self._errors else ""

    def _line(self, descriptor: int, line: bytearray) -> None:
        self._logs.add("warn" if descriptor == _STDERR else "info", line)

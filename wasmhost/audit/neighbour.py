"""The healthy neighbour: an observer that reports the number of each event, and who listens to it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import cbor2
import wasmtime

from wasmhost.contract.hooks import HOOKS, interface_id
from wasmhost.sinks.ndjson import NdjsonSink

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from wasmhost.sinks import ReportRecord

NAME: Final = "neighbour"
_PERCENTILE: Final = 99

# The number goes big-endian behind a CBOR head for eight bytes.
_BODY: Final = f"""(module
  (import "{interface_id("report")}" "send" (func $send (param i32 i32 i32 i32)))
  (import "{interface_id("delivery")}" "sequence" (func $sequence (result i64)))
  (memory (export "memory") 3)
  (data (i32.const 8) "seq")
  (data (i32.const 16) "\\1b")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func $tell (local $left i64) (local $at i32)
    (local.set $left (call $sequence))
    (local.set $at (i32.const 24))
    (loop $again
      (i64.store8 (local.get $at) (local.get $left))
      (local.set $left (i64.shr_u (local.get $left) (i64.const 8)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $again (i32.gt_u (local.get $at) (i32.const 16))))
    (call $send (i32.const 8) (i32.const 3) (i32.const 16) (i32.const 9)))
  """
_HOOKS: Final = "".join(
    f'(func (export "{hook.export}") (param i32 i32)'
    + (" (result i32) (call $tell) (i32.const 0))" if hook.fallible else " (call $tell))")
    for hook in HOOKS
)


def neighbour_module() -> bytes:
    """Make the module: it hears every hook, and reports the event's number."""
    return bytes(wasmtime.wat2wasm(f"{_BODY}{_HOOKS})"))


class Listener:
    """A sink that has all reports written to a file, and looks at those of the neighbour. `Sink`.

    ``sent`` are the events as they were given to the host: source, number, and when, in nanoseconds.
    """

    def __init__(self, path: Path) -> None:
        self.sent: list[tuple[str, int, int]] = []
        self.heard: list[tuple[str, int, int]] = []
        self.file = NdjsonSink(path)
        self._local = 0

    def sending(self, src: str, seq: int | None = None) -> None:
        """Note that an event is given to the host now; without a number the host gives the next one."""
        if seq is None:
            seq, self._local = self._local, self._local + 1
        self.sent.append((src, seq, time.perf_counter_ns()))

    @property
    def whole(self) -> bool:
        """Whether the neighbour heard of every event, and in order."""
        return self.in_order and len(self.heard) == len(self.sent)

    @property
    def in_order(self) -> bool:
        """Whether what it heard came in order, with none in between left out."""
        return not self.fault

    @property
    def fault(self) -> str:
        """The first event that it did not hear where it was due, in words; "" where there is none."""
        for place, (heard, sent) in enumerate(zip(self.heard, self.sent, strict=False)):
            if heard[:2] != sent[:2]:
                return f"event {place} was {sent[1]} of {sent[0]}, and it heard {heard[1]} of {heard[0]}"
        more = len(self.heard) - len(self.sent)
        return f"it heard {more} more than there were" if more > 0 else ""

    def latencies_ms(self) -> list[float]:
        """From giving an event to the host to the neighbour's report of it, in milliseconds."""
        pairs = zip(self.heard, self.sent, strict=False)
        return [(heard[2] - sent[2]) / 1e6 for heard, sent in pairs if heard[:2] == sent[:2]]

    # What a sink has.

    @property
    def written(self) -> int:
        """Reports that were written."""
        return self.file.written

    @property
    def invalid(self) -> int:
        """Reports whose body is no CBOR."""
        return self.file.invalid

    @property
    def dropped(self) -> int:
        """Reports that could not be written."""
        return self.file.dropped

    @property
    def failed(self) -> str | None:
        """Why, the first time."""
        return self.file.failed

    async def __aenter__(self) -> Self:
        await self.file.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.file.__aexit__(kind, error, trace)

    async def write(self, batch: Sequence[ReportRecord]) -> None:
        """Note when reports came, and write them."""
        now = time.perf_counter_ns()
        for record in batch:
            if record.observer == NAME and cbor2.loads(record.body) == record.seq:
                self.heard.append((record.src, record.seq, now))
        await self.file.write(batch)


def percentile(values: Sequence[float]) -> float | None:
    """The 99th percentile; None of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * _PERCENTILE // 100)] if ordered else None

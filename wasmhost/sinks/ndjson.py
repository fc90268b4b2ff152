"""Reports as NDJSON: one object ``{observer, src, seq, at, topic, body_hex, body}`` per line.

The lines are printable ASCII: whatever a guest puts into a topic or a body, no control or bidirectional
character reaches a terminal.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import structlog

from wasmhost.errors import InternalError, SinkError
from wasmhost.sinks.cbor_json import cbor_to_json
from wasmhost.sinks.descriptors import (
    LineWriter,
    ends_within_a_line,
    open_to_append,
    standard_output,
    words,
)
from wasmhost.text import escape_untrusted, safe_json, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from wasmhost.sinks.base import ReportRecord

_NAME_LIMIT = 256


def open_sink(spec: str) -> NdjsonSink:
    """Return the sink that ``--reports`` names: a file's path, or "-" for standard output."""
    return NdjsonSink(None if spec == "-" else Path(spec))


class NdjsonSink:
    """Appends reports to a file, or to standard output where ``path`` is None. See :class:`Sink`.

    A full disk costs the reports that did not fit: each batch is tried. A reader that has gone away
    (a broken pipe) does not come back, so no more is tried then.
    """

    def __init__(self, path: Path | None) -> None:
        self.written = 0
        self.invalid = 0
        self.dropped = 0
        self.lost: Counter[str] = Counter()  # by observer: invalid and dropped
        self.failed: str | None = None
        self.name = "standard output" if path is None else escape_untrusted(str(path), 400)
        self.on_stdout = path is None
        self._path = path
        self._descriptor: int | None = None
        self._writer: LineWriter | None = None
        self.reader_gone = False
        self._turn = anyio.Lock()

    async def __aenter__(self) -> Self:
        try:
            if self._path is None:
                self._writer = LineWriter(standard_output(), ours=False)
            else:
                self._descriptor = open_to_append(self._path)
                torn = ends_within_a_line(self._path)
                self._writer = LineWriter(self._descriptor, ours=True, torn=torn)
        except OSError as error:
            self._close()
            raise SinkError(f"cannot write reports to {self.name}: {words(error)}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def write(self, batch: Sequence[ReportRecord]) -> None:
        """Write ``batch`` in order; waits as long as that takes, and raises nothing if it can't."""
        made = [(record.observer, line) for record in batch if (line := self._line(record)) is not None]
        if not made:
            return
        async with self._turn:
            if self._writer is None:
                raise InternalError(f"{self.name} is written to without being open")
            try:
                if not self.reader_gone:
                    await self._write(self._writer, b"".join(line for _, line in made))
            finally:
                written = self._writer.lines - self.written
                self.written += written
                self.dropped += len(made) - written
                self.lost.update(observer for observer, _ in made[written:])

    async def _write(self, writer: LineWriter, data: bytes) -> None:
        try:
            await writer.write(data)
        except OSError as error:
            self.reader_gone = isinstance(error, BrokenPipeError)
            if self.failed is None:
                self.failed = f"cannot write reports to {self.name}: {words(error)}"
                structlog.get_logger().error("reports not written", reason=self.failed)

    def _line(self, record: ReportRecord) -> bytes | None:
        try:
            body = cbor_to_json(record.body)
        except ValueError as error:
            self.invalid += 1
            self.lost[record.observer] += 1
            if self.invalid == 1:  # said once: a guest decides how many there are
                reason = escape_untrusted(str(error), 200)
                structlog.get_logger().warning("report dropped", observer=record.observer, reason=reason)
            return None
        line = {
            "observer": record.observer,
            "src": shorten(record.src, _NAME_LIMIT),
            "seq": record.seq,
            "at": record.at,
            "topic": record.topic,
            "body_hex": record.body.hex(),
            "body": body,
        }
        return safe_json(line, compact=True).encode() + b"\n"

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._writer = None

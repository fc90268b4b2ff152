"""One recording, read to its end and sent on, and what came of it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.config.jetstream import JetStreamConfig
from wasmhost.contract.codec import Frame
from wasmhost.emitter import Emitter
from wasmhost.emitter.replay import HostTarget, Sent
from wasmhost.errors import ConfigError
from wasmhost.jetstream.address import is_address, parse_address
from wasmhost.jetstream.bridge import StreamTarget
from wasmhost.sources import FileSource, Rejected
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator

    from wasmhost.cli.stopping import StopRequest
    from wasmhost.emitter import Tls
    from wasmhost.emitter.replay import Target

_NAME_LIMIT: Final = 255


@dataclass(frozen=True, slots=True)
class Emitted:
    """What it came to. ``unread``: input that could not be read; ``trouble``: what the host's last was."""

    sent: Sent
    rejected: int
    unread: tuple[str, ...]
    trouble: str | None


@contextmanager
def open_target(
    to: str,
    troubles: list[str],
    *,
    src: str | None,
    token: str | None,
    tls: Tls | None,
    wait: float,
    stream: JetStreamConfig | None = None,
) -> Iterator[Target]:
    """Open what ``--to`` names. What goes wrong with it later is added to ``troubles``, a line each.

    :raises ConfigError: it names nothing, or its options do not fit.
    """
    if is_address(to):
        if token is not None or tls is not None:
            raise ConfigError(
                "--token-file, --ca, --cert and --key are for a host; for a stream, see --config"
            )
        yield _Stream(StreamTarget(parse_address(to), stream or JetStreamConfig(), src, wait))
        return
    if stream is not None:
        raise ConfigError("--config is for a stream: --to nats://…")
    emitter = Emitter(to, src=src, token=token, tls=tls, on_trouble=troubles.append)
    try:
        yield HostTarget(emitter, wait)
    finally:
        emitter.close(0)


@dataclass(frozen=True, slots=True)
class _Stream:
    """A JetStream stream as a target."""

    target: StreamTarget

    async def send(self, frames: AsyncIterable[Frame]) -> Sent:
        """Send all there are."""
        done = await self.target.send(frames)
        return Sent(done.emitted, done.delivered, done.dropped)


async def emit_all(
    spec: str, target: Target, troubles: list[str], rate: float | None, stop: StopRequest
) -> Emitted:
    """Send the events of a file, or of standard input for "-", until it ends or is stopped.

    :raises SourceError: it cannot be opened.
    """
    reading = _Reading(rate)
    async with FileSource(None if spec == "-" else Path(spec)) as source:
        stop.call(source.stop, asyncio.get_running_loop())
        try:
            sent = await target.send(reading.frames(source, stop))
        finally:
            stop.forget()
    return Emitted(sent, reading.rejected, tuple(reading.unread), troubles[-1] if troubles else None)


@dataclass(slots=True)
class _Reading:
    """Gives a source's events at their pace, and keeps what else comes of it."""

    rate: float | None
    rejected: int = 0
    unread: list[str] = field(default_factory=list[str])

    async def frames(self, source: FileSource, stop: StopRequest) -> AsyncIterator[Frame]:
        clock = asyncio.get_running_loop().time
        begun, count = clock(), 0
        async for item in source:
            if isinstance(item, Rejected):
                self.rejected += 1
            elif not isinstance(item, Frame):
                if item.error is not None:
                    self.unread.append(f"{escape_untrusted(item.source, _NAME_LIMIT)}: {item.error}")
            elif stop.asked:
                return  # what is in hand may be minutes' worth
            else:
                if self.rate is not None:
                    await _until(begun + count / self.rate, stop)
                count += 1
                yield item


async def _until(when: float, stop: StopRequest) -> None:
    """Sleep until ``when``, in pieces: a stop is heard soon."""
    clock = asyncio.get_running_loop().time
    while (left := when - clock()) > 0 and not stop.asked:  # noqa: ASYNC110 - signals set no event
        await asyncio.sleep(min(left, 0.1))

"""One run: a source through a host to its end, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.cli.outcome import NAME_LIMIT, Outcome, Unread
from wasmhost.cli.reloading import reloading
from wasmhost.contract.codec import Frame
from wasmhost.host.host import ObserverHost
from wasmhost.host.mishaps import is_worth_a_line
from wasmhost.jetstream.address import is_address
from wasmhost.sinks import open_sink
from wasmhost.sources import Rejected, open_source
from wasmhost.sources.listening import ListeningSource
from wasmhost.telemetry.telemetry import open_telemetry
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmhost.cli.reloading import Reloading
    from wasmhost.cli.stopping import StopRequest
    from wasmhost.config import HostConfig
    from wasmhost.host.counters import Summary
    from wasmhost.sinks import NdjsonSink
    from wasmhost.sources import Source
    from wasmhost.telemetry.telemetry import Telemetry

_BROKEN_NAMED: Final = 100

_log: Final = structlog.stdlib.get_logger("wasmhost.cli")


async def play(config: HostConfig, spec: str, stop: StopRequest, reload: Reloading | None = None) -> Outcome:
    """Give the events of a source to the observers of a configuration, until it ends or is stopped.

    Where the configuration does not say otherwise, they run in processes of their own: what we are given to
    run here is a stranger's. ``reload``: how the configuration is read anew while they do.

    :raises UserError: the source, the database or the sink cannot be opened.
    """
    if is_address(spec):
        from wasmhost.cli.stream_session import play_stream  # only then: it takes long to load

        return await play_stream(config, spec, stop, reload)
    unread = Unread()
    config = replace(config, isolation=config.isolation or "process")
    async with open_source(spec, config.source) as source, open_telemetry(config.telemetry) as telemetry:
        sink = open_sink(config.reports)
        stop.call(partial(_end, source, telemetry), asyncio.get_running_loop())
        try:
            host = ObserverHost(config, lossless=source.lossless, sink=sink)
            telemetry.watch(host)
            if isinstance(source, ListeningSource):
                telemetry.watch_source(source.counts)
            async with host, reloading(host, reload, telemetry):
                if not source.lossless:
                    _log.info("listening", source=source.name)
                telemetry.ready(f"events come from {source.name}")
                await _feed(source, host, unread, stop)
                telemetry.stopping()
        finally:
            stop.forget()
    failures = [line for line in host.failures if not (line == sink.failed and _reader_left(config, sink))]
    return Outcome(_less_what_was_lost(host.summary(), sink.lost), unread, tuple(failures))


def _end(source: Source, telemetry: Telemetry) -> None:
    telemetry.stopping()
    source.stop()


async def _feed(source: Source, host: ObserverHost, unread: Unread, stop: StopRequest) -> None:
    broken = 0
    async for item in source:
        if isinstance(item, Frame):
            await host.feed_frame(item)
        elif isinstance(item, Rejected):
            host.reject(escape_untrusted(item.source, NAME_LIMIT), item.offset, item.reason)
        elif item.error is not None:
            broken += 1
            # Who is refused may come again a thousand times a second; the log must not grow as fast.
            if broken <= _BROKEN_NAMED or is_worth_a_line(broken):
                name, why = escape_untrusted(item.source, NAME_LIMIT), escape_untrusted(item.error, 400)
                _log.error("source ended early", source=name, offset=item.offset, reason=why, so_far=broken)
            if source.lossless:
                unread.add(item)
        if stop.asked and source.lossless:
            # The rest of the chunk in hand may take the observers minutes; what they were given, they get.
            break
    if stop.asked:
        _log.info("stopping; the mailboxes are drained first", source=source.name)


def _reader_left(config: HostConfig, sink: NdjsonSink) -> bool:
    """Whether reports were lost because a reader of standard output has all it wanted, as `head` does."""
    return sink.reader_gone and config.reports == "-"


def _less_what_was_lost(summary: Summary, lost: Mapping[str, int]) -> Summary:
    """Count as dropped what observers reported and the sink could not take."""
    observers = (
        replace(
            observer,
            reports=observer.reports - lost.get(observer.name, 0),
            reports_dropped=observer.reports_dropped + lost.get(observer.name, 0),
        )
        for observer in summary.observers
    )
    return replace(summary, observers=tuple(observers))

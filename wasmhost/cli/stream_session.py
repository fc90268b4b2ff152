"""One run on a JetStream stream: a host of a pool, until it is stopped, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.cli.session import Outcome, Unread
from wasmhost.jetstream.address import parse_address
from wasmhost.jetstream.run import run_pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.cli.stopping import StopRequest
    from wasmhost.config import HostConfig

_log: Final = structlog.stdlib.get_logger("wasmhost.cli")


async def play_stream(config: HostConfig, spec: str, stop: StopRequest) -> Outcome:
    """Take part in the pool of hosts on a stream until stopped; see `wasmhost.cli.session.play`.

    :raises UserError: the server, the stream or the database cannot be used.
    """
    if config.sinks:
        _log.warning("[[sink]] is not used here: reports and panics are in the stream", stream=spec)

    def on_stop(end: Callable[[], None]) -> None:
        def say_and_end() -> None:
            _log.info("stopping; what is in hand is finished first", source=spec)
            end()

        stop.call(say_and_end, asyncio.get_running_loop())

    try:
        outcome = await run_pool(
            replace(config, isolation=config.isolation or "process"), parse_address(spec), on_stop
        )
    finally:
        stop.forget()
    return Outcome(outcome.summary, Unread(), outcome.failures)

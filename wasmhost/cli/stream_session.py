"""One run on a JetStream stream: a host of a pool, until it is stopped, and what came of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.cli.outcome import Outcome, Unread
from wasmhost.cli.reloading import reloading
from wasmhost.jetstream.address import parse_address
from wasmhost.jetstream.run import run_pool
from wasmhost.telemetry.telemetry import open_telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wasmhost.cli.reloading import Reloading
    from wasmhost.cli.stopping import StopRequest
    from wasmhost.config import HostConfig
    from wasmhost.jetstream.pool import Pool
    from wasmhost.telemetry.telemetry import Telemetry

_log: Final = structlog.stdlib.get_logger("wasmhost.cli")


async def play_stream(
    config: HostConfig, spec: str, stop: StopRequest, reload: Reloading | None = None
) -> Outcome:
    """Take part in the pool of hosts on a stream until stopped; see `wasmhost.cli.session.play`.

    :raises UserError: the server, the stream or the database cannot be used.
    """
    if config.sinks:
        _log.warning("[[sink]] is not used here: reports and panics are in the stream", stream=spec)
    config = replace(config, isolation=config.isolation or "process")
    async with open_telemetry(config.telemetry) as telemetry:

        @asynccontextmanager
        async def around(pool: Pool) -> AsyncIterator[None]:
            stop.call(partial(_end, spec, telemetry, pool), asyncio.get_running_loop())
            async with reloading(pool, reload, telemetry):
                telemetry.ready(f"events come from {spec}")
                yield

        try:
            outcome = await run_pool(config, parse_address(spec), around, telemetry)
        finally:
            stop.forget()
    return Outcome(outcome.summary, Unread(), outcome.failures)


def _end(spec: str, telemetry: Telemetry, pool: Pool) -> None:
    _log.info("stopping; what is in hand is finished first", source=spec)
    telemetry.stopping()
    pool.stop()

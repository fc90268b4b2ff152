"""What the runners of one host share, opened in the order in which it is needed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread

from wasmhost.database import Database
from wasmhost.errors import ConfigError
from wasmhost.grants.profiles import Profiles
from wasmhost.grants.usage import UsageLog
from wasmhost.host.mishaps import tell_operator
from wasmhost.host.reports import ReportQueue
from wasmhost.host.state import StateStore
from wasmhost.host.wake import uninterrupted
from wasmhost.panics.store import PanicLog
from wasmhost.sinks import NdjsonSink, open_sink
from wasmhost.sinks.delivery import Delivery
from wasmhost.sinks.tap import ReportTap

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from wasmhost.config import HostConfig
    from wasmhost.drain import Drain
    from wasmhost.host.ports import ReportTaker, StateKeeper
    from wasmhost.sinks import Sink
    from wasmhost.wall.zygote import Zygote

T = TypeVar("T")

CANCEL_S: Final = 1.0
USAGE_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Services:
    """What all runners of a host share. ``lossless``: no backoff, and time is counted in events.

    ``delivery`` has the sinks of the configuration, where there are any.
    ``zygote`` makes the processes of its shards; None: it makes one of its own, should it need one.
    """

    panics: PanicLog
    states: StateKeeper
    reports: ReportTaker
    lossless: bool
    profiles: Profiles
    usage: UsageLog
    zygote: Zygote | None = None
    delivery: Delivery | None = None


async def open_services(
    stack: AsyncExitStack,
    config: HostConfig,
    sink: Sink | None,
    failures: list[str],
    drain: Drain,
    *,
    lossless: bool,
) -> Services:
    """Open the database and the sink, and leave on ``stack`` what closes them, as far as ``drain`` lets it.

    ``sink`` takes the reports instead of what ``config`` names. What could not be written is added
    to ``failures``, a line each, when the stack unwinds.

    :raises UserError: one of them cannot be opened.
    """
    database = None
    if config.db is not None:
        database = await uninterrupted(open_database(stack, config, failures))
    sink = sink or open_sink(config.reports)
    panics = PanicLog(database)
    delivery = await _open_delivery(stack, config, database, sink, drain)
    if delivery is not None:
        panics.listen(delivery.outbox.panicked)
    stack.callback(_note_failure, failures, sink)
    await stack.enter_async_context(sink)
    reports = ReportQueue(sink, lossless=lossless)
    pump = asyncio.create_task(reports.pump(), name="wasmhost-reports")
    stack.push_async_callback(_finish, reports, pump, drain)
    profiles = Profiles(None if database is None else database.key)
    usage = UsageLog(database)
    stack.push_async_callback(cancel, asyncio.create_task(keep_written(usage), name="wasmhost-usage"))
    taker = reports if delivery is None else ReportTap(delivery.outbox, reports)
    return Services(panics, StateStore(database), taker, lossless, profiles, usage, delivery=delivery)


async def _open_delivery(
    stack: AsyncExitStack, config: HostConfig, database: Database | None, sink: Sink, drain: Drain
) -> Delivery | None:
    if not config.sinks:
        return None
    if database is None:
        raise ConfigError("sinks need a database for what waits to be sent: name one as db of [host]")
    on_stdout = isinstance(sink, NdjsonSink) and sink.on_stdout
    return await stack.enter_async_context(Delivery(config, database, drain, stdout_taken=on_stdout))


async def keep_written(usage: UsageLog) -> None:
    """Have what observers use written while they run: a host may be killed."""
    while True:
        await asyncio.sleep(USAGE_EVERY_S)
        usage.call()


async def open_database(stack: AsyncExitStack, config: HostConfig, failures: list[str]) -> Database:
    """Open a configuration's database, which it must have, and leave on ``stack`` what closes it.

    :raises DatabaseError: it cannot be opened.
    """
    assert config.db is not None  # noqa: S101 - our caller looked
    database = await anyio.to_thread.run_sync(Database, config.db)  # another process may hold it
    stack.callback(_note_failure, failures, database)
    stack.push_async_callback(on_thread, database.close)
    return database


async def on_thread(work: Callable[[], T]) -> T:
    """Run what blocks on a thread, to its end."""
    return await uninterrupted(_on_thread(work))


async def _on_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)


async def _finish(reports: ReportQueue, pump: asyncio.Task[None], drain: Drain) -> None:
    """Have all reports written; in a live run those that can be in time, as a reader may stall."""
    reports.close()
    try:
        await asyncio.wait((pump,), timeout=drain.left_s)
    finally:
        given_up = not pump.done()
        await cancel(pump)
        if given_up:
            tell_operator("error", "reports given up: the sink takes too long", reports=reports.waiting)


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task of ours and wait for its end; not for ever, as it may run somebody's code."""
    task.cancel()
    await uninterrupted(_wait(task, CANCEL_S))
    if not task.done():
        tell_operator("error", "a task ignores its cancellation", task=task.get_name())
    elif not task.cancelled() and (error := task.exception()) is not None:
        tell_operator("error", "a task of the host failed", task=task.get_name(), exc_info=error)


async def _wait(task: asyncio.Task[None], wait_s: float) -> None:
    await asyncio.wait((task,), timeout=wait_s)


def _note_failure(failures: list[str], writer: Database | Sink) -> None:
    if writer.failed is not None:
        failures.append(writer.failed)

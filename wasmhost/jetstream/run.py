"""One run on a stream: everything opened in order, a pool until it is to stop, and what came of it."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import anyio.to_thread

from wasmhost.errors import ConfigError, SourceError
from wasmhost.grants.profiles import KEY_BYTES, Profiles
from wasmhost.grants.usage import UsageLog
from wasmhost.host.mishaps import tell_operator
from wasmhost.host.services import cancel, keep_written, on_thread, open_database
from wasmhost.host.wake import uninterrupted
from wasmhost.jetstream.common import Common
from wasmhost.jetstream.layout import ensure_layout
from wasmhost.jetstream.ledger import MOST_WRITES, Conflict, Ledger, Write
from wasmhost.jetstream.link import Link, NoAnswer
from wasmhost.jetstream.names import Keys, Names
from wasmhost.jetstream.pool import Pool
from wasmhost.panics.store import PanicLog
from wasmhost.wall.zygote import Zygote

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from wasmhost.config import HostConfig
    from wasmhost.config.jetstream import JetStreamConfig
    from wasmhost.host.counters import Summary
    from wasmhost.jetstream.address import Address
    from wasmhost.jetstream.common import Watcher


class Outcome(NamedTuple):
    """What a run came to. ``failures``: what could not be written, one line each."""

    summary: Summary
    failures: tuple[str, ...]


async def run_pool(
    config: HostConfig,
    address: Address,
    around: Callable[[Pool], AbstractAsyncContextManager[None]],
    watcher: Watcher | None = None,
) -> Outcome:
    """Take part in a pool until it is told to stop, by whoever ``around`` puts around it.

    ``watcher`` is told of the hosts that there are, one for each partition.

    :raises UserError: the server, the stream or the database cannot be used.
    """
    if len(config.observers) >= MOST_WRITES:  # one is for the checkpoint itself
        raise ConfigError(
            f"a stream can have {MOST_WRITES - 1} observers at most, not {len(config.observers)}"
        )
    settings = config.jetstream
    if address.stream is not None:
        settings = replace(settings, stream=address.stream)
    failures: list[str] = []
    async with AsyncExitStack() as stack:
        common = await _open(stack, config, settings, address, failures)
        common = replace(common, watcher=watcher)
        pool = Pool(config, common)
        tell_operator("info", "listening", source=address.url, stream=settings.stream)
        async with around(pool):
            await pool.run()
    names = [observer.name for observer in pool.config.observers]
    return Outcome(common.totals.summary(names), tuple(failures))


async def _open(
    stack: AsyncExitStack,
    config: HostConfig,
    settings: JetStreamConfig,
    address: Address,
    failures: list[str],
) -> Common:
    link = await stack.enter_async_context(Link(address, settings))
    names = Names.of(settings)
    try:
        life = await link.life()
        await ensure_layout(life, settings)
        profiles = Profiles(await _shared_secret(Ledger(life, names.stream)))
    except NoAnswer as error:
        raise SourceError(f"{address.url} has no JetStream, or it does not answer: {error}") from None
    database = None
    if config.db is not None:
        database = await uninterrupted(open_database(stack, config, failures))
    usage = UsageLog(database)
    stack.push_async_callback(cancel, asyncio.create_task(keep_written(usage), name="wasmhost-usage"))
    zygote = None
    if config.isolation == "process":
        zygote = await anyio.to_thread.run_sync(Zygote)
        stack.push_async_callback(on_thread, zygote.close)
    return Common(settings, names, link, PanicLog(database), profiles, usage, zygote)


async def _shared_secret(ledger: Ledger) -> bytes:
    """The key of pseudonyms, the same for all hosts; made by the first."""
    while True:
        entry = await ledger.get(Keys.SECRET)
        if entry is not None:
            return entry.value
        try:
            await ledger.put(Write(Keys.SECRET, secrets.token_bytes(KEY_BYTES), 0))
        except Conflict:
            continue  # another was the first

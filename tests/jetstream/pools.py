"""A pool's host inside of the test's own process: to look at, and to hold still at a certain moment."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.jetstream.counting import counting_guest
from tests.jetstream.helpers import NAMES, SETTINGS
from wasmhost.config import HostConfig
from wasmhost.grants.profiles import Profiles
from wasmhost.grants.usage import UsageLog
from wasmhost.jetstream.common import Common
from wasmhost.jetstream.pool import Pool
from wasmhost.panics.store import PanicLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from wasmhost.config.jetstream import JetStreamConfig
    from wasmhost.jetstream.link import Link


def config(folder: Path, *modules: Path, settings: JetStreamConfig = SETTINGS) -> HostConfig:
    """The counting guest, and others, in threads; without a database."""
    mine = HostConfig(db=None, isolation="thread", jetstream=settings)
    return mine.with_observers([counting_guest(folder), *modules], ["state"])


def common(link: Link, settings: JetStreamConfig = SETTINGS) -> Common:
    """What a host's partitions share."""
    return Common(settings, NAMES, link, PanicLog(), Profiles(b"k" * 32), UsageLog(), None)


@asynccontextmanager
async def pool(link: Link, settings: HostConfig, shared: Common | None = None) -> AsyncIterator[Pool]:
    """A host that takes part within the block."""
    host = Pool(settings, shared or common(link, settings.jetstream))
    task = asyncio.create_task(host.run())
    try:
        yield host
        host.stop()
        await task
    finally:
        task.cancel()


async def holds(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it is asked of things that tell nobody
            await asyncio.sleep(0.01)

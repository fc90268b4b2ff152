"""A run that goes over to a changed configuration: when it is told to, or sees that a file has changed."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from wasmhost.errors import UserError
from wasmhost.host.services import cancel, on_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path
    from types import FrameType

    from wasmhost.config import HostConfig
    from wasmhost.host.reload import Reload
    from wasmhost.telemetry.telemetry import Telemetry

_LOOK_S: Final = 1.0

Looks = tuple[tuple[object, ...], ...]

_log: Final = structlog.stdlib.get_logger("wasmhost.cli")


class Reloadable(Protocol):
    """What is reloaded: `wasmhost.host.host.ObserverHost`, or several of them."""

    config: HostConfig

    async def reload(self, config: HostConfig) -> Reload:
        """Go over to another configuration."""
        ...


@dataclass(frozen=True, slots=True)
class Reloading:
    """How a run's configuration is read anew. ``file`` is where most of it stands.

    ``asked``: whether there was a SIGHUP before there was anything to reload. ``watch``: look at the file
    and the modules every second, and read it anew when they no longer look like this (`looks`), as they
    did before any was loaded; None: do not watch.
    """

    file: Path
    read: Callable[[], HostConfig]
    asked: Callable[[], bool]
    watch: Looks | None = None


@asynccontextmanager
async def reloading(host: Reloadable, how: Reloading | None, telemetry: Telemetry) -> AsyncIterator[None]:
    """Reload a host's configuration at SIGHUP, and where it says so when files change, within the block.

    Without a configuration file a SIGHUP is left to what it did before.
    """
    if how is None:
        yield
        return
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(asked.set)

    before = signal.signal(signal.SIGHUP, ask)
    if how.asked():
        asked.set()
    tasks = [asyncio.create_task(_serve(host, how, asked, telemetry), name="wasmhost-reload")]
    if how.watch is not None:
        tasks.append(asyncio.create_task(_watch(host, how.file, how.watch, asked), name="wasmhost-watch"))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
        for task in tasks:
            await cancel(task)


async def _serve(host: Reloadable, how: Reloading, asked: asyncio.Event, telemetry: Telemetry) -> None:
    while True:
        await asked.wait()
        asked.clear()
        try:
            with telemetry.reloading():
                done = await host.reload(await on_thread(how.read))
        except UserError as error:
            _log.error("configuration not reloaded; the one before stays in force", reason=str(error))
            continue
        except Exception as error:  # the next one is to be heard all the same
            _log.error("wasmhost failed to reload a configuration; this is a bug", exc_info=error)
            continue
        for key in done.later:
            _log.warning("a changed setting takes effect at the next start", key=key)
        changes = {
            "added": done.added,
            "replaced": done.replaced,
            "removed": done.removed,
            "refused": sorted(done.refused),
        }
        told = {what: ", ".join(names) for what, names in changes.items() if names}
        _log.info("configuration reloaded", **told)


async def _watch(host: Reloadable, file: Path, seen: Looks, asked: asyncio.Event) -> None:
    """Ask for a reload once a change is complete: once files look as they did a second ago."""
    last = seen
    while True:
        await asyncio.sleep(_LOOK_S)
        now = await on_thread(lambda: looks(file, host.config))
        if now == last and now != seen:
            seen = now
            asked.set()
        last = now


def looks(file: Path, config: HostConfig) -> Looks:
    """What files look like from outside: the configuration, and the modules that it names."""
    return tuple(map(_look, (file, *(observer.module for observer in config.observers))))


def _look(path: Path) -> tuple[object, ...]:
    try:
        status = path.stat()
    except OSError:
        return (path, None)
    return (path, status.st_ino, status.st_size, status.st_mtime_ns)

"""All sinks of a host: opened with it, a task for each, closed when they have sent what they can in time."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from wasmhost.config.sink import NatsSinkConfig, NdjsonSinkConfig
from wasmhost.database_file import shown
from wasmhost.errors import ConfigError, DatabaseError
from wasmhost.sinks.courier import Courier
from wasmhost.sinks.outbox import Outbox
from wasmhost.sinks.telling import tell

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from wasmhost.config import HostConfig
    from wasmhost.config.sink import AnySink
    from wasmhost.database import Database
    from wasmhost.drain import Drain
    from wasmhost.sinks.ledger import SinkStatus
    from wasmhost.sinks.transport import Transport

_LOOK_S: Final = 0.02
_TELL_S: Final = 0.25
_CANCEL_S: Final = 2.0


class Delivery:
    """Sends what is due to the sinks of a configuration, which has some. Use as an async context manager.

    ``outbox`` takes reports in, and hears of panics. At the end, what can be sent while ``drain`` lets it is;
    the rest waits in the database for the next start. ``stdout_taken``: reports go there already, directly.
    """

    def __init__(
        self, config: HostConfig, database: Database, drain: Drain, *, stdout_taken: bool = False
    ) -> None:
        self._config = config
        self._drain = drain
        self._stdout_taken = stdout_taken
        self._database = database
        self._letters = {sink.name: dead_letter_path(sink, database.path) for sink in config.sinks}
        self.outbox = Outbox(database, config.sinks, config.outbox, self._letters)
        self._couriers: list[Courier] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the ways out, and begin to send what an earlier run left.

        :raises UserError: the database cannot be written, or a way out can never be.
        """
        check_standard_output(self._config.sinks, taken=self._stdout_taken)
        try:
            self._stack.callback(os.close, lock(self._database.path))
            await anyio.to_thread.run_sync(self.outbox.open)
            for sink in self._config.sinks:
                transport = await self._stack.enter_async_context(_transport(sink))
                self._begin(sink, transport)
        except BaseException:
            await self._stop()
            raise
        self._tasks.append(asyncio.create_task(self._look(), name="wasmhost-sinks"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with anyio.move_on_after(self._drain.left_s, shield=True):
                await anyio.to_thread.run_sync(self.outbox.end)
                # Polled: there is nobody to tell us but the last of the couriers.
                while not all(courier.idle for courier in self._couriers):  # noqa: ASYNC110
                    await anyio.sleep(_LOOK_S)
        finally:
            with anyio.CancelScope(shield=True):
                await self._stop()
                await anyio.to_thread.run_sync(self._database.flush)  # what was confirmed meanwhile
            self._tell_how_it_went()

    def statuses(self) -> list[SinkStatus]:
        """Say of each sink how it is going; from any thread."""
        return self.outbox.statuses()

    def _begin(self, sink: AnySink, transport: Transport) -> None:
        courier = Courier(sink, transport, self.outbox, self._letters[sink.name])
        self.outbox.on_committed(partial(_call, asyncio.get_running_loop(), courier.wake))
        self._couriers.append(courier)
        self._tasks.append(asyncio.create_task(courier.run(), name=f"wasmhost-sink-{sink.name}"))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_TELL_S)
            self.outbox.look()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CANCEL_S)
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                tell("error", "a task of the host failed", task=task.get_name(), exc_info=error)
        await self._stack.aclose()

    def _tell_how_it_went(self) -> None:
        for status in self.outbox.statuses():
            level = "warning" if status.waiting or status.dead or status.dropped else "info"
            tell(
                level,
                "sink closed",
                sink=status.name,
                sent=status.sent,
                waiting=status.waiting,
                dead=status.dead,
                dropped=status.dropped,
            )


def dead_letter_path(sink: AnySink, database: Path) -> Path:
    """Return the file for what a sink could not deliver: the one it names, or one beside the database."""
    return sink.dead_letter or database.with_name(f"{database.name}-{sink.name}.dead.ndjson")


def check_standard_output(sinks: Sequence[AnySink], *, taken: bool) -> None:
    """Raise ConfigError where more than one writes there: their lines would get into each other's way."""
    users = ["reports of [host], which is the default"] if taken else []
    users += [
        f"sink {sink.name}" for sink in sinks if isinstance(sink, NdjsonSinkConfig) and sink.path is None
    ]
    if len(users) > 1:
        raise ConfigError(
            f"standard output is for one: {users[0]} has it, and so has {users[1]}; "
            "name a file, /dev/null for none"
        )


def lock(database: Path) -> int:
    """Take the lock that says who sends from a database; it ends with the process that has it.

    :raises DatabaseError: another host has it.
    """
    path = database.with_name(database.name + "-sinks")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseError(f"cannot use {shown(path)}: {(error.strerror or 'error').lower()}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DatabaseError(
            f"another host sends what is in {shown(database)}; let that end, or name another file with --db"
        ) from None
    return descriptor


def _transport(sink: AnySink) -> Transport:
    if isinstance(sink, NdjsonSinkConfig):
        from wasmhost.sinks.to_file import FileTransport

        return FileTransport(sink)
    if isinstance(sink, NatsSinkConfig):
        from wasmhost.sinks.to_nats import NatsTransport

        return NatsTransport(sink)
    from wasmhost.sinks.to_webhook import WebhookTransport

    return WebhookTransport(sink)


def _call(loop: AbstractEventLoop, wake: Callable[[], None]) -> None:
    """Call back on the loop; one that has ended is left in peace."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(wake)

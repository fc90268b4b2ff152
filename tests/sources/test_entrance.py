"""Taking connections in, when the system has one that cannot be taken."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING, cast

import pytest

from wasmhost.config.source import SourceConfig
from wasmhost.sources.entrance import Entrance
from wasmhost.sources.readiness import Readiness
from wasmhost.sources.unix import UnixDoor

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.sources.doors import Door


class Failing:
    """A listener whose next accept fails as the kernel's may: the error is of who is being accepted."""

    def __init__(self, listener: socket.socket, error: int) -> None:
        self._listener = listener
        self._error: int | None = error

    def fileno(self) -> int:
        """Return that of the listener."""
        return self._listener.fileno()

    def accept(self) -> tuple[socket.socket, object]:
        """Fail once; accept from then on."""
        if self._error is not None:
            error, self._error = self._error, None
            raise OSError(error, os.strerror(error))
        return self._listener.accept()


class FailingDoor:
    """A door with such a listener."""

    kind = "unix"
    name = "unix:s"

    def __init__(self, door: UnixDoor, error: int) -> None:
        self.listeners = (Failing(door.listeners[0], error),)
        self.prepare = door.prepare


@pytest.mark.parametrize(
    "error", [errno.EPROTO, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ETIMEDOUT, errno.EPERM], ids=os.strerror
)
async def test_an_error_of_one_who_connects_is_nobody_elses(tmp_path: Path, error: int) -> None:
    """Linux tells a new connection's network error to whoever accepts: the next one is taken all the same."""
    real = UnixDoor(tmp_path / "s", SourceConfig())
    door = cast("Door", FailingDoor(real, error))
    entered: list[socket.socket] = []

    def enter(connection: socket.socket) -> bool:
        entered.append(connection)
        return True

    loop = asyncio.get_running_loop()
    readiness = Readiness(loop, lambda _descriptor, _flags: None)
    entrance = Entrance(door, readiness, enter, loop)
    with socket.socket(socket.AF_UNIX) as node:
        node.connect(str(tmp_path / "s"))
        entrance.hear(real.listeners[0].fileno())
    assert entrance.failed is None
    assert len(entered) == 1
    for connection in entered:
        connection.close()
    entrance.close()
    readiness.close()
    real.close()

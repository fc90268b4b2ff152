"""The service manager hears of us in a real datagram socket, and never holds us up."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from wasmhost.config.telemetry import TelemetryConfig
from wasmhost.telemetry.notify import ServiceManager
from wasmhost.telemetry.telemetry import open_telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A service manager's socket."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(10)
        yield made


def environment(manager: socket.socket, **more: str) -> dict[str, str]:
    """Say where it is, as it does."""
    return {"NOTIFY_SOCKET": str(manager.getsockname()), **more}


def heard(manager: socket.socket) -> list[str]:
    """Return the lines of the next message."""
    return manager.recv(4096).decode().split("\n")


def test_each_word_is_one_of_the_protocol(manager: socket.socket) -> None:
    """With a status where there is one; the time of a reload is that of the same clock."""
    teller = ServiceManager(environment(manager), lambda: 5_000_999)
    teller.ready("events come from\nREADY=0")
    teller.reloading()
    teller.ready()
    teller.alive()
    teller.stopping("draining")
    assert [heard(manager) for _ in range(5)] == [
        ["READY=1", r"STATUS=events come from\nREADY=0"],
        ["RELOADING=1", "MONOTONIC_USEC=5000"],
        ["READY=1"],
        ["WATCHDOG=1"],
        ["STOPPING=1", "STATUS=draining"],
    ]


def test_an_address_without_a_file() -> None:
    """It begins with an @, which stands for a zero."""
    name = f"wasmhost-test-{os.getpid()}"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as made:
        made.bind(f"\0{name}")
        made.settimeout(10)
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert heard(made) == ["READY=1"]


@pytest.mark.parametrize("where", ["", "relative", "/nowhere/at/all", "vsock:2:1234"])
def test_nobody_there_is_no_error(where: str) -> None:
    """Run by hand, there is no socket; and one that is gone is no reason to stop."""
    teller = ServiceManager({"NOTIFY_SOCKET": where} if where else {})
    teller.ready()
    teller.stopping()
    assert teller.there == where.startswith("/")


def test_a_manager_that_does_not_listen_holds_nobody_up(manager: socket.socket) -> None:
    """Its queue is full: the word is lost."""
    teller = ServiceManager(environment(manager))
    for _ in range(10_000):
        teller.alive()
    assert heard(manager) == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    ("said", "every_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
    ],
)
def test_the_watchdog_is_ours_or_there_is_none(said: dict[str, str], every_s: float | None) -> None:
    """Of another process we are not to speak."""
    assert ServiceManager(said).watchdog_s == every_s


async def test_a_run_tells_how_far_it_is(manager: socket.socket) -> None:
    """It is alive as long as its loop turns; that it stops is said once."""
    teller = ServiceManager(environment(manager, WATCHDOG_USEC="20000"))
    manager.settimeout(0)
    async with open_telemetry(TelemetryConfig(), manager=teller) as telemetry:
        telemetry.ready("here")
        with telemetry.reloading():
            pass
        telemetry.stopping()
        telemetry.stopping()
        lines: list[str] = []
        while lines.count("WATCHDOG=1") < 3:
            await asyncio.sleep(0.005)
            try:
                lines += heard(manager)
            except BlockingIOError:
                continue
    others = [line for line in lines if not line.startswith(("WATCHDOG", "MONOTONIC"))]
    assert others == ["READY=1", "STATUS=here", "RELOADING=1", "READY=1", "STOPPING=1", "STATUS=draining"]

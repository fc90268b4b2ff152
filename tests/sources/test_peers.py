"""Who may connect to a Unix socket: the kernel says who it is."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from tests.sources.helpers import frames
from tests.sources.running import Running
from wasmhost.config.source import SourceConfig
from wasmhost.sources.unix import may_connect

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65_534
SPEAK = """
import os, socket, sys
uid, gid = int(sys.argv[2]), int(sys.argv[3])
os.setgroups([int(group) for group in sys.argv[4].split(",") if group])
os.setresgid(gid, gid, gid)
os.setresuid(uid, uid, uid)
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
try:
    connection.sendall(bytes.fromhex(sys.argv[5]))
except BrokenPipeError:
    pass
connection.shutdown(socket.SHUT_WR)
sys.stdout.buffer.write(connection.recv(4096))
"""
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")


async def said_to(running: Running, uid: int, gid: int, groups: str, data: bytes) -> bytes:
    """What the host says to a process of another user."""
    path = running.source.name.removeprefix("unix:")
    done = await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            [sys.executable, "-S", "-c", SPEAK, path, str(uid), str(gid), groups, data.hex()],
            capture_output=True,
            timeout=60,
            check=True,
        )
    )
    return done.stdout


@needs_root
@pytest.mark.parametrize(
    ("settings", "who", "welcome"),
    [
        (SourceConfig(uids=frozenset({NOBODY})), (NOBODY, NOBODY, ""), True),
        (SourceConfig(gids=frozenset({50})), (NOBODY, 50, ""), True),
        (SourceConfig(gids=frozenset({50})), (NOBODY, NOBODY, "7,50"), True),
        (SourceConfig(uids=frozenset({1}), gids=frozenset({50})), (NOBODY, NOBODY, "7"), False),
    ],
)
async def test_other_users_are_asked_for_by_the_kernel(
    tmp_path_factory: pytest.TempPathFactory, settings: SourceConfig, who: tuple[int, int, str], welcome: bool
) -> None:
    """By user, by group, by one of many groups; and one who is none of it is told so, and not heard."""
    folder = open_to_all(tmp_path_factory)
    running = Running(folder / "s", settings)
    async with running:
        assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o666
        said = await said_to(running, *who, b"\xa4\x62at\x01\x63seq\x00\x64hook\x68on_ready\x65event\xa0")
        await running.until(2 if welcome else 1)
    assert (b"peer: user 65534 may not connect" in said) is not welcome
    assert frames(running.items) == ([("unix-1", 0)] if welcome else [])
    assert running.source.counts.refused == ({} if welcome else {"peer": 1})


def open_to_all(factory: pytest.TempPathFactory) -> Path:
    """A folder that others may enter, as those around it."""
    folder = factory.mktemp("peers")
    for each in (folder, *folder.parents):
        if stat.S_IMODE(each.stat().st_mode) & 0o011 != 0o011:
            each.chmod(stat.S_IMODE(each.stat().st_mode) | 0o011)
    return folder


def test_who_may() -> None:
    """The host's own user, and those listed."""
    assert may_connect({1000}, (), 1000, (5,))
    assert not may_connect({1000}, (), 0, (0,))
    assert may_connect({1000}, {7}, 0, (0, 7))
    assert not may_connect({1000}, {8}, 0, (0, 7))


async def test_the_hosts_own_user_may(tmp_path: Path) -> None:
    """Without being listed, whoever else is."""
    running = Running(tmp_path / "s", SourceConfig(uids=frozenset({NOBODY})))
    async with running:
        with socket.socket(socket.AF_UNIX) as node:
            node.connect(str(tmp_path / "s"))
            node.sendall(b"\xa4\x62at\x01\x63seq\x00\x64hook\x68on_ready\x65event\xa0")
            await running.until(1)

"""Nodes on the same machine: a Unix socket, and the kernel's word for who is there."""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, Final

from wasmhost.config.source import SourceConfig
from wasmhost.errors import SourceError
from wasmhost.sources.listening import ListeningSource
from wasmhost.sources.unix_socket import SocketFile
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_SO_PEERGROUPS: Final = 59
_GROUPS_BYTES: Final = 1024
_CREDENTIALS: Final = struct.Struct("iII")


class UnixSource(ListeningSource):
    """The events of all nodes that connect to the socket at ``path``. See `ListeningSource`.

    Connections without a hello are of the sources "unix-1", "unix-2"… in the order of connecting.
    """

    def __init__(self, path: Path, settings: SourceConfig | None = None) -> None:
        settings = settings or SourceConfig()
        super().__init__(_name(path), settings, lambda: UnixDoor(path, settings))


class UnixDoor:
    """A socket at ``path``, for this process's user and those listed. Raises SourceError."""

    kind = "unix"

    def __init__(self, path: Path, settings: SourceConfig) -> None:
        self.name = _name(path)
        self._uids = settings.uids | {os.geteuid()}
        self._gids = settings.gids
        others = bool(settings.uids or settings.gids)
        self._file = SocketFile(path, mode=0o666 if others else 0o600)
        self.listeners: Sequence[socket.socket] = (self._file.listener,)

    def prepare(self, connection: socket.socket) -> socket.socket:
        """Return it as it is."""
        connection.setblocking(False)
        return connection

    def identify(self, connection: socket.socket) -> str:
        """Ask the kernel whose process has connected."""
        _pid, uid, gid = _CREDENTIALS.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        if not may_connect(self._uids, self._gids, uid, (gid, *_groups(connection))):
            raise SourceError(f"peer: user {uid} may not connect; [source] lists uids and gids that may")
        return f"uid {uid}"

    def close(self) -> None:
        """Remove the socket's file, too."""
        self._file.close()


def may_connect(uids: Collection[int], gids: Collection[int], uid: int, groups: Collection[int]) -> bool:
    """Whether a user in these groups may connect where these users and groups may."""
    return uid in uids or any(gid in gids for gid in groups)


def _groups(connection: socket.socket) -> tuple[int, ...]:
    """Return the further groups of whoever connected; none where the kernel will not say so many."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:
        return ()
    return struct.unpack(f"{len(data) // 4}I", data)


def _name(path: Path) -> str:
    return f"unix:{escape_untrusted(str(path), 400)}"

"""What the supervisor and its zygote say to each other: one JSON object a packet, descriptors beside it.

Only these two speak here. No process that touches a guest ever has this socket.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Final, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

_PACKET: Final = 64 * 1024
MAX_FDS: Final = 16
"""Descriptors that may go along with one packet."""


class Request(TypedDict):
    """A child that the supervisor wants: its number, its job and its limits."""

    number: int
    job: str
    cpu_s: int | None
    address_mib: int | None
    data_mib: int | None
    files: int


class Answer(TypedDict):
    """What the zygote tells of a child: that it is there, why it is not, or how it ended.

    ``status``: its exit code, negative for a signal.
    """

    number: int
    pid: int | None
    error: str | None
    status: int | None


def answer(
    number: int, *, pid: int | None = None, error: str | None = None, status: int | None = None
) -> Answer:
    """One of the three."""
    return {"number": number, "pid": pid, "error": error, "status": status}


def send(control: socket.socket, message: Request | Answer, fds: Sequence[int] = ()) -> None:
    """Send one message.

    :raises OSError: the other side is gone, or does not read.
    """
    socket.send_fds(control, [json.dumps(message).encode()], fds)


def receive(control: socket.socket) -> tuple[object, list[int]] | None:
    """Wait for one message; its descriptors are the caller's now. None: the other side has closed.

    :raises OSError: the connection broke.
    """
    data, fds, _, _ = socket.recv_fds(control, _PACKET, MAX_FDS, socket.MSG_CMSG_CLOEXEC)
    return (json.loads(data), fds) if data else None

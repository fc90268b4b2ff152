"""What the supervisor and its zygote say to each other: one JSON object a packet, descriptors beside it.

Only these two speak here. No process that touches a guest ever has this socket.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Final, TypedDict, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

_PACKET: Final = 64 * 1024
MAX_FDS: Final = 16
"""Descriptors that may go along with one packet."""


class Message(TypedDict, total=False):
    """A request has ``number``, ``job`` and the limits; its answer ``number`` and ``pid``, or ``error``.

    ``status`` is there when the child of that number has ended: its exit code, negative for a signal.
    """

    number: int
    job: str
    cpu_s: int | None
    address_mib: int | None
    data_mib: int | None
    files: int
    pid: int
    error: str
    status: int


def send(control: socket.socket, message: Message, fds: Sequence[int] = ()) -> None:
    """Send one message.

    :raises OSError: the other side is gone, or does not read.
    """
    socket.send_fds(control, [json.dumps(message).encode()], fds)


def receive(control: socket.socket) -> tuple[Message, list[int]] | None:
    """Wait for one message; its descriptors are the caller's now. None: the other side has closed.

    :raises OSError: the connection broke.
    """
    data, fds, _, _ = socket.recv_fds(control, _PACKET, MAX_FDS, socket.MSG_CMSG_CLOEXEC)
    return (cast("Message", json.loads(data)), fds) if data else None

"""Nodes, in a process of their own: ``python -m tests.scale.load SOCKET CONNECTIONS EVENTS``.

Connects, says hello on each connection, prints "connected", and waits for a line on standard input. Then it
sends so many events over all of them, waits until every one is acknowledged, prints "taken", and stays
connected until standard input ends.
"""

from __future__ import annotations

import resource
import selectors
import socket
import sys
from pathlib import Path
from typing import Final

import cbor2

from wasmhost.contract.sequence import Splitter

_BATCH: Final = 64  # events that a node writes at once
_NODE: Final = {
    "realm": {"realm-id": 1},
    "serial-number": 1,
    "type": {"manufacturer": "acme", "name": "node", "version": "1.0"},
}
_BODY: Final = {
    "hook": "on_webrtc_connected",
    "at": 1_700_000_000_000_000_000,
    "ctx": {"self-id": _NODE, "request-id": "r"},
    "event": {"peer": _NODE, "relayed": False},
}


class Connection:
    """One node's connection, and how far the host has taken what it sent."""

    def __init__(self, path: Path, number: int) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.sent = 0
        self.taken = 0
        self._splitter = Splitter()
        hello = {"ack": True, "src": f"load-{number}", "hello": 1}
        self.socket.sendall(cbor2.dumps(hello, canonical=True))

    def send(self, count: int) -> None:
        """Write the next events."""
        seqs = range(self.sent, self.sent + count)
        self.socket.sendall(b"".join(cbor2.dumps({**_BODY, "seq": seq}, canonical=True) for seq in seqs))
        self.sent += count

    def hear(self) -> None:
        """Read answers."""
        for item in self._splitter.push(self.socket.recv(65_536)):
            answer = cbor2.loads(item.data or b"")
            if "error" in answer:
                raise ConnectionError(answer["error"])
            self.taken = answer.get("ack", -1) + 1


def main(path: Path, count: int, events: int) -> None:
    """Be these nodes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    connections = [Connection(path, number) for number in range(count)]
    for connection in connections:
        connection.hear()  # its welcome
    _say("connected")
    sys.stdin.readline()
    left = events
    while left:
        for connection in connections:
            batch = min(_BATCH, left)
            connection.send(batch)
            left -= batch
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        while any(connection.taken < connection.sent for connection in connections):
            for key, _ in selector.select():
                key.data.hear()
    _say("taken")
    sys.stdin.read()


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

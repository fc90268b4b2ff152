"""Thousands of nodes in a process of their own: most speak well, the others badly in every way there is.

``python -m tests.sources.crowd PATH COUNT`` connects them to a Unix socket, waits for a line before they
speak, and prints what they were answered as JSON. A token is asked for, and is "t".
"""

from __future__ import annotations

import json
import resource
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import cbor2

from tests.sources.helpers import event, hello
from wasmhost.contract.sequence import Splitter

EVENTS = 3
PATIENCE_S = 60
MANNERS = ("garbage", "oversized", "wrong token", "no hello", "silent", "half an event", "never reads")
"""Of every ten nodes one has bad manners, these in turn."""


def manner(number: int) -> str | None:
    """What is wrong with a node; None for a good one."""
    return MANNERS[number // 10 % len(MANNERS)] if number % 10 == 0 else None


def counted(count: int) -> Counter[str | None]:
    """How many there are of each kind."""
    return Counter(manner(number) for number in range(count))


@dataclass
class Node:
    """One of them, and what it was told."""

    number: int
    connection: socket.socket
    answers: Splitter = field(default_factory=Splitter)
    acknowledged: int = -1
    refused: str | None = None

    def words(self) -> bytes:
        """All that it has to say."""
        opening = hello(f"crowd-{self.number}", "t", ack=True)
        events = b"".join(event(seq) for seq in range(EVENTS))
        match manner(self.number):
            case "garbage":
                return opening + b"\xff\x1c" + events
            case "oversized":
                return opening + b"\x5b" + (1 << 50).to_bytes(8, "big") + bytes(100_000)
            case "wrong token":
                return hello(f"crowd-{self.number}", "x", ack=True) + events
            case "no hello":
                return events
            case "silent":
                return b""
            case "half an event":
                return opening + events[:-3]
            case _:
                return opening + events

    @property
    def content(self) -> bool:
        """Whether it was told all that it can expect."""
        kind = manner(self.number)
        if kind is None:
            return self.acknowledged == EVENTS - 1
        return self.refused is not None or kind not in ("garbage", "wrong token", "no hello")

    def read(self) -> bool:
        """Take what it was told; whether it may hear more."""
        data = self.connection.recv(4096)
        for item in self.answers.push(data):
            answer = cbor2.loads(item.data or b"")
            self.acknowledged = answer.get("ack", self.acknowledged)
            if "error" in answer:
                self.refused = answer["error"].partition(":")[0]
        return bool(data)


def connect(path: str, count: int) -> list[Node]:
    """Connect them all, one after the other."""
    nodes = []
    for number in range(count):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)  # waits where the backlog is full
        nodes.append(Node(number, connection))
    return nodes


def speak(nodes: list[Node]) -> None:
    """Let each say what it has to say."""
    for node in nodes:
        node.connection.settimeout(PATIENCE_S)
        try:
            node.connection.sendall(node.words())
        except OSError:
            continue  # refused in the middle of it: what it was told can still be read
        finally:
            node.connection.setblocking(False)


def listen(nodes: list[Node]) -> None:
    """Read answers until all have what they can expect, or it takes too long."""
    waiting = selectors.DefaultSelector()
    for node in nodes:
        if manner(node.number) != "never reads":
            waiting.register(node.connection, selectors.EVENT_READ, node)
    give_up_at = time.monotonic() + PATIENCE_S
    while not all(node.content for node in nodes) and time.monotonic() < give_up_at:
        for key, _events in waiting.select(1):
            node = key.data
            try:
                more = node.read()
            except OSError:
                more = False
            if not more:
                waiting.unregister(node.connection)


def say(line: str) -> None:
    """Tell whoever started us."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(path: str, count: int) -> None:
    """Play all their parts."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 64), hard))
    nodes = connect(path, count)
    say("connected")
    sys.stdin.readline()
    speak(nodes)
    listen(nodes)
    told = Counter(node.refused for node in nodes)
    good = sum(node.acknowledged == EVENTS - 1 for node in nodes if manner(node.number) is None)
    say(json.dumps({"good": good, "refused": {word: told[word] for word in told if word}}))
    sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

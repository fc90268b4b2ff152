"""How far a sink has come, and what there is to count on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from wasmhost.config.sink import AnySink


@dataclass(slots=True)
class Progress:
    """What came to be since it was last written. ``done``: all up to this row is confirmed, or given up.

    ``error``: why the last try failed, "" where it did not, None where there was none.
    """

    done: int = 0
    sent: int = 0
    dead: int = 0
    dropped: int = 0
    invalid: int = 0
    tries_failed: int = 0
    error: str | None = None

    def copy(self) -> Progress:
        """Return the same once more."""
        return replace(self)

    def add(self, other: Progress) -> None:
        """Add what came after."""
        self.done = max(self.done, other.done)
        self.sent += other.sent
        self.dead += other.dead
        self.dropped += other.dropped
        self.invalid += other.invalid
        self.tries_failed += other.tries_failed
        self.error = self.error if other.error is None else other.error

    def write(self, connection: sqlite3.Connection, number: int) -> None:
        """Add it to what the database has of a sink."""
        connection.execute(
            "UPDATE sink SET done = max(done, ?), sent = sent + ?, dead = dead + ?, dropped = dropped + ?,"
            " invalid = invalid + ?, tries_failed = tries_failed + ?, error = coalesce(?, error)"
            " WHERE number = ?",
            (
                self.done,
                self.sent,
                self.dead,
                self.dropped,
                self.invalid,
                self.tries_failed,
                self.error,
                number,
            ),
        )


@dataclass(slots=True)
class Place:
    """A sink's place in the outbox: all up to ``done`` is over for it, and so many entries are ``waiting``.

    ``present``: it is configured, and comes for what is due to it. ``total``: what was counted in this run.
    """

    name: str
    done: int
    present: bool
    waiting: int
    total: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True)
class Taste:
    """What a sink is to have."""

    bit: int
    sink: AnySink

    def likes_report(self, observer: str, topic: str) -> bool:
        """Whether it is to have a report."""
        return (
            "reports" in self.sink.what
            and (self.sink.observers is None or observer in self.sink.observers)
            and (self.sink.topics is None or any(matches(topic, pattern) for pattern in self.sink.topics))
        )

    def likes_panics(self, observer: str) -> bool:
        """Whether it is to have an observer's panics."""
        return "panics" in self.sink.what and (self.sink.observers is None or observer in self.sink.observers)


def matches(topic: str, pattern: str) -> bool:
    """Whether a topic is of a pattern, in which ``*`` stands for any text.

    By hand, as the topic is a stranger's: `fnmatch` goes by regular expressions, which some texts make crawl.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return topic == pattern
    if not topic.startswith(first) or len(topic) < len(first) + len(rest[-1]) or not topic.endswith(rest[-1]):
        return False
    at, limit = len(first), len(topic) - len(rest[-1])
    for part in rest[:-1]:
        at = topic.find(part, at, limit)
        if at < 0:
            return False
        at += len(part)
    return True

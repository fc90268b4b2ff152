"""What streams, subjects and keys are called. One place, as others read them, too.

==================================  ==========================================================
``P.events.<realm>.<node>``         where nodes publish; ``P`` is ``subjects`` of [jetstream]
``P.p.<partition>.<realm>.<node>``  what the stream makes of it
``P.reports.<observer>.<topic>``    reports, in the stream ``<stream>-found``
``P.panics.<observer>.<kind>``      panics, in the same
``$KV.<stream>.…``                  the bucket: leases, checkpoints and states, see `Keys`
==================================  ==========================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wasmhost.config.jetstream import JetStreamConfig

_MAX_TOKEN: Final = 128
_UNSAFE: Final = re.compile(rb"[^A-Za-z0-9_-]")


def token(name: str) -> str:
    """Make one word of a subject or key of any name: other bytes than letters, digits, "_", "-" are ``=XX``.

    Different names of up to some 40 bytes make different words; a longer one may be cut.
    """
    return escaped(name)[:_MAX_TOKEN] or "="


def escaped(name: str) -> str:
    """Do the same without a cut, for a header, say."""
    data = name.encode("utf-8", "surrogatepass")
    return _UNSAFE.sub(lambda found: b"=%02X" % found[0][0], data).decode()


@dataclass(frozen=True, slots=True)
class Names:
    """All names of one stream."""

    stream: str
    prefix: str
    partitions: int

    @classmethod
    def of(cls, config: JetStreamConfig) -> Names:
        """The names that a configuration means."""
        return cls(config.stream, config.subjects, config.partitions)

    @property
    def found(self) -> str:
        """The stream of reports and panics."""
        return f"{self.stream}-found"

    @property
    def bucket_stream(self) -> str:
        """The stream that the bucket is."""
        return f"KV_{self.stream}"

    @property
    def published(self) -> str:
        """All subjects that nodes publish to."""
        return f"{self.prefix}.events.*.*"

    @property
    def partitioned(self) -> str:
        """What the stream makes of them."""
        number = f"{{{{partition({self.partitions},1,2)}}}}"
        return f"{self.prefix}.p.{number}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}"

    def partition(self, number: int) -> str:
        """All subjects of one partition."""
        return f"{self.prefix}.p.{number}.>"

    def event(self, realm: str, node: str) -> str:
        """Where the events of a node are published to."""
        return f"{self.prefix}.events.{token(realm)}.{token(node)}"

    def report(self, observer: str, topic: str) -> str:
        """Where a report is published to."""
        return f"{self.prefix}.reports.{token(observer)}.{token(topic)}"

    def panic(self, observer: str, kind: str) -> str:
        """Where a panic is published to."""
        return f"{self.prefix}.panics.{token(observer)}.{token(kind)}"

    @property
    def nudge(self) -> str:
        """Hosts tell each other here that there is something to look at; no stream keeps it."""
        return f"{self.prefix}.hosts.{self.stream}"


class Keys:
    """Keys of the bucket."""

    SECRET: Final = "secret"  # noqa: S105 - the key where it is kept
    """Of pseudonyms: the same for all hosts, or an observer would know nobody again where it moved to."""
    HOSTS: Final = "host.*"

    @staticmethod
    def host(host: str) -> str:
        """Where a host shows that it lives."""
        return f"host.{host}"

    @staticmethod
    def partition(number: int) -> str:
        """Who has a partition, and how far it is: lease and checkpoint in one."""
        return f"p.{number}"

    @staticmethod
    def state(number: int, observer: str) -> str:
        """An observer's state in a partition."""
        return f"s.{number}.{token(observer)}"

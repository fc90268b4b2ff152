"""What ``[[sink]]`` and ``[outbox]`` say: where reports and panics are sent, and how much may wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal

if TYPE_CHECKING:
    from pathlib import Path

What = Literal["reports", "panics"]
Kind = Literal["ndjson", "webhook", "nats"]

MAX_SINKS: Final = 32
"""Of one host; an entry of the outbox has a bit for each, and so have those that are gone from its file."""
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkConfig:
    """What every sink has.

    ``what`` it is sent; ``observers`` (None: all) by name, and ``topics`` (None: all; ``relay.*`` has a
    wildcard) of reports. ``batch``: how many records go at once. ``timeout_s`` is for one try, ``backoff_ms``
    the first and the longest wait after one that failed. A record that was tried in vain ``attempts`` times
    (None: no matter how often), or is older than ``max_age_s``, goes to the file ``dead_letter`` (None:
    one beside the database).
    """

    name: str
    what: frozenset[What] = frozenset({"reports", "panics"})
    observers: frozenset[str] | None = None
    topics: tuple[str, ...] | None = None
    batch: int = 100
    timeout_s: float = 10.0
    backoff_ms: tuple[float, float] = (500, 60_000)
    attempts: int | None = None
    max_age_s: float = 3 * DAY_S
    dead_letter: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NdjsonSinkConfig(SinkConfig):
    """Appends to the file ``path``, or to standard output where that is None."""

    kind: ClassVar[Kind] = "ndjson"

    path: Path | None
    batch: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSinkConfig(SinkConfig):
    """Posts to ``url``, signed with the secrets in ``secret_file`` or in the variable ``secret_env``.

    ``tls_ca`` has the certificates to trust, instead of the system's.
    """

    kind: ClassVar[Kind] = "webhook"

    url: str
    secret_file: Path | None = None
    secret_env: str | None = None
    tls_ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsSinkConfig(SinkConfig):
    """Publishes to JetStream at ``url``, to ``subject`` with its fields filled in.

    ``credentials`` is a file with a JWT and its key, ``password_file`` one with the password of ``user``.
    ``tls_ca`` is as of a webhook; ``tls_cert`` and ``tls_key`` are our own.
    """

    kind: ClassVar[Kind] = "nats"

    url: str
    subject: str = "wasmhost.{what}.{observer}.{topic}"
    credentials: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    batch: int = 256


AnySink = NdjsonSinkConfig | WebhookSinkConfig | NatsSinkConfig


@dataclass(frozen=True, slots=True)
class OutboxConfig:
    """What may wait for sinks on disk: ``rows`` and ``mib``.

    The first of equal panics is told at once, and then, in ``panics_every_s``, how many there were.
    """

    rows: int = 1_000_000
    mib: int = 512
    panics_every_s: float = 60.0

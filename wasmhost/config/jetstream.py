"""What ``[jetstream]`` says: which stream, how it is divided, and how hosts share it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MAX_PARTITIONS: Final = 1024
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}")


@dataclass(frozen=True, slots=True)
class JetStreamConfig:
    """How events come over NATS JetStream. All hosts on one stream must say the same of it.

    ``stream`` is its name, ``subjects`` what all subjects begin with, and ``partitions`` into how many it is
    divided. It keeps events for ``keep_s``, knows messages again that are sent twice within
    ``duplicates_s``, and is on ``replicas`` servers.

    ``batch`` events are given to observers between two checkpoints, at most. ``window``: how many messages
    of the stream a host looks back when it takes a partition, for events that come again. A host that
    does not show for ``lease_s`` loses its partitions to the others.

    ``credentials`` is a file with a JWT and its key, ``password_file`` one with the password of ``user``.
    ``tls_ca`` has the certificates to trust instead of the system's; ``tls_cert`` and ``tls_key`` are our
    own.
    """

    stream: str = "wasmhost"
    subjects: str = "wasmhost"
    partitions: int = 8
    keep_s: float = 86_400.0
    duplicates_s: float = 120.0
    replicas: int = 1
    batch: int = 512
    window: int = 32_768
    lease_s: float = 10.0
    credentials: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None


def is_stream_name(name: str) -> bool:
    """Whether a stream may be called so: what is safe in a subject, a file name and a terminal alike."""
    return _NAME.fullmatch(name) is not None


def is_prefix(subject: str) -> bool:
    """Whether subjects may begin so."""
    return _PREFIX.fullmatch(subject) is not None

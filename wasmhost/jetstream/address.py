"""``nats://HOST:PORT[/STREAM]``: which server, and which stream on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from wasmhost.config.jetstream import is_stream_name
from wasmhost.errors import SourceError
from wasmhost.loopback import is_loopback
from wasmhost.text import escape_untrusted

SCHEMES: Final = ("nats", "tls")
_PORT: Final = 4222
_FORM: Final = "nats://HOST[:PORT][/STREAM], or tls://… for a connection that begins encrypted"


@dataclass(frozen=True, slots=True)
class Address:
    """A server, and the stream where it is named. ``url`` is what a client connects to."""

    url: str
    host: str
    stream: str | None

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.host)

    @property
    def is_tls(self) -> bool:
        """Whether the address itself asks for TLS."""
        return self.url.startswith("tls:")


def is_address(spec: str) -> bool:
    """Whether a ``--from`` or ``--to`` is meant for us."""
    return spec.partition(":")[0].lower() in SCHEMES and "://" in spec


def parse_address(spec: str) -> Address:
    """Read an address.

    :raises SourceError: it is none; the message shows no password that may be in it.
    """
    try:
        parts = urlsplit(spec)
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        raise SourceError(f"that is no address of a NATS server: write {_FORM}") from None
    if parts.username is not None or parts.password is not None:
        raise SourceError(
            "no user and password in an address, where others see them: say user and password_file, or "
            "credentials, in [jetstream] of the configuration"
        )
    shown = escape_untrusted(spec, 200)
    if not host or parts.query or parts.fragment or parts.scheme.lower() not in SCHEMES:
        raise SourceError(f'"{shown}" is no address of a NATS server: write {_FORM}')
    stream = parts.path.strip("/") or None
    if stream is not None and not is_stream_name(stream):
        raise SourceError(f'"{shown}" names no stream: one has up to 64 letters, digits, "_" and "-"')
    name = f"[{host}]" if ":" in host else host
    return Address(f"{parts.scheme.lower()}://{name}:{port}", host, stream)

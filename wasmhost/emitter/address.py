"""Where a host listens, as one word, and how a connection to it is made."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from wasmhost.errors import ConfigError
from wasmhost.loopback import is_loopback
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """The files (PEM) by which a node and a host beyond this machine know each other.

    ``ca`` signed the host's certificate, ``cert`` and ``key`` are the node's own. ``host`` is the name in
    the host's certificate, where it is not the one that is connected to.
    """

    ca: Path
    cert: Path
    key: Path
    host: str | None = None


class Address(Protocol):
    """A host's place; ``str()`` of it is how the operator wrote it, fit to be shown."""

    def connect(self, timeout: float) -> socket.socket:
        """Return a new connection; raises OSError."""
        ...


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket's path."""

    path: str

    def __str__(self) -> str:
        return f"unix:{escape_untrusted(self.path, 400)}"

    def connect(self, timeout: float) -> socket.socket:
        """Connect, or raise OSError; that there is no room among those who wait is one, too."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(self.path)
        except BaseException:
            connection.close()
            raise
        return connection


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host and a port, with what TLS needs where it is to be spoken."""

    host: str
    port: int
    context: ssl.SSLContext | None = None
    server_name: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{escape_untrusted(host, 300)}:{self.port}"

    def connect(self, timeout: float) -> socket.socket:
        """Connect and shake hands, or raise OSError (of which TLS errors are one kind)."""
        connection = socket.create_connection((self.host, self.port), timeout)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # we send batches
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self.context is None:
                return connection
            return self.context.wrap_socket(connection, server_hostname=self.server_name or self.host)
        except BaseException:
            connection.close()
            raise


def parse_address(spec: str, tls: Tls | None) -> Address:
    """Return what ``unix:PATH`` or ``tcp:HOST:PORT`` means.

    :raises ConfigError: it means nothing, or a file that TLS needs cannot be used.
    """
    scheme, _, place = spec.partition(":")
    shown = escape_untrusted(spec, 200)
    if scheme == "unix" and place and "\0" not in place:
        if tls is not None:
            raise ConfigError(f"TLS is for tcp:HOST:PORT, not for {shown}")
        return UnixAddress(place)
    host, colon, port = place.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if scheme != "tcp" or not host or not colon or not (port.isascii() and port.isdigit()):
        raise ConfigError(f'cannot emit to "{shown}": a host is unix:PATH or tcp:HOST:PORT')
    if not 0 < int(port) < 65_536:
        raise ConfigError(f'cannot emit to "{shown}": there is no such port')
    for name in (host, host if tls is None or tls.host is None else tls.host):
        if not _is_name(name):
            raise ConfigError(
                f'cannot emit to "{shown}": "{escape_untrusted(name, 200)}" is no name of a host'
            )
    if tls is not None:
        return TcpAddress(host, int(port), _context(tls), tls.host)
    if not is_loopback(host):
        raise ConfigError(f"{shown} is beyond this machine: a host there needs TLS with a client certificate")
    return TcpAddress(host, int(port))


def _is_name(host: str) -> bool:
    """Tell whether it can be looked up: what cannot is no OSError by then, and would end the sender."""
    try:
        return bool(host.encode("idna")) and "\0" not in host
    except UnicodeError:
        return False


def _context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(tls.ca))
        context.load_cert_chain(tls.cert, tls.key, password=_no_password)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot use the TLS files {tls.ca}, {tls.cert}, {tls.key}: {_reason(error)}"
        ) from error
    return context


def _no_password() -> str:
    raise ValueError("the key needs a password")  # or the terminal would be asked for it


def _reason(error: Exception) -> str:
    return escape_untrusted(getattr(error, "strerror", None) or str(error), 200)

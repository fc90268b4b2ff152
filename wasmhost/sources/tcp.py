"""Nodes on other machines, or on this one by its loopback: TCP, with TLS where it leaves the machine."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
import ssl
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from wasmhost.config.source import SourceConfig
from wasmhost.errors import SourceError
from wasmhost.sources.entrance import BACKLOG
from wasmhost.sources.listening import ListeningSource
from wasmhost.sources.reason import reason
from wasmhost.sources.tls import server_context
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLACE: Final = re.compile(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})", re.ASCII)
_PROBED: Final = (
    # One that says nothing is asked after a minute whether it is there, and is gone two minutes after it was.
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


class TcpSource(ListeningSource):
    """The events of all nodes that connect to ``place``, HOST:PORT or [HOST]:PORT. See `ListeningSource`.

    Connections without a hello are of the sources "tcp-1", "tcp-2"… in the order of connecting. With
    port 0 the system chooses one, and ``name`` says which as soon as the source is open.
    """

    def __init__(self, place: str, settings: SourceConfig | None = None) -> None:
        settings = settings or SourceConfig()
        host, port = read_place(place)
        super().__init__(_name(host, port), settings, lambda: TcpDoor(host, port, settings))


class TcpDoor:
    """The addresses of ``host``: with TLS where there are settings for it, and only on loopback without.

    Raises SourceError for what cannot be listened on, and for what may not.
    """

    kind = "tcp"

    def __init__(self, host: str, port: int, settings: SourceConfig) -> None:
        shown = _name(host, port)
        addresses = _addresses(host, port)
        open_to = [address for address in addresses if not ipaddress.ip_address(address).is_loopback]
        if open_to and settings.tls is None:
            raise SourceError(
                f"cannot listen on {shown}: beyond loopback that takes TLS with client certificates;"
                " set cert, key and client_ca in [source.tls], or listen on 127.0.0.1"
            )
        self._context = None if settings.tls is None else server_context(settings.tls)
        with ExitStack() as opened:
            listeners: list[socket.socket] = []
            for address in addresses:
                # Port 0: what the system chose for the first address is tried for the others, too.
                chosen = port or (listeners[0].getsockname()[1] if listeners else 0)
                listeners.append(opened.enter_context(_listener(address, chosen, shown)))
            opened.pop_all()
        self.listeners: Sequence[socket.socket] = tuple(listeners)
        self.name = _name(host, listeners[0].getsockname()[1])

    def prepare(self, connection: socket.socket) -> socket.socket:
        """Begin TLS; its handshake is done when the connection has its turns."""
        connection.setblocking(False)
        for level, option, value in _PROBED:
            connection.setsockopt(level, option, value)
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def identify(self, connection: socket.socket) -> str:
        """Do the handshake, and name the peer by what its certificate says of it."""
        if not isinstance(connection, ssl.SSLSocket):
            return "tcp"
        connection.do_handshake()
        certificate = connection.getpeercert() or {}
        # By its names, not by its digest: a node may renew it while it runs.
        names = certificate.get("subjectAltName") or certificate.get("subject")
        return f"certificate {hashlib.sha256(repr(names).encode()).hexdigest()}"

    def close(self) -> None:
        """Close the listeners."""
        for listener in self.listeners:
            listener.close()


def read_place(place: str) -> tuple[str, int]:
    """Take HOST:PORT apart. Raises SourceError."""
    found = _PLACE.fullmatch(place)
    if found is None or int(found["port"]) > 65_535:
        raise SourceError(
            f'cannot listen on "tcp:{escape_untrusted(place, 200)}": write tcp:HOST:PORT, as in'
            " tcp:127.0.0.1:4100 or tcp:[::1]:4100"
        )
    return found["six"] or found["host"], int(found["port"])


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "this is no name of a host"
        raise SourceError(f"cannot listen on {_name(host, port)}: {why}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _listener(address: str, port: int, shown: str) -> socket.socket:
    six = ":" in address
    listener = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if six:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SourceError(f"cannot listen on {shown}: {reason(error)}") from error
    return listener


def _name(host: str, port: int) -> str:
    host = escape_untrusted(host, 255)
    return f"tcp:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}"

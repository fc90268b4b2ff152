"""``[telemetry]``: where the host answers who asks how it is."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wasmhost.config.nodes import number, text
from wasmhost.errors import ConfigError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wasmhost.config.nodes import Node

PORT: Final = 9464
"""What Prometheus' list of ports has for exporters of OpenTelemetry."""
_SHOWN: Final = 60


class Address(NamedTuple):
    """Where to listen: an IP address, and a port, 0 for any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether none but this machine can come here."""
        return ipaddress.ip_address(self.host).is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryConfig:
    """What the host tells of itself.

    ``listen``: where it serves metrics, health and readiness; None for nowhere. ``shard_down_s``: for how
    many seconds a shard may be down before the host says that it is not ready.
    """

    listen: Address | None = None
    shard_down_s: float = 10.0


def read_telemetry(node: Node, _folder: Path) -> TelemetryConfig:
    """Read the table ``[telemetry]``. Raises ConfigError."""
    values = node.renamed("[telemetry]").table(_CHECKS, {})
    return TelemetryConfig(**{name: check(values[name]) for name, check in _CHECKS.items() if name in values})


def parse_address(words: str) -> Address:
    """Read ``127.0.0.1:9464`` or ``[::1]:9464``; without a port, it is 9464.

    Raises ConfigError for what is no address, a host's name among it: that may mean several, or another
    one tomorrow.
    """
    host, port = words, str(PORT)
    if words.startswith("["):
        host, _, rest = words[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
    elif words.count(":") == 1:
        host, _, port = words.partition(":")
    host = "127.0.0.1" if host == "localhost" else host
    try:
        ipaddress.ip_address(host)
    except ValueError:
        host = ""
    if not host or "%" in host or not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        shown = escape_untrusted(words, _SHOWN)
        raise ConfigError(f'"{shown}" is no address to listen on: say 127.0.0.1:{PORT}, or [::1]:{PORT}')
    return Address(host, int(port))


def _address(node: Node) -> Address:
    try:
        return parse_address(text(node))
    except ConfigError as error:
        raise node.error(f"is wrong: {error}") from None


# Any: the checks return what the field of that name is annotated with.
_CHECKS: Final[dict[str, Callable[[Node], Any]]] = {
    "listen": _address,
    "shard_down_s": number(0, 3_600),
}

"""The terms on which nodes may connect from elsewhere: TLS 1.3, and a certificate on both sides."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from wasmhost.errors import SourceError
from wasmhost.sources.reason import reason
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.config.source import TlsConfig


def server_context(settings: TlsConfig) -> ssl.SSLContext:
    """Read the certificates. Raises SourceError for what cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = (
        0  # nothing is resumed: a certificate is looked at each time, and no session is kept
    )
    for path in (settings.cert, settings.key, settings.client_ca):
        _readable(path)
    try:
        context.load_cert_chain(settings.cert, settings.key, password=_no_password)
    except (OSError, ValueError) as error:
        raise _unusable("cert and key", settings.cert, error) from error
    try:
        context.load_verify_locations(settings.client_ca)
    except (OSError, ValueError) as error:
        raise _unusable("client_ca", settings.client_ca, error) from error
    return context


def _no_password() -> str:
    # Without this, OpenSSL would ask at the terminal.
    raise ValueError("the key is encrypted: give it without a password, readable by the host's user only")


def _readable(path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise SourceError(f"cannot read {escape_untrusted(str(path), 400)}: {reason(error)}") from error


def _unusable(what: str, path: Path, error: OSError | ValueError) -> SourceError:
    why = reason(error) if isinstance(error, OSError) else str(error)
    if "PEM lib" in why:
        why = "no PEM file with what should be in it"
    return SourceError(f"{what} of [source.tls] cannot be used ({escape_untrusted(str(path), 400)}): {why}")

"""Certificates for tests: a host's, and nodes' of all kinds."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme

from wasmhost.config.source import SourceConfig, TlsConfig

if TYPE_CHECKING:
    from pathlib import Path


class Certificates:
    """A CA that signs the host and its nodes, and one that signs strangers."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._strangers = trustme.CA()
        host = self._ca.issue_cert("localhost", "127.0.0.1", "::1")
        self.tls = TlsConfig(folder / "host.pem", folder / "host.key", folder / "nodes.pem")
        self.tls.cert.write_bytes(b"".join(each.bytes() for each in host.cert_chain_pems))
        self.tls.key.write_bytes(host.private_key_pem.bytes())
        self._ca.cert_pem.write_to_path(str(self.tls.client_ca))

    def settings(self, **more: object) -> SourceConfig:
        """Settings with TLS."""
        return SourceConfig(tls=self.tls, **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def node(self, name: str = "node-1") -> ssl.SSLContext:
        """A node that may connect."""
        return self._client(self._ca.issue_cert(name))

    def save_node(self, path: Path) -> None:
        """Write what a node needs that is another process: its key and certificate."""
        self._ca.issue_cert("node-1").private_key_and_cert_chain_pem.write_to_path(str(path))

    def expired(self) -> ssl.SSLContext:
        """A node whose certificate was good until yesterday."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self._client(
            self._ca.issue_cert("node-1", not_before=yesterday - timedelta(days=30), not_after=yesterday)
        )

    def stranger(self) -> ssl.SSLContext:
        """A node whose certificate somebody else signed."""
        return self._client(self._strangers.issue_cert("node-1"))

    def bare(self) -> ssl.SSLContext:
        """A node without a certificate."""
        return self._client(None)

    def old(self) -> ssl.SSLContext:
        """A node that speaks TLS 1.2 at most."""
        context = self.node()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _client(self, certificate: trustme.LeafCert | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._ca.configure_trust(context)
        if certificate is not None:
            certificate.configure_cert(context)
        return context

"""TLS: the server shows who it is, and so do we; what does not fit is refused in one line."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.jetstream.helpers import SETTINGS
from tests.nats_server import NatsServer
from wasmhost.errors import ConfigError, SourceError
from wasmhost.jetstream.address import parse_address
from wasmhost.jetstream.layout import ensure_layout
from wasmhost.jetstream.link import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.config.jetstream import JetStreamConfig


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[NatsServer, JetStreamConfig]]:
    """A server that asks for our certificate, and settings that fit."""
    authority = trustme.CA()
    ours, theirs = authority.issue_cert("host-7"), authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, cert in (("ours", ours), ("theirs", theirs)):
        cert.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        cert.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    files = {"cert_file": "theirs.pem", "key_file": "theirs.key", "ca_file": "ca.pem"}
    lines = "\n".join(f'{key}: "{tmp_path / name}"' for key, name in files.items())
    (tmp_path / "server").mkdir()
    settings = replace(
        SETTINGS,
        tls_ca=tmp_path / "ca.pem",
        tls_cert=tmp_path / "ours.pem",
        tls_key=tmp_path / "ours.key",
    )
    with NatsServer(tmp_path / "server", f"tls {{\n{lines}\nverify: true\n}}") as server:
        yield server, settings


async def connect(server: NatsServer, settings: JetStreamConfig) -> None:
    """Connect, and make the streams."""
    async with AsyncExitStack() as stack:
        link = await stack.enter_async_context(Link(parse_address(server.url), settings))
        await ensure_layout(await link.life(), settings)


async def test_both_show_who_they_are(secured: tuple[NatsServer, JetStreamConfig]) -> None:
    """Then it is as without."""
    await connect(*secured)


async def test_without_our_certificate(secured: tuple[NatsServer, JetStreamConfig]) -> None:
    """The server does not let us in."""
    server, settings = secured
    with pytest.raises(SourceError, match="cannot connect to nats://127"):
        await connect(server, replace(settings, tls_cert=None, tls_key=None))


async def test_a_server_of_another_authority(secured: tuple[NatsServer, JetStreamConfig]) -> None:
    """We do not tell it anything."""
    server, settings = secured
    other = Path(server.folder) / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with pytest.raises(SourceError, match="certificate verify failed"):
        await connect(server, replace(settings, tls_ca=other))


async def test_a_file_that_is_no_certificate(secured: tuple[NatsServer, JetStreamConfig]) -> None:
    """It is named as what it is: a mistake in the configuration."""
    server, settings = secured
    with pytest.raises(ConfigError, match=r"certificates of \[jetstream\] cannot be used"):
        await connect(server, replace(settings, tls_ca=server.log))

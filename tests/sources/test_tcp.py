"""Live nodes over TCP: plain on loopback, with TLS and certificates on both sides elsewhere."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest
from cryptography.hazmat.primitives import serialization

from tests.sources.certificates import Certificates
from tests.sources.helpers import descriptors, ends, event, frames, hello
from tests.sources.running import Node, Running, at
from wasmhost.config.source import SourceConfig, TlsConfig
from wasmhost.errors import SourceError
from wasmhost.sources import open_source

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once: keys take their time."""
    return Certificates(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("place", ["tcp:127.0.0.1:0", "tcp:[::1]:0", "tcp:localhost:0"])
async def test_plain_on_loopback(place: str) -> None:
    """Both kinds of addresses, and a name for them; the source's name has the port that the system chose."""
    running = Running(place)
    async with running, at(running) as node, at(running) as other:
        assert running.address[1] > 0
        await node.send(hello("n", ack=True), event(0))
        await node.acknowledged(0)
        await other.send(event(7))
        await running.until(2)
    assert frames(running.items) == [("n", 0), ("tcp-2", 7)]


async def test_beyond_loopback_it_takes_tls(certificates: Certificates) -> None:
    """Without, the source does not open; with, it does."""
    for place in ("tcp:0.0.0.0:0", "tcp:[::]:0"):
        with pytest.raises(SourceError, match="beyond loopback that takes TLS with client certificates"):
            async with open_source(place):
                pass
    running = Running("tcp:0.0.0.0:0", certificates.settings())
    async with running:
        node = await anyio.to_thread.run_sync(secure, running, certificates.node())
        async with node:
            await node.send(hello("n", ack=True), event(0))
            await node.acknowledged(0)


def secure(running: Running, context: ssl.SSLContext) -> Node:
    """Connect with TLS, to be called in a thread."""
    _host, port = running.address
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    try:
        return Node(context.wrap_socket(plain, server_hostname="localhost"))
    except BaseException:
        plain.close()
        raise


async def connected(running: Running, context: ssl.SSLContext) -> Node:
    """Do the same from the event loop."""
    return await anyio.to_thread.run_sync(secure, running, context)


async def test_tls_carries_all_of_it(certificates: Certificates) -> None:
    """Many records, answers, a takeover by the same node's certificate, and a proper end."""
    running = Running("tcp:127.0.0.1:0", certificates.settings())
    async with running, await connected(running, certificates.node()) as node:
        await node.send(hello("n", ack=True), b"".join(event(seq) for seq in range(5_000)))
        await node.acknowledged(4_999)
        async with await connected(running, certificates.node()) as again:
            await again.send(hello("n", ack=True), event(4_999), event(5_000))
            assert await again.answer() == {"ack": 4_999}
            await again.acknowledged(5_000)
            assert await node.refused() == "replaced"
        async with await connected(running, certificates.node("node-2")) as other:
            await other.send(hello("n", ack=True), event(6_000))
            assert await other.refused() == "taken"
    assert frames(running.items) == [("n", seq) for seq in range(5_001)]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("expired", "certificate has expired"),
        ("stranger", "unable to get local issuer certificate"),
        ("bare", "peer did not return a certificate"),
        ("old", "unsupported protocol"),
    ],
)
async def test_those_who_may_not(certificates: Certificates, kind: str, why: str) -> None:
    """Nothing is taken of them, the operator is told why, and a neighbour notices nothing."""
    running = Running("tcp:127.0.0.1:0", certificates.settings())
    async with running, await connected(running, certificates.node()) as neighbour:
        await neighbour.send(hello("good", ack=True), event(0))
        await neighbour.acknowledged(0)
        with suppress(OSError):  # with TLS 1.3 a client learns of it when it reads
            async with await connected(running, getattr(certificates, kind)()) as node:
                await node.send(hello("bad", ack=True), event(0))
                assert await node.answer() is None
        await running.until(2)
        await neighbour.send(event(1))
        await neighbour.acknowledged(1)
    assert frames(running.items) == [("good", 0), ("good", 1)]
    (bad,) = [end for end in ends(running.items) if end.error is not None]
    assert bad.error is not None
    assert why in bad.error
    assert running.source.counts.refused == {"handshake": 1}


async def test_noise_instead_of_a_handshake(certificates: Certificates) -> None:
    """Plain CBOR, HTTP and silence: each is over, and those who know how are heard meanwhile."""
    running = Running("tcp:127.0.0.1:0", certificates.settings(hello_s=0.3))
    async with running:
        silent = Node(socket.create_connection(running.address, timeout=20))
        for noise in (hello("n") + event(0), b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(99)):
            async with Node(socket.create_connection(running.address, timeout=20)) as node:
                await node.send(noise)
        async with await connected(running, certificates.node()) as node, silent:
            await node.send(hello("good", ack=True), event(0))
            await node.acknowledged(0)
            assert await anyio.to_thread.run_sync(silent.connection.recv, 1) == b""
    assert frames(running.items) == [("good", 0)]
    assert any("slow: no hello within" in str(end.error) for end in ends(running.items))


async def test_many_half_open_handshakes_hold_nobody_up(certificates: Certificates) -> None:
    """Three hundred that began one and stopped there; a node is served between them."""
    running = Running("tcp:127.0.0.1:0", certificates.settings())
    async with running:
        begun = [socket.create_connection(running.address, timeout=20) for _ in range(300)]
        for connection in begun:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")
        async with await connected(running, certificates.node()) as node:
            await node.send(hello("good", ack=True), event(0))
            await node.acknowledged(0)
        for connection in begun:
            connection.close()
    assert frames(running.items) == [("good", 0)]


async def test_stop_takes_what_came_over_tls(certificates: Certificates) -> None:
    """Also what no turn was for yet."""
    running = Running("tcp:127.0.0.1:0", certificates.settings())
    async with running, await connected(running, certificates.node()) as node:
        running.paused = anyio.Event()
        await node.send(hello("n", ack=True), b"".join(event(seq) for seq in range(2_000)))
        await running.until(1)
        await anyio.sleep(0.05)
        running.source.stop()
        running.paused.set()
        await node.acknowledged(1_999)
        await node.ended()
    assert len(frames(running.items)) == 2_000


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("tcp:", "write tcp:HOST:PORT"),
        ("tcp:4100", "write tcp:HOST:PORT"),
        ("tcp::4100", "write tcp:HOST:PORT"),
        ("tcp:::1:4100", "write tcp:HOST:PORT"),
        ("tcp:127.0.0.1:70000", "write tcp:HOST:PORT"),
        ("tcp:127.0.0.1:4100/x\x1b", "write tcp:HOST:PORT"),
        ("tcp:no.such.host.invalid:4100", "cannot listen on tcp:no.such.host.invalid:4100"),
        ("tcp:x..y:4100", "cannot listen on"),
    ],
)
async def test_places_that_are_none(place: str, why: str) -> None:
    """One printable line that says how it is written."""
    with pytest.raises(SourceError) as raised:
        async with open_source(place):
            pass
    assert why in str(raised.value)
    assert str(raised.value).isprintable()


async def test_a_port_that_is_taken() -> None:
    """Is told with its name."""
    running = Running("tcp:127.0.0.1:0")
    async with running:
        with pytest.raises(
            SourceError, match=f"cannot listen on {running.source.name}: address already in use"
        ):
            async with open_source(running.source.name):
                pass


async def test_certificates_that_cannot_be_used(certificates: Certificates, tmp_path: Path) -> None:
    """Missing, no certificate, another's key, an encrypted key: the file and what is wrong with it."""
    tls = certificates.tls
    noise = tmp_path / "noise.pem"
    noise.write_text("noise")
    locked = tmp_path / "locked.key"
    key = serialization.load_pem_private_key(tls.key.read_bytes(), None)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked.write_bytes(key.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"secret")))
    other = Certificates(tmp_path).tls
    for settings, why in (
        (TlsConfig(tmp_path / "none", tls.key, tls.client_ca), f"cannot read {tmp_path}/none: no such file"),
        (
            TlsConfig(noise, tls.key, tls.client_ca),
            r"cert and key of .source.tls. cannot be used .*no PEM file",
        ),
        (TlsConfig(tls.cert, other.key, tls.client_ca), "key values mismatch"),
        (TlsConfig(tls.cert, locked, tls.client_ca), "the key is encrypted"),
        (TlsConfig(tls.cert, tls.key, noise), "client_ca of .source.tls. cannot be used"),
    ):
        with pytest.raises(SourceError, match=why):
            async with open_source("tcp:127.0.0.1:0", SourceConfig(tls=settings)):
                pass


async def test_no_descriptor_is_left(certificates: Certificates) -> None:
    """Listening, handshakes that fail, refusals, and a stop in the middle leave the process as it was."""
    before = len(descriptors())
    for _ in range(3):
        running = Running("tcp:127.0.0.1:0", certificates.settings())
        async with running:
            async with await connected(running, certificates.node()) as node:
                await node.send(b"\x1c")
                assert await node.refused() == "malformed"
            with suppress(OSError):
                async with await connected(running, certificates.bare()) as node:
                    await node.ended()
            (await connected(running, certificates.node())).connection.close()
            with pytest.raises(SourceError):
                async with open_source(running.source.name):
                    pass
    assert len(descriptors()) == before

"""``nats://HOST:PORT/STREAM``: what is one, and what is said of what is none."""

from __future__ import annotations

import pytest

from wasmhost.errors import SourceError
from wasmhost.jetstream.address import is_address, parse_address


@pytest.mark.parametrize(
    ("spec", "url", "stream"),
    [
        ("nats://10.0.0.1:4333", "nats://10.0.0.1:4333", None),
        ("nats://nats.acme.example", "nats://nats.acme.example:4222", None),
        ("nats://localhost:4222/fleet-7", "nats://localhost:4222", "fleet-7"),
        ("tls://[::1]:4222/", "tls://[::1]:4222", None),
    ],
)
def test_an_address(spec: str, url: str, stream: str | None) -> None:
    """The port has NATS's default; the stream may be named."""
    address = parse_address(spec)
    assert (address.url, address.stream) == (url, stream)


@pytest.mark.parametrize(
    "spec",
    ["nats://", "nats://:4222", "nats://host:port", "nats://host/a.b", "nats://host/a/b", "nats://h?x"],
)
def test_what_is_none(spec: str) -> None:
    """One line says what to write."""
    with pytest.raises(SourceError, match=r"NATS server: write nats://|names no stream"):
        parse_address(spec)


def test_no_password_in_an_address() -> None:
    """Others see it in the list of processes; and the message does not show it again."""
    with pytest.raises(SourceError, match="password_file") as raised:
        parse_address("nats://me:secret@host:4222")
    assert "secret" not in str(raised.value)


def test_which_machine() -> None:
    """What is on this one needs no encryption."""
    assert parse_address("nats://127.0.0.1:1").is_loopback
    assert parse_address("nats://localhost:1").is_loopback
    assert not parse_address("nats://10.1.2.3:1").is_loopback


def test_what_is_meant_for_us() -> None:
    """A file may have a name that looks like one."""
    assert is_address("nats://host")
    assert is_address("tls://host")
    assert not is_address("nats:host")
    assert not is_address("./nats://host")

"""The web server: real connections, good, slow, broken and too many, none of which holds another up."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from tests.host.helpers import CONNECTED, CTX, PEER, TRAP, MemorySink, config, guest, quiet, until
from tests.telemetry.helpers import series, value
from wasmhost import ObserverHost, WebRtcConnected
from wasmhost.config.telemetry import Address, TelemetryConfig, parse_address
from wasmhost.errors import ConfigError, UserError
from wasmhost.telemetry.http import CONNECTIONS, HEAD_BYTES, Answer, Request, WebServer
from wasmhost.telemetry.telemetry import Telemetry, open_telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOOPBACK = Address("127.0.0.1", 0)
LISTENING = TelemetryConfig(listen=LOOPBACK, shard_down_s=0)


async def said(address: Address, request: bytes) -> bytes:
    """Send something, and read all that comes back."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return answer


async def get(
    address: Address, path: str, accept: str = "", method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    """Ask as a scraper does: the status, headers and body of the answer."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n"
    answer = await said(address, head.encode())
    first, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = first.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    if method != "HEAD":
        assert int(headers["Content-Length"]) == len(body)
    return int(status.split(" ")[1]), headers, body


async def hello(_request: Request) -> Answer:
    """A page."""
    return Answer.words(HTTPStatus.OK, "hello")


@asynccontextmanager
async def served(patience_s: float = 10.0) -> AsyncIterator[Address]:
    """Serve that page."""
    async with WebServer(LOOPBACK, {"/hello": hello}, patience_s=patience_s) as server:
        yield server.address


async def test_pages_are_found_by_their_paths() -> None:
    """A query is left aside; what there is not is named, and nothing but GET is answered."""
    async with served() as address:
        assert await get(address, "/hello?x=1") == (200, headers(6), b"hello\n")
        assert await get(address, "/hello", method="HEAD") == (200, headers(6), b"")
        assert (await get(address, "/"))[::2] == (404, b"there is /hello\n")
        assert (await get(address, "/hello", method="POST"))[0] == 405


def headers(length: int) -> dict[str, str]:
    """Those of every answer."""
    return {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(length),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
    }


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\r\n\r\n", b"400"),
        (b"GET /hello\r\n\r\n", b"400"),
        (b"GET /hello SMTP/1.1\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400"),
        (b"GET /hello HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES * 3, b"431"),
    ],
)
async def test_nonsense_is_told_so(request_: bytes, status: bytes) -> None:
    """And the next one is served."""
    async with served() as address:
        assert (await said(address, request_)).startswith(b"HTTP/1.1 " + status)
        assert (await get(address, "/hello"))[0] == 200


async def test_who_says_nothing_is_not_waited_for() -> None:
    """Nor who says half, nor who does not take the answer; all of them at once keep nobody out for long."""
    async with served(patience_s=0.2) as address:
        slow = [await asyncio.open_connection(address.host, address.port) for _ in range(CONNECTIONS)]
        for _reader, writer in slow[::2]:
            writer.write(b"GET /hello HT")
        for reader, writer in slow:
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        assert (await get(address, "/hello"))[0] == 200


async def test_one_connection_too_many_is_told_so() -> None:
    """The others are not touched."""
    async with served() as address:
        held = [await asyncio.open_connection(address.host, address.port) for _ in range(CONNECTIONS)]
        reader, writer = await asyncio.open_connection(address.host, address.port)
        assert (await reader.read()).startswith(b"HTTP/1.1 503")
        writer.close()
        for reader, writer in held:
            writer.write(b"GET /hello HTTP/1.1\r\n\r\n")
            assert (await reader.read()).endswith(b"hello\n")
            writer.close()


async def test_the_server_ends_whoever_is_there() -> None:
    """Its connections are closed with it."""
    async with served() as address:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        await asyncio.sleep(0.01)
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()


async def test_an_address_that_is_taken_is_a_mistake() -> None:
    """It is named, with what is wrong."""
    async with served() as address:
        with pytest.raises(UserError, match=rf"cannot listen on {address} for telemetry: .*in use"):
            await WebServer(address, {}).__aenter__()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("127.0.0.1:1234", "127.0.0.1:1234"),
        ("127.0.0.1", "127.0.0.1:9464"),
        ("localhost:80", "127.0.0.1:80"),
        ("[::1]:80", "[::1]:80"),
        ("[::1]", "[::1]:9464"),
        ("0.0.0.0:0", "0.0.0.0:0"),
    ],
)
def test_addresses(words: str, shown: str) -> None:
    """Numbers, that is; a name may mean several."""
    assert str(parse_address(words)) == shown
    assert parse_address(words).loopback == (words[0] != "0")


@pytest.mark.parametrize(
    "words", ["", ":80", "80", "example.org:80", "127.0.0.1:x", "127.0.0.1:65536", "[::1]x", "::1%lo:1"]
)
def test_no_addresses(words: str) -> None:
    """What would be a guess is an error."""
    with pytest.raises(ConfigError, match="is no address to listen on"):
        parse_address(words)


# All of it together, with a host behind it.


def at(telemetry: Telemetry) -> Address:
    """Where it is served."""
    assert telemetry.address is not None
    return parse_address(telemetry.address)


async def readiness(telemetry: Telemetry) -> tuple[int, list[str]]:
    """Ask for it."""
    status, _headers, body = await get(at(telemetry), "/readyz")
    answer = json.loads(body)
    assert answer["ready"] == (status == 200)
    return status, answer["why_not"]


async def test_a_scrape_and_a_probe(tmp_path: Path, isolation: str) -> None:
    """What prometheus_client wrote is what its parser reads."""
    assert isolation
    async with open_telemetry(LISTENING) as telemetry:
        host = ObserverHost(config(tmp_path, {"well": quiet(CONNECTED)}), sink=MemorySink())
        telemetry.watch(host)
        assert await readiness(telemetry) == (
            503,
            ["it starts: observers are loaded, or the source is not open yet"],
        )
        async with host:
            telemetry.ready()
            assert await readiness(telemetry) == (200, [])
            host.emit(WebRtcConnected(PEER, relayed=False), CTX)
            await host.drain()
            status, its_headers, body = await get(at(telemetry), "/metrics")
            assert (status, its_headers["Content-Type"].split(";")[0]) == (200, "text/plain")
            found = series(body.decode())
            assert value(found, "wasmhost_hook_delivered_total", observer="well", hook=CONNECTED) == 1
            assert value(found, "wasmhost_ready") == 1
            assert value(found, "process_resident_memory_bytes") > 0
            newer = await get(at(telemetry), "/metrics", "application/openmetrics-text; version=1.0.0")
            assert newer[1]["Content-Type"].startswith("application/openmetrics-text")
            assert newer[2].endswith(b"# EOF\n")
            assert (await get(at(telemetry), "/healthz"))[0] == 200
            telemetry.stopping()
            assert await readiness(telemetry) == (503, ["it drains: no more events are taken"])


async def test_many_scrapes_at_once(tmp_path: Path) -> None:
    """Each gets a whole page."""
    async with open_telemetry(LISTENING) as telemetry:
        host = ObserverHost(config(tmp_path, {"well": quiet(CONNECTED)}), sink=MemorySink())
        telemetry.watch(host)
        async with host:
            pages = await asyncio.gather(*(get(at(telemetry), "/metrics") for _ in range(CONNECTIONS)))
    assert all(status == 200 and b"wasmhost_build" in body for status, _, body in pages)


async def test_a_host_whose_observers_have_all_failed_is_not_ready(tmp_path: Path) -> None:
    """One that was refused does not count either; the answer says why."""
    modules = {
        "gone": b"",
        "trapper": guest({CONNECTED: TRAP}, extra='(func (export "_initialize") unreachable)'),
    }
    async with open_telemetry(LISTENING) as telemetry:
        host = ObserverHost(config(tmp_path, modules), sink=MemorySink())
        telemetry.watch(host)
        async with host:
            telemetry.ready()
            assert await readiness(telemetry) == (503, ["no observer runs: all were refused or have failed"])


async def test_a_shard_that_is_down_for_long_is_told(tmp_path: Path) -> None:
    """Its processes are all killed as they come."""
    import os
    import signal

    settings = replace(config(tmp_path, {"well": quiet(CONNECTED)}), isolation="process", shards=1)
    async with open_telemetry(LISTENING) as telemetry:
        host = ObserverHost(settings, sink=MemorySink())
        telemetry.watch(host)
        async with host:
            telemetry.ready()
            assert await readiness(telemetry) == (200, [])
            down = asyncio.Event()

            async def kill() -> None:
                while not down.is_set():
                    for pid in host.shard_pids:
                        with suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                    await asyncio.sleep(0.001)

            killing = asyncio.create_task(kill())
            await until(lambda: not telemetry.readiness().ready, 60)
            _status, (why,) = await readiness(telemetry)
            assert why.startswith("shard 1 has been down for ")
            down.set()
            await killing
            await until(lambda: host.shards[0].serving, 60)
            assert await readiness(telemetry) == (200, [])
            assert host.shards[0].deaths > 0

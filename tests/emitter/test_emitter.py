"""The emitter's face: what a node can do with it, wrongly too, and that it loads no more than it needs."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import cbor2
import pytest

from tests.cli.helpers import environment, eventually
from tests.emitter.helpers import CTX, EVENT, PEER, PLENTY_S, LiveHost, numbers, settled, summed
from tests.sources.certificates import Certificates
from wasmhost import (
    BackpressureEvent,
    ConfigError,
    CredentialEvent,
    ErrorCategory,
    ErrorEvent,
    ErrorSource,
    PeerEvent,
    RejectedEvent,
    SignalingConnectStart,
)
from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.sequence import Splitter
from wasmhost.emitter import Emitter, HookForwarder, Tls

if TYPE_CHECKING:
    from pathlib import Path


def quiet(_trouble: str) -> None:
    """Where trouble is what is tested."""


def test_importing_it_loads_nothing_of_the_sandbox() -> None:
    """Nor a database, nor the command line: it goes into nodes that have none of it."""
    program = """
import sys
from wasmhost.emitter import Emitter, Limits, Tls
from wasmhost import WebRtcConnected, RuntimeContext, ActrId, ActrType, Realm
with Emitter("unix:/nowhere/at/all.sock", on_trouble=lambda trouble: None) as emitter:
    emitter.emit(WebRtcConnected(ActrId(Realm(1), 1, ActrType("a", "b", "c")), True))
    emitter.close(0)
print(*sys.modules)
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment(), capture_output=True, check=True, timeout=60)
    loaded = set(done.stdout.decode().split())
    heavy = {
        "wasmtime",
        "sqlite3",
        "_sqlite3",
        "typer",
        "rich",
        "pyseccomp",
        "seccomp",
        "structlog",
        "asyncio",
    }
    assert heavy & loaded == set()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("wasmhost.")}
    assert rooms & {"sandbox", "host", "shards", "wall", "cli", "panics", "sources", "sinks"} == set()


@pytest.mark.parametrize(
    "address",
    [
        *("h.sock", "unix:", "unix:\0", "nats://localhost:4222", "https://localhost:1"),
        *("tcp:", "tcp:localhost", "tcp:localhost:x", "tcp::1", "tcp:localhost:0", "tcp:localhost:65536"),
        *("tcp:192.0.2.1:4100", "tcp:example.org:4100"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_at_once(address: str) -> None:
    """As is one beyond this machine without TLS: the token would go in the clear."""
    with pytest.raises(ConfigError):
        Emitter(address)


def test_other_things_that_cannot_be_meant_are_refused_at_once(tmp_path: Path) -> None:
    """Each names itself."""
    gone = Tls(tmp_path / "ca.pem", tmp_path / "node.pem", tmp_path / "node.key")
    with pytest.raises(ConfigError, match=r"ca\.pem.*No such file"):
        Emitter("tcp:localhost:4100", tls=gone)
    pair = tmp_path / "pair.pem"
    certificates = Certificates(tmp_path)
    certificates.save_node(pair)
    good = Tls(certificates.tls.client_ca, pair, pair)
    for host in ("no..name", "x" * 64 + ".example", "nul\0.example"):
        with pytest.raises(ConfigError, match="no name of a host"):
            Emitter(f"tcp:{host}:4100", tls=good)
        with pytest.raises(ConfigError, match="no name of a host"):
            Emitter("tcp:localhost:4100", tls=replace(good, host=host))
    with pytest.raises(ConfigError, match="TLS is for tcp"):
        Emitter("unix:h.sock", tls=gone)
    with pytest.raises(ConfigError, match="255 bytes"):
        Emitter("unix:h.sock", src="x" * 256)


def test_an_event_that_cannot_be_encoded_is_its_makers_fault(tmp_path: Path) -> None:
    """It is told, and counts nowhere: no number is missing."""
    with Emitter(f"unix:{tmp_path}/h.sock", on_trouble=quiet) as emitter:
        with pytest.raises(RejectedEvent, match="attempt"):
            emitter.emit(SignalingConnectStart(1 << 32))
        with pytest.raises(RejectedEvent, match="no such hook"):
            emitter.emit_hook("on_tea_time", CTX)
        with pytest.raises(TypeError, match="not a hook event"):
            emitter.emit("connected")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert emitter.counts.emitted == 0
        emitter.close(0)


def test_a_trouble_is_told_once(tmp_path: Path) -> None:
    """However often it is tried; and if telling fails, that is no trouble to us."""
    told: list[str] = []

    def tell(trouble: str) -> None:
        told.append(trouble)
        raise RuntimeError("nobody listens")

    with Emitter(f"unix:{tmp_path}/h.sock", on_trouble=tell) as emitter:
        eventually(lambda: bool(told))
        time.sleep(0.3)
        assert told == [f"cannot reach unix:{tmp_path}/h.sock: no such file or directory"]
        emitter.close(0)


def test_a_host_that_refuses_us_is_told_of_and_not_asked_again_soon(tmp_path: Path) -> None:
    """With its own words. With the right token it takes us."""
    told: list[str] = []
    with LiveHost(tmp_path, source='[source]\ntokens = ["open-sesame"]\n') as host:
        host.start()
        with Emitter(host.address, token="open-barley", on_trouble=told.append) as wrong:  # noqa: S106
            wrong.emit(EVENT, CTX)
            eventually(lambda: bool(told))
            wrong.close(0)
        assert len(told) == 1
        assert told[0].startswith(f"{host.address} refuses events: token:")
        assert (wrong.counts.delivered, wrong.counts.dropped) == (0, 1)
        with Emitter(host.address, token="open-sesame") as right:  # noqa: S106
            right.emit(EVENT, CTX)
            settled(right)
        assert right.counts.delivered == 1
        assert summed(host.stop())["events"] == 1


def test_a_src_that_the_host_knows_from_somebody_else_is_no_delivery(tmp_path: Path) -> None:
    """Its events would be taken for repetitions: they are not counted as delivered."""
    told: list[str] = []
    with LiveHost(tmp_path) as host:
        host.start()
        with Emitter(host.address, src="mine") as first:
            first.emit(EVENT, CTX)
            settled(first)
        with Emitter(host.address, src="mine", on_trouble=told.append) as second:
            second.emit(EVENT, CTX)
            eventually(lambda: bool(told))
            second.close(0)
        assert (first.counts.delivered, second.counts.delivered, second.counts.dropped) == (1, 0, 1)
        assert "is another emitter's" in told[0]
        assert summed(host.stop())["events"] == 1


def test_a_listener_that_never_answers_makes_nobody_wait(tmp_path: Path) -> None:
    """Neither emitting nor, past its time, closing; and it is sent no event."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/h.sock")
        listener.listen()
        with Emitter(f"unix:{tmp_path}/h.sock") as emitter:
            connection, _ = listener.accept()
            for _ in range(1000):
                emitter.emit(EVENT, CTX)
            emitter.close(0.1)
        with connection:
            connection.settimeout(5)
            (item,) = Splitter().push(connection.recv(65_536))
        assert cbor2.loads(item.data or b"") == {"ack": True, "src": emitter.src, "hello": 1}
        assert emitter.counts.dropped == 1000


async def test_on_an_event_loop_it_is_the_same_and_closing_holds_nothing_up(tmp_path: Path) -> None:
    """`async with`, and other tasks run while it closes."""
    with LiveHost(tmp_path) as host:
        await asyncio.to_thread(host.start)
        async with Emitter(host.address) as emitter:
            for _ in range(100):
                emitter.emit(EVENT, CTX)
        assert (emitter.counts.delivered, emitter.counts.dropped) == (100, 0)
        assert summed(await asyncio.to_thread(host.stop))["events"] == 100
    late = Emitter(host.address, on_trouble=quiet)
    late.emit(EVENT, CTX)
    ticks = 0
    async with anyio.create_task_group() as tasks:

        async def close() -> None:
            await late.aclose(0.3)
            tasks.cancel_scope.cancel()

        tasks.start_soon(close)
        while True:
            await anyio.sleep(0.01)
            ticks += late.counts.dropped == 0
    assert ticks > 1
    assert late.counts.dropped == 1


async def test_a_cancelled_closing_still_closes(tmp_path: Path) -> None:
    """And no thread is left behind."""
    emitter = Emitter(f"unix:{tmp_path}/h.sock", on_trouble=quiet)
    emitter.emit(EVENT, CTX)
    with anyio.move_on_after(0.01):
        await emitter.aclose(0.2)
    assert emitter.counts.dropped == 1
    eventually(lambda: "wasmhost-emitter" not in {thread.name for thread in threading.enumerate()})


async def test_all_sixteen_hooks_are_forwarded(tmp_path: Path) -> None:
    """By an observer, to one elsewhere."""
    payloads = {
        "peer-event": PeerEvent(PEER, True),
        "credential-event": CredentialEvent(1),
        "backpressure-event": BackpressureEvent(2, 1),
        "error-event": ErrorEvent(ErrorSource("internal", "it"), ErrorCategory.HANDLER_ERROR, "x", 1),
        "signaling-event": None,
        None: None,
    }
    with LiveHost(tmp_path) as host:
        await asyncio.to_thread(host.start)
        async with Emitter(host.address) as emitter:
            forwarder = HookForwarder(emitter)
            for hook in HOOKS:
                payload = payloads[hook.payload]
                await getattr(forwarder, hook.name)(*((CTX,) if payload is None else (CTX, payload)))
        assert emitter.counts.delivered == len(HOOKS)
        assert summed(await asyncio.to_thread(host.stop))["events"] == len(HOOKS)
        assert host.hooks == [hook.name for hook in HOOKS]


def test_over_tcp_with_certificates(tmp_path: Path) -> None:
    """As beyond this machine."""
    certificates = Certificates(tmp_path)
    node = certificates._ca.issue_cert("node-1")
    cert, key = tmp_path / "node.pem", tmp_path / "node.key"
    node.cert_chain_pems[0].write_to_path(str(cert))
    node.private_key_pem.write_to_path(str(key))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = f"tcp:127.0.0.1:{port}"
    source = '[source.tls]\ncert = "host.pem"\nkey = "host.key"\nclient_ca = "nodes.pem"\n'
    with LiveHost(tmp_path, address=address, source=source) as host:
        host.start()
        with Emitter(address, tls=Tls(certificates.tls.client_ca, cert, key)) as emitter:
            for _ in range(2000):
                emitter.emit(EVENT, CTX)
            settled(emitter)
        assert emitter.counts.delivered == 2000
        told: list[str] = []
        with Emitter(address, on_trouble=told.append) as bare:
            eventually(lambda: bool(told))
            bare.close(0)
        assert summed(host.stop())["events"] == 2000
        assert numbers(host.heard, emitter) == list(range(2000))


FORKING = """
import os, sys, warnings
from wasmhost.emitter import Emitter
from wasmhost import SignalingConnected
warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: it is what is tried
emitter = Emitter(sys.argv[1])
for _ in range(100):
    emitter.emit(SignalingConnected())
while emitter.counts.pending > 50:
    pass
child = os.fork()
if not child:
    assert emitter.counts.emitted == 0
for _ in range(100):
    emitter.emit(SignalingConnected())
emitter.close(20)
counts = emitter.counts
assert counts.emitted == counts.delivered == (200 if child else 100), counts
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_forked_child_is_another_emitter(tmp_path: Path) -> None:
    """With a src, counts and a connection of its own; the parent's goes on as if nothing had been."""
    with LiveHost(tmp_path) as host:
        host.start()
        command = [sys.executable, "-c", FORKING, host.address]
        done = subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        assert summed(host.stop())["events"] == 300
        sources = {src for src, _ in host.heard}
        assert len(sources) == 2
        for source in sources:
            own = [seq for src, seq in host.heard if src == source]
            assert own == list(range(len(own)))


FORGETFUL = """
import sys
from wasmhost.emitter import Emitter
from wasmhost import SignalingConnected
emitter = Emitter(sys.argv[1])
for _ in range(100):
    emitter.emit(SignalingConnected())
"""


def test_a_node_that_ends_without_closing_still_sends_what_it_had(tmp_path: Path) -> None:
    """Within a second; and where there is no host, it ends all the same, in silence but for one line."""
    with LiveHost(tmp_path) as host:
        host.start()
        command = [sys.executable, "-c", FORGETFUL, host.address]
        done = subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        assert summed(host.stop())["events"] == 100
    done = subprocess.run(command, env=environment(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert [line[:12] for line in done.stderr.splitlines()] == [b"cannot reach"]


def test_emitters_leave_no_descriptors_and_no_threads_behind(tmp_path: Path) -> None:
    """However they end."""

    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208

    with LiveHost(tmp_path) as host:
        host.start()
        before = held()
        for number in range(10):
            with Emitter(host.address) as emitter:
                emitter.emit(EVENT, CTX)
                emitter.close(PLENTY_S if number % 2 else 0)
        eventually(lambda: held() == before)
        host.stop()

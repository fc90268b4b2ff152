"""The crate wasmhost-emit: its own tests, formatter and lints; and before a real host, in all conditions."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.cli.helpers import eventually
from tests.emitter.helpers import PLENTY_S, LiveHost, summed
from tests.emitter.proxy import Proxy
from tests.guests.helpers import ROOT, require_cargo
from tests.guests.test_toolchains import run_tool
from wasmhost.authoring.caches import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

CRATE = ROOT / "guest-sdk" / "emit" / "rust"
LINTS = ["clippy", "--quiet", "--all-targets", "--all-features"]
BUILD_S = 600


def _target() -> str:
    return os.environ.get("CARGO_TARGET_DIR") or str(cache_folder("emit") / "target")


def _cargo(*arguments: str) -> None:
    run_tool([require_cargo(), *arguments], CRATE, CARGO_TARGET_DIR=_target(), CARGO_PROFILE_DEV_DEBUG="0")


@pytest.mark.timeout(BUILD_S)
@pytest.mark.parametrize(
    "arguments",
    [["fmt", "--check"], [*LINTS, "--", "-D", "warnings"], ["test", "--quiet"]],
    ids=["fmt", "clippy", "test"],
)
def test_the_crate(arguments: list[str]) -> None:
    """It is formatted, free of lints with TLS too, and its tests pass, the wire's vectors among them."""
    _cargo(*arguments)


@pytest.fixture(scope="module")
def program() -> Path:
    """The crate's example that emits so many events, with TLS."""
    _cargo("build", "--quiet", "--features", "tls", "--example", "tell")
    return Path(_target()) / "debug" / "examples" / "tell"


@dataclass(frozen=True)
class Told:
    """What the example said at its end."""

    src: str
    emitted: int
    delivered: int
    dropped: int
    connections: int

    @classmethod
    def read(cls, printed: str) -> Told:
        """Read its first line; the second, where there is one, has the last trouble."""
        src, *words = printed.splitlines()[0].split()
        return cls(src, *map(int, words[1::2]))


@contextmanager
def telling(program: Path, *options: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run the example; it is killed in the end, if it still runs."""
    with subprocess.Popen([program, *map(str, options)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def told(process: subprocess.Popen[str]) -> Told:
    """Wait for its end; nothing was dropped."""
    printed, _ = process.communicate(timeout=2 * PLENTY_S)
    assert process.returncode == 0, printed
    return Told.read(printed)


@pytest.mark.timeout(BUILD_S)
def test_a_host_takes_all_in_order_and_once(program: Path, tmp_path: Path) -> None:
    """What is emitted at once, and as fast as it goes."""
    with LiveHost(tmp_path) as host:
        host.start()
        with telling(program, host.address, "20000") as process:
            result = told(process)
        assert (result.emitted, result.delivered, result.connections) == (20_000, 20_000, 1)
        assert summed(host.stop())["events"] == 20_000
        heard = [seq for _src, seq in host.heard]
        assert heard == sorted(set(heard))  # the file of reports may have been too slow for all


@pytest.mark.timeout(BUILD_S)
def test_connections_that_break_lose_nothing_and_double_nothing(program: Path, tmp_path: Path) -> None:
    """In the middle of an event as well as of an acknowledgement."""
    with LiveHost(tmp_path) as host, Proxy(tmp_path, host.address) as proxy:
        host.start()
        with telling(program, proxy.address, "3000", "--every-us", "300") as process:
            result = told(process)
        assert (result.emitted, result.delivered) == (3000, 3000)
        assert result.connections > 3
        assert summed(host.stop())["events"] == 3000
        assert host.heard == [(result.src, seq) for seq in range(3000)]


@pytest.mark.timeout(BUILD_S)
def test_a_host_that_is_killed_and_started_again_gets_the_rest(program: Path, tmp_path: Path) -> None:
    """What the dead one has acknowledged was delivered to it; the next begins at most there."""
    with LiveHost(tmp_path) as host, telling(program, host.address, "3000", "--every-us", "500") as process:
        host.start()
        eventually(lambda: len(host.heard) > 50)
        host.kill()
        host.start()
        result = told(process)
        assert (result.emitted, result.delivered, result.connections) == (3000, 3000, 2)
        host.stop()
        heard = [seq for _src, seq in host.heard]
        assert 0 < heard[0] < 3000
        assert heard == list(range(heard[0], 3000))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.timeout(BUILD_S)
def test_tls_and_a_token(program: Path, tmp_path: Path) -> None:
    """By TCP, with a certificate of the node's own."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name, certificate in (
        ("host", authority.issue_cert("127.0.0.1")),
        ("node", authority.issue_cert("n")),
    ):
        (tmp_path / f"{name}.pem").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
    source = (
        '[source]\ntokens = ["s3cret"]\n'
        '[source.tls]\ncert = "host.pem"\nkey = "host.key"\nclient_ca = "ca.pem"'
    )
    port = _free_port()
    with LiveHost(tmp_path, address=f"tcp:127.0.0.1:{port}", source=source) as host:
        host.start()
        own = [tmp_path / name for name in ("ca.pem", "node.pem", "node.key")]
        with telling(program, host.address, "500", "--token", "s3cret", "--tls", *own) as process:
            assert told(process).delivered == 500
        assert summed(host.stop())["events"] == 500

"""Real Actor-RTC nodes: their hooks reach observers in Rust and Zig live, and one that dies is told of."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import GUESTS, Result, eventually, recorder, started
from tests.guests.built import built
from tests.nodes.actr import PATIENCE_S, build, cargo, nodes
from tests.nodes.running import Host

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
[[observer]]
module = "relay-watch.wasm"
grant = ["config", "report", "self"]
config = { threshold = "0", min-connections = "1" }  # a realm is told of at its first connection

[[observer]]
module = "flap-detector.wasm"
grant = ["config", "metrics", "report", "peer", "self"]
"""
STARTED = {
    "on_signaling_connecting",
    "on_signaling_connected",
    "on_credential_renewed",
    "on_start",
    "on_ready",
}
LINKED = {f"on_{link}_{state}" for link in ("webrtc", "websocket") for state in ("connecting", "connected")}
BUILD_S = 1_800
"""The first time, four hundred crates are compiled: four minutes where nobody else is at work."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the example."""
    return build(tmp_path_factory.mktemp("actr"))


@pytest.fixture
def observers(tmp_path: Path) -> Path:
    """A folder with relay-watch, built from Rust, flap-detector, from Zig, and one that records."""
    (tmp_path / "relay-watch.wasm").write_bytes(built("relay-watch", "rust"))
    shutil.copy(GUESTS / "flap-detector.wasm", tmp_path)
    recorder(tmp_path / "recorder.wasm")
    (tmp_path / "wasmhost.toml").write_text(CONFIGURATION)
    return tmp_path


def options() -> list[str]:
    """How the host is started in the folder of the observers."""
    observing = ["--config", "wasmhost.toml", "--observer", "recorder.wasm", "--reports", "reports.ndjson"]
    return ["run", *observing, "--from", "unix:h.sock", "--db", "h.db", "--json"]


def stopped(host: Host) -> Result:
    """Stop the host: nobody was refused, nothing was dropped, nobody panicked."""
    result = host.stop()
    assert result.code == 0, result.err
    for line in result.json["observers"]:
        assert (line["state"], line["panics"], line["dropped"]) == ("running", 0, 0)
    return result


@pytest.mark.timeout(BUILD_S)
def test_the_example_is_in_order(program: Path) -> None:
    """It is formatted, and its own tests pass."""
    assert program.exists()
    cargo("fmt", "--check")
    cargo("test", "--quiet")


@pytest.mark.timeout(BUILD_S)
def test_a_node_that_is_killed_again_and_again_flaps(program: Path, observers: Path) -> None:
    """Killed and back three times, it is reported, once, by the rule; the realm's first connection, too."""
    with started(*options(), cwd=observers) as process:
        host = Host(observers, process)
        with nodes(program, observers, host.place) as place:
            server = place.serve()
            for _ in range(3):
                caller = place.call()
                caller.wait_for("call 2 was answered")
                assert host.reports("flap-detector") == []
                caller.kill()
            caller = place.call()
            caller.wait_for("call 2 was answered")
            eventually(lambda: host.reports("flap-detector") != [], PATIENCE_S)
            assert "0 dropped" in caller.stop()
            assert "0 dropped" in server.stop()
        summary = stopped(host)
    _check_reports(host)
    assert (STARTED | LINKED | {"on_webrtc_disconnected", "on_stop"}) <= set(host.hooks())
    assert summary.json["rejected"] == 0


def _check_reports(host: Host) -> None:
    (flapping,) = host.reports("flap-detector")
    assert flapping["topic"] == "flapping-peer"
    body = flapping["body"]
    assert (body["node"]["name"], body["peer"]["name"]) == ("echo", "caller")
    assert body["webrtc"] + body["websocket"] == 3
    assert body["span-ms"] <= body["window-s"] * 1000
    (share,) = host.reports("relay-watch")
    assert share["topic"] == "relay-share"
    told = {"realm": 7, "total": 1, "crossed": "above", "relayed": 0, "share-permille": 0}
    assert share["body"] == told


@pytest.mark.timeout(BUILD_S)
def test_what_happened_before_the_host_came_reaches_it(program: Path, observers: Path) -> None:
    """Nodes start, link and are under pressure without a host; then one comes, and has it all, in order."""
    place_of_host = f"unix:{observers}/h.sock"
    with nodes(program, observers, place_of_host) as place:
        server = place.serve("--handle-ms", "50", "--threshold", "4")
        caller = place.call("--at-once", "16", "--times", "0")
        caller.wait_for("call 2 was answered")
        with started(*options(), cwd=observers) as process:
            host = Host(observers, process)
            eventually(lambda: "on_mailbox_backpressure" in host.hooks(), PATIENCE_S)
            lines = [caller.stop(), server.stop()]
            stopped(host)
    for line in lines:
        _name, counts = line.split(": ")
        emitted, delivered, dropped = (int(part.split()[0]) for part in counts.split(", "))
        assert (delivered, dropped) == (emitted, 0)
    for src in {report["src"] for report in host.reports("recorder")}:
        seqs = [report["seq"] for report in host.reports("recorder") if report["src"] == src]
        assert seqs == sorted(seqs)
    assert set(host.hooks()) >= (STARTED | LINKED)


def test_a_mistake_on_its_command_line_is_told(program: Path) -> None:
    """In one line, with how it is used."""
    done = subprocess.run([program, "serve", "--to", "nowhere"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("actr-node: say the port of actrix: --actrix\n\nusage: actr-node actrix")

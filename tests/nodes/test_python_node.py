"""examples/python-node against a real host: what its observers hear and report of real connections."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.helpers import Result, accounted, eventually
from tests.nodes.running import PYTHON_NODE, Host, Process, hosting, node, running, signaling
from wasmhost.contract.hooks import HOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALICE = {"name": "alice", "realm": 7, "serial-number": 1}
BOB = {"name": "bob", "realm": 7, "serial-number": 2}


@dataclass(frozen=True)
class Played:
    """A demo that was played to its end in front of a host."""

    counts: dict[str, Any]
    printed: str
    result: Result
    host: Host


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Play the demo once, for all tests that look at it."""
    folder = tmp_path_factory.mktemp("demo")
    with hosting(folder) as host:
        with running("demo", "demo", "--to", host.place, "--json", folder=folder) as demo:
            assert demo.popen.wait(60) == 0, demo.printed
        return Played(json.loads(demo.printed.splitlines()[-1]), demo.printed, host.stop(), host)


def test_every_event_of_the_demo_is_delivered(played: Played) -> None:
    """Emitted, delivered and what the host counted are the same number; all observers account for it."""
    assert played.result.code == 0
    summary = played.result.json
    assert accounted(summary)
    assert summary["rejected"] == 0
    assert all(count["dropped"] == count["pending"] == 0 for count in played.counts.values())
    emitted = sum(count["emitted"] for count in played.counts.values())
    assert emitted == sum(count["delivered"] for count in played.counts.values()) == summary["events"]
    assert all(line["dropped"] == line["panics"] == 0 for line in summary["observers"])


def test_the_demo_calls_all_sixteen_hooks(played: Played) -> None:
    """Each of them, by something that really happened."""
    assert set(played.host.hooks()) == {hook.name for hook in HOOKS}
    assert played.result.observer("event-counter")["delivered"] == played.result.json["events"]


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_node_tells_its_life_in_order(played: Played, name: str) -> None:
    """It is a source of its own; it starts once it is somebody, and tells of its stop, then of the ends."""
    src = played.counts[name]["src"]
    reports = [line for line in played.host.reports("recorder") if line["src"] == src]
    assert [line["seq"] for line in reports] == list(range(played.counts[name]["emitted"]))
    hooks = [line["topic"] for line in reports]
    assert hooks[:5] == [
        "on_signaling_connecting",
        "on_signaling_connected",
        "on_credential_renewed",
        "on_start",
        "on_ready",
    ]
    assert set(hooks[hooks.index("on_stop") + 1 :]) <= {
        "on_webrtc_disconnected",
        "on_websocket_disconnected",
        "on_signaling_disconnected",
    }
    for kind in ("websocket", "webrtc"):
        steps = [hook for hook in hooks if hook.startswith(f"on_{kind}_")]
        cycle = [f"on_{kind}_{step}" for step in ("connecting", "connected", "disconnected")]
        assert steps == cycle * (len(steps) // 3), kind
    expiring = hooks.index("on_credential_expiring")
    assert "on_credential_renewed" in hooks[expiring:]


def test_a_stream_that_the_demo_cuts_off_is_told_behind_its_connection(played: Played) -> None:
    """The sender's on_error comes right behind on_webrtc_disconnected."""
    hooks = played.host.hooks(played.counts["alice"]["src"])
    assert hooks[hooks.index("on_error") - 1] == "on_webrtc_disconnected"
    assert "bytes sent are acknowledged" in played.printed


def test_relay_watch_hears_that_nothing_was_relayed(played: Played) -> None:
    """Its rule, with a threshold of 0: a share of 0 of two connections is at it, and reported once."""
    (report,) = played.host.reports("relay-watch")
    assert report["body"] == {
        "realm": 7,
        "total": 2,
        "crossed": "above",
        "relayed": 0,
        "share-permille": 0,
    }


def test_flap_detector_reports_the_links_that_broke(played: Played) -> None:
    """Its rule, with two disconnects: the broken WebSocket and the ended WebRTC link, from both sides."""
    flaps = [line["body"] for line in played.host.reports("flap-detector", "flapping-peer")]
    for one, other in ((ALICE, BOB), (BOB, ALICE)):
        first = next(flap for flap in flaps if flap["node"] == one)
        assert (first["peer"], first["websocket"], first["webrtc"]) == (other, 1, 1)


def test_credential_pager_opens_and_closes_a_page(played: Played) -> None:
    """For both nodes a credential comes to its end, and the next one is there in time."""
    for who in (ALICE, BOB):
        topics = [
            line["topic"] for line in played.host.reports("credential-pager") if line["body"]["node"] == who
        ]
        assert topics[:2] == ["credential-expiring", "credential-renewed"]


def test_the_readme_shows_what_the_demo_prints(played: Played) -> None:
    """Line for line, but for numbers, and for the order in which two nodes tell of the same moment."""
    shown = (PYTHON_NODE / "README.md").read_text().split("```text\n")[1].split("```")[0]
    counts = "{name}: {emitted} emitted = {delivered} delivered + {dropped} dropped"
    ends = [counts.format(name=name, **count) for name, count in played.counts.items()]
    assert _shapes(shown.splitlines()) == _shapes([*played.printed.splitlines()[:-1], *ends])


def _shapes(lines: list[str]) -> Counter[str]:
    return Counter(re.sub(r"\d+", "0", line) for line in lines if line)


@dataclass
class Nodes:
    """Two nodes, a signaling server and a host, as processes; bob can be started again."""

    host: Host
    url: str
    alice: Process
    bob: Process
    stack: ExitStack

    def bob_again(self) -> None:
        """Start bob anew, as who he was."""
        self.bob = node("bob", self.url, self.host.place, folder=self.host.folder)
        self.stack.callback(self.bob.end)


@contextmanager
def talking(folder: Path) -> Iterator[Nodes]:
    """Start all, and wait until alice and bob are linked; alice asks bob ten times a second."""
    with ExitStack() as stack:
        host = stack.enter_context(hosting(folder, "thread"))  # which start sooner
        url = stack.enter_context(signaling(folder))
        alice = node("alice", url, host.place, folder=folder, more=("--say", "well?", "--every", "0.1"))
        stack.callback(alice.end)
        alice.wait_for("ready")  # so that she is #1
        nodes = Nodes(host, url, alice, node("bob", url, host.place, folder=folder), stack)
        stack.callback(nodes.bob.end)
        alice.wait_for("webrtc connected bob#2, direct")
        alice.wait_for("websocket connected bob#2")
        yield nodes


def test_a_node_that_is_killed_is_seen_by_its_peer(tmp_path: Path) -> None:
    """SIGKILL: the peer's hooks tell of both links, flap-detector reports by its rule; bob may come back."""
    with talking(tmp_path) as nodes:
        host, alice = nodes.host, nodes.alice
        nodes.bob.popen.send_signal(signal.SIGKILL)
        eventually(lambda: bool(host.reports("flap-detector", "flapping-peer")))
        (flap,) = host.reports("flap-detector", "flapping-peer")
        body = flap["body"]
        assert (body["node"], body["peer"], body["websocket"], body["webrtc"]) == (ALICE, BOB, 1, 1)
        # First it was only silent: that is no disconnect yet, by flap-detector's rule.
        assert "webrtc disconnected bob#2, recovering" in alice.printed
        alice.wait_for("webrtc disconnected bob#2, idle")
        nodes.bob_again()
        alice.wait_for("webrtc connected bob#2, direct", times=2)
        bob, us = nodes.bob.stop()["bob"], alice.stop()["alice"]
        result = host.stop()
    assert bob["dropped"] == us["dropped"] == 0
    hooks = host.hooks(us["src"])
    assert hooks.count("on_webrtc_disconnected") == 3  # silent, gone; and as bob stopped
    assert len({line["src"] for line in host.reports("recorder")}) == 3  # the killed bob was another source
    assert accounted(result.json)


def test_a_node_that_is_stopped_for_a_while_recovers(tmp_path: Path) -> None:
    """SIGSTOP and SIGCONT: recovering, connected again, no flap and no new connection."""
    with talking(tmp_path) as nodes:
        nodes.bob.popen.send_signal(signal.SIGSTOP)
        nodes.alice.wait_for("webrtc disconnected bob#2, recovering")
        nodes.bob.popen.send_signal(signal.SIGCONT)
        nodes.alice.wait_for("webrtc connected bob#2, direct", times=2)
        src = nodes.alice.stop()["alice"]["src"]
        nodes.bob.stop()
        result = nodes.host.stop()
    hooks = nodes.host.hooks(src)
    assert hooks.count("on_webrtc_connecting") == 1
    assert hooks.count("on_webrtc_connected") == 2
    # What flap-detector counts is one end of each link as alice stopped, for either side.
    assert result.observer("flap-detector")["metrics"]["disconnects"] == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_host_may_be_started_again(tmp_path: Path, number: signal.Signals) -> None:
    """The nodes go on without it, and their buffers are enough: emitted = delivered, none dropped.

    A host that ended in good order had given observers all that it took. What one that is killed had taken
    and not yet given them is lost with it.
    """
    with ExitStack() as stack:
        nodes = stack.enter_context(talking(tmp_path))
        nodes.host.process.send_signal(number)
        nodes.host.process.wait(30)
        nodes.bob.popen.send_signal(signal.SIGKILL)
        nodes.alice.wait_for("webrtc disconnected bob#2, idle")  # emitted while nobody listens
        again = stack.enter_context(hosting(tmp_path, "thread"))
        nodes.bob_again()
        nodes.alice.wait_for("webrtc connected bob#2, direct", times=2)
        alice, bob = nodes.alice.stop()["alice"], nodes.bob.stop()["bob"]
        assert again.stop().code == 0
    for count in (alice, bob):
        assert count["emitted"] == count["delivered"]
        assert count["dropped"] == count["pending"] == 0
    assert alice["reconnects"] >= 1
    heard = {line["seq"] for line in again.reports("recorder") if line["src"] == alice["src"]}
    if number == signal.SIGTERM:
        assert heard == set(range(alice["emitted"]))


def test_a_node_without_a_host_counts_what_nobody_took(tmp_path: Path) -> None:
    """It runs as well as any; at its end all its events are dropped ones."""
    with signaling(tmp_path) as url:
        alone = node("alone", url, "unix:none.sock", folder=tmp_path)
        try:
            alone.wait_for("emitter: cannot reach unix:none.sock")
            alone.wait_for("ready")
            count = alone.stop()["alone"]
        finally:
            alone.end()
    assert count["emitted"] == count["dropped"] >= 7
    assert count["delivered"] == count["pending"] == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("node", "--name", "Bob", "--signaling", "ws://127.0.0.1:1"), "no name for a node"),
        (("demo", "--to", "nowhere"), "nowhere"),
        (("signaling", "--host", "192.0.2.1"), "cannot listen on 192.0.2.1:8765"),
    ],
)
def test_mistakes_are_told_in_a_line(tmp_path: Path, options: tuple[str, ...], complaint: str) -> None:
    """A user's mistake is one line that says what it is, and exit code 1."""
    with running("mistaken", *options, folder=tmp_path) as command:
        assert command.popen.wait(30) == 1
    (line,) = command.printed.splitlines()
    assert line.startswith("error: ")
    assert complaint in line


def test_what_is_not_installed_is_told_in_a_line() -> None:
    """A Python that has none of it says what is missing and where to read on, without a traceback."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", PYTHON_NODE, "demo"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "is not installed here" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_taken_ends_the_node(tmp_path: Path) -> None:
    """Somebody else of that name is there: one line, and exit code 1."""
    with signaling(tmp_path) as url, ExitStack() as stack:
        options = ("node", "--name", "bob", "--signaling", url)
        first = stack.enter_context(running("first", *options, folder=tmp_path))
        first.wait_for("ready")
        second = stack.enter_context(running("second", *options, folder=tmp_path))
        assert second.popen.wait(30) == 1
        assert "error: the signaling server refuses bob" in second.printed


def test_a_signaling_server_that_is_not_there_yet_is_tried_again(tmp_path: Path) -> None:
    """Attempt follows attempt, without a context and so without errors; then the node is in."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ExitStack() as stack:
        options = ("node", "--name", "bob", "--signaling", f"ws://127.0.0.1:{port}")
        waiting = stack.enter_context(running("bob", *options, folder=tmp_path))
        waiting.wait_for("signaling connecting, attempt 3")
        stack.enter_context(running("server", "signaling", "--port", str(port), folder=tmp_path))
        waiting.wait_for("ready")

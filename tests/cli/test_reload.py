"""A live run that goes over to a changed configuration: at SIGHUP, or when it sees a file change."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.cli.helpers import (
    accounted,
    ended,
    event,
    eventually,
    recorder,
    small_guest,
    started,
    wasmhost,
    wat,
)
from tests.cli.test_signals import await_log
from tests.cli.test_unix import connected
from tests.host.helpers import CONNECTED, guest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

FIRST = """
[[observer]]
module = "one.wasm"
"""
SECOND = (
    FIRST
    + """
[[observer]]
name = "two"
module = "one.wasm"
"""
)
SLOW_START = guest({CONNECTED: ""}, extra='(func (export "_initialize") (call $spin))')
RELOADED = b"configuration reloaded"


def configured(folder: Path) -> tuple[str | Path, ...]:
    """Write a configuration of one observer, and give the options of a live run of it."""
    recorder(folder / "one.wasm")
    (folder / "w.toml").write_text(FIRST)
    return ("run", "--config", folder / "w.toml", "--from", f"unix:{folder / 'h.sock'}", "--json")


def give(folder: Path, run: subprocess.Popen[bytes], numbers: Sequence[int]) -> None:
    """Send events as one node, and wait until the host has seen all of them: it says what is malformed."""
    with connected(folder / "h.sock") as node:
        node.sendall(cbor2.dumps({"src": "n", "hello": 1}, canonical=True))
        node.sendall(b"".join(event(seq) for seq in numbers) + b"\x1c")
        await_log(run, b"source ended early")


def test_a_hang_up_reloads_the_configuration(tmp_path: Path) -> None:
    """An observer more is there from then on, one less after the next; the connections stay."""
    with started(*configured(tmp_path), cwd=tmp_path) as run:
        give(tmp_path, run, range(5))
        (tmp_path / "w.toml").write_text(SECOND)
        run.send_signal(signal.SIGHUP)
        assert b"added=two" in await_log(run, RELOADED)
        give(tmp_path, run, range(5, 10))
        (tmp_path / "w.toml").write_text(FIRST)
        run.send_signal(signal.SIGHUP)
        assert b"removed=two" in await_log(run, RELOADED)
        give(tmp_path, run, range(10, 15))
        run.send_signal(signal.SIGTERM)
        result = ended(run)
    assert result.code == 0
    assert accounted(result.json)
    assert result.observer("one")["delivered"] == 15
    assert result.observer("two")["delivered"] == 5
    assert result.observer("two")["state"] == "removed"


def test_a_hang_up_while_a_run_starts_reloads_once_it_has(tmp_path: Path) -> None:
    """It ends no run: whoever changes a file does not know how far a start is."""
    options = configured(tmp_path)
    (tmp_path / "slow.wasm").write_bytes(SLOW_START)
    slow = '[[observer]]\nmodule = "slow.wasm"\ninit_fuel = 1000000000000\ninit_deadline_ms = 3000\n'
    (tmp_path / "w.toml").write_text(FIRST + slow)
    with started(*options, cwd=tmp_path) as run:
        eventually((tmp_path / "h.sock").exists)
        (tmp_path / "w.toml").write_text(SECOND)
        run.send_signal(signal.SIGHUP)
        assert b"added=two" in await_log(run, RELOADED)
        give(tmp_path, run, range(5))
        run.send_signal(signal.SIGTERM)
        result = ended(run)
    assert result.code == 0
    assert result.observer("two")["delivered"] == 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[observer]]\nmodule = 3\n", b"w.toml:2"),
        ("[[observer]]\nmodul = 'x'\n", b"w.toml:2"),
        ("[host]\ndb = 'x.db'\n", b"no observer"),
        ("[[obs", b"w.toml:1"),
    ],
)
def test_a_configuration_that_is_wrong_changes_nothing(tmp_path: Path, text: str, reason: bytes) -> None:
    """What is wrong is told by its line, and the run goes on as it was."""
    with started(*configured(tmp_path), cwd=tmp_path) as run:
        give(tmp_path, run, range(5))
        (tmp_path / "w.toml").write_text(text)
        run.send_signal(signal.SIGHUP)
        said = await_log(run, b"configuration not reloaded")
        assert reason in said
        give(tmp_path, run, range(5, 10))
        run.send_signal(signal.SIGTERM)
        result = ended(run)
    assert result.code == 0
    assert result.observer("one")["delivered"] == 10


def test_a_watched_module_is_replaced_when_its_file_is(tmp_path: Path) -> None:
    """As the configuration is; a module that is no good leaves the one before in its place."""
    with started(*configured(tmp_path), "--watch", cwd=tmp_path) as run:
        give(tmp_path, run, range(5))
        (tmp_path / "one.wasm").write_bytes(b"half a module")
        said = await_log(run, RELOADED)
        assert b"the one before goes on" in said
        give(tmp_path, run, range(5, 10))
        wat(tmp_path / "one.wasm", small_guest("unreachable"))
        assert b"replaced=one" in await_log(run, RELOADED)
        give(tmp_path, run, range(10, 12))
        run.send_signal(signal.SIGTERM)
        result = ended(run)
    assert result.code == 0
    assert (result.observer("one")["delivered"], result.observer("one")["panics"]) == (10, 2)


def test_a_hang_up_without_a_configuration_ends_a_run_in_good_order(tmp_path: Path) -> None:
    """A terminal that is closed takes the run with it, and no event."""
    recorder(tmp_path / "one.wasm")
    path = tmp_path / "h.sock"
    with started(
        "run", "--observer", tmp_path / "one.wasm", "--from", f"unix:{path}", "--json", cwd=tmp_path
    ) as run:
        give(tmp_path, run, range(5))
        run.send_signal(signal.SIGHUP)
        result = ended(run)
    assert result.code == 0
    assert result.observer("one")["delivered"] == 5


def test_nothing_to_watch_without_a_configuration(tmp_path: Path) -> None:
    """Said at once."""
    recorder(tmp_path / "one.wasm")
    result = wasmhost("run", "--observer", "one.wasm", "--from", "-", "--watch", cwd=tmp_path)
    assert result.code == 2
    assert result.complaints == ["--watch is for a file given with --config"]


def test_a_setting_that_cannot_change_is_said(tmp_path: Path) -> None:
    """It takes effect at the next start."""
    with started(*configured(tmp_path), cwd=tmp_path) as run:
        give(tmp_path, run, range(5))
        (tmp_path / "w.toml").write_text("[host]\nshards = 3\n" + FIRST)
        run.send_signal(signal.SIGHUP)
        said = await_log(run, RELOADED)
        assert b"takes effect at the next start" in said
        assert b"key=shards" in said
        run.send_signal(signal.SIGTERM)
        assert ended(run).code == 0

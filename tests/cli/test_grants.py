"""``wasmhost grants``: asked, granted, used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.helpers import GUESTS, REAL, wasmhost
from tests.grants.test_given import asking
from tests.host.helpers import CONNECTED, guest

if TYPE_CHECKING:
    from pathlib import Path

FLAP = ("--observer", GUESTS / "flap-detector.wasm", "--grant", "peer", "--grant", "stream")


def test_it_shows_what_was_used_and_what_was_not(tmp_path: Path) -> None:
    """Before any run nothing; afterwards what the run did, of that very module."""
    before = wasmhost("grants", *FLAP, "--json", cwd=tmp_path)
    assert before.code == 0
    (shown,) = before.json["observers"]
    assert [row["name"] for row in shown["hooks"]] == ["on_websocket_disconnected", "on_webrtc_disconnected"]
    assert not any(row["used"] for kind in ("hooks", "capabilities", "fields") for row in shown[kind])
    assert wasmhost("run", *FLAP, "--from", REAL, cwd=tmp_path).code == 0
    (shown,) = wasmhost("grants", *FLAP, "--json", cwd=tmp_path).json["observers"]
    assert {row["name"]: row["used"] for row in shown["fields"]} == {
        "credential": 0,
        "peer": 10,
        "self": 0,
        "stream": 0,
    }
    assert {row["name"] for row in shown["capabilities"] if row["used"]} == {"config", "metrics", "report"}
    table = wasmhost("grants", *FLAP, cwd=tmp_path).out
    assert "granted and never used: stream" in table


def test_it_says_which_observer_would_be_refused(tmp_path: Path) -> None:
    """And what to grant it; the others are shown."""
    module = asking(guest({CONNECTED: ""}), fields=("peer",), capabilities=("state",), optional=("state",))
    (tmp_path / "a.wasm").write_bytes(module)
    result = wasmhost("grants", "--observer", "a.wasm", *FLAP[:2], "--json", cwd=tmp_path)
    assert result.code == 1
    (complaint,) = result.complaints
    assert complaint.startswith('observer a refused: it asks for "peer", which is not granted')
    first, second = result.json["observers"]
    assert first["refused"] == complaint.removeprefix("observer a refused: ")
    assert second["refused"] is None
    (state,) = [row for row in first["capabilities"] if row["name"] == "state"]
    assert state == {
        "name": "state",
        "asked": True,
        "optional": True,
        "granted": False,
        "given": False,
        "used": 0,
    }


def test_a_module_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """One line, and exit code 1."""
    result = wasmhost("grants", "--observer", "missing.wasm", cwd=tmp_path)
    assert result.code == 1
    assert len(result.complaints) == 1


def test_without_an_observer_there_is_nothing_to_show(tmp_path: Path) -> None:
    """Exit code 2."""
    assert wasmhost("grants", cwd=tmp_path).code == 2

"""A hundred thousand equal traps: rows in the tens, and no event of anybody lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.cli.helpers import GUESTS, REAL, accounted, trace, wasmhost

if TYPE_CHECKING:
    from pathlib import Path

TRAPS = 100_000


def flood(count: int) -> bytes:
    """The trace's first WebRTC connection, again and again, numbered without a gap."""
    event = next(event for event in trace(REAL) if event["hook"] == "on_webrtc_connected")
    assert event["seq"] < 24  # so that its number takes one byte, which is found and replaced
    data = cbor2.dumps(event, canonical=True)
    before, after = data.split(b"\x63seq" + bytes([event["seq"]]))
    return b"".join(before + b"\x63seq" + cbor2.dumps(seq) + after for seq in range(count))


@pytest.mark.timeout(180)
def test_a_hundred_thousand_equal_traps(tmp_path: Path) -> None:
    """Quarantine off: each event traps, one row says so, and the neighbour hears every one."""
    (tmp_path / "c.toml").write_text(
        "[defaults]\nquarantine = false\nbackoff_ms = [0, 0]\n"
        + "".join(f"[[observer]]\nmodule = '{GUESTS / name}.wasm'\n" for name in ("trapper", "relay-watch"))
    )
    (tmp_path / "flood.cborseq").write_bytes(flood(TRAPS))
    result = wasmhost(
        *("run", "--config", "c.toml", "--from", "flood.cborseq", "--db", "f.db"),
        *("--json", "--log-level", "error"),
        cwd=tmp_path,
        timeout=150,
    )
    assert result.code == 0
    assert accounted(result.json)
    assert result.json["events"] == TRAPS
    assert result.observer("trapper")["panics"] == TRAPS
    assert result.observer("relay-watch")["delivered"] == TRAPS
    (row,) = wasmhost("panics", "f.db", "--json", cwd=tmp_path).json
    assert row["count"] == TRAPS
    with closing(sqlite3.connect(tmp_path / "f.db")) as database:
        rows = [
            database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in ("panic", "panic_signature")
        ]  # noqa: S608
    assert rows[1] == 1
    assert rows[0] < 100
    assert (tmp_path / "f.db").stat().st_size < 1024 * 1024

"""A hundred thousand equal traps: rows in the tens, and no event of anybody lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.cli.helpers import accounted, event, small_guest, wasmhost, wat

if TYPE_CHECKING:
    from pathlib import Path

TRAPS = 100_000
SEQ = cbor2.dumps("seq")


def flood(count: int) -> bytes:
    """The same event again and again, numbered without a gap."""
    before, after = event(0).split(SEQ + b"\0")
    return b"".join(before + SEQ + cbor2.dumps(seq) + after for seq in range(count))


@pytest.mark.timeout(180)
def test_a_hundred_thousand_equal_traps(tmp_path: Path) -> None:
    """Quarantine off: each event traps, one row says so, and the neighbour hears every one."""
    wat(tmp_path / "trapper.wasm", small_guest("unreachable"))
    wat(tmp_path / "neighbour.wasm", small_guest())
    (tmp_path / "c.toml").write_text(
        "[defaults]\nquarantine = false\nbackoff_ms = [0, 0]\n"
        '[[observer]]\nmodule = "trapper.wasm"\n[[observer]]\nmodule = "neighbour.wasm"\n'
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
    assert result.observer("neighbour")["delivered"] == TRAPS
    (row,) = wasmhost("panics", "f.db", "--json", cwd=tmp_path).json
    assert row["count"] == TRAPS
    with closing(sqlite3.connect(tmp_path / "f.db")) as database:
        (records,) = database.execute("SELECT count(*) FROM panic").fetchone()
        (signatures,) = database.execute("SELECT count(*) FROM panic_signature").fetchone()
    assert signatures == 1
    assert records < 100
    assert (tmp_path / "f.db").stat().st_size < 1024 * 1024

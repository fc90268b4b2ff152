"""Input that is not as it should be: counted, named, and as much as possible delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.cli.helpers import REAL, event, recorder, wasmhost

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.helpers import Result

GOOD = [event(seq) for seq in range(4)]


def run(tmp_path: Path, data: bytes) -> Result:
    """Run a recorder over a file."""
    (tmp_path / "in.cborseq").write_bytes(data)
    module = recorder(tmp_path / "recorder.wasm")
    return wasmhost("run", "--observer", module, "--from", "in.cborseq", "--json", cwd=tmp_path)


def delivered(result: Result) -> list[int]:
    """The sequence numbers the recorder was told."""
    return [line["body"] for line in result.reports]


BROKEN = {
    "no map": cbor2.dumps([1, 2]),
    "no seq": cbor2.dumps({"hook": "on_start", "at": 1, "event": {}}),
    "seq a float": event(1.5),
    "seq negative": event(-1),
    "a tag": cbor2.dumps(cbor2.CBORTag(0, "2026-01-01T00:00:00Z")),
    "a payload of another hook": event(9, "on_webrtc_connected"),
    "oversized": event(9, event={"new-expiry": 1, "pad": "x" * 70_000}),
    "too deep": event(9, event={"a": {"b": {"c": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_event_that_breaks_the_contract_is_skipped(tmp_path: Path, name: str) -> None:
    """It is counted and logged with its byte offset; the rest is delivered; the exit code stays 0."""
    data = b"".join([*GOOD[:2], BROKEN[name], *GOOD[2:]])
    result = run(tmp_path, data)
    assert result.code == 0
    assert (result.json["events"], result.json["rejected"]) == (4, 1)
    assert delivered(result) == [0, 1, 2, 3]
    (line,) = [line for line in result.err.splitlines() if 'event="event rejected"' in line]
    assert "source=in.cborseq" in line
    assert f"offset={len(GOOD[0]) + len(GOOD[1])} " in line
    assert "reason=" in line


def test_an_unknown_hook_is_an_event_that_nobody_hears(tmp_path: Path) -> None:
    """It is accepted, counted, and skipped for everybody."""
    result = run(tmp_path, GOOD[0] + event(1, "on_quota_exceeded") + event(2))
    assert (result.json["events"], result.json["rejected"]) == (3, 0)
    assert result.observer("recorder")["skipped"] == 1
    assert delivered(result) == [0, 2]
    assert result.code == 0


def test_unknown_keys_pass(tmp_path: Path) -> None:
    """A newer node may say more than we know."""
    result = run(tmp_path, event(0, mood="good"))
    assert (result.json["events"], result.json["rejected"]) == (1, 0)


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (GOOD[2][:-3], "is truncated: the stream ends at byte"),
        (b"\x1c", "is malformed"),
        (b"\xff", "is malformed"),
        (b"this is no CBOR", None),
    ],
    ids=["truncated", "reserved", "break", "text"],
)
def test_a_malformed_end_names_its_byte(tmp_path: Path, tail: bytes, words: str | None) -> None:
    """What came before it is delivered; the line says where; the exit code is 1."""
    data = GOOD[0] + GOOD[1] + tail
    result = run(tmp_path, data)
    assert result.code == 1
    assert delivered(result) == [0, 1]
    (complaint,) = result.complaints
    assert complaint.startswith("in.cborseq: the item at byte ")
    if words is not None:
        assert complaint.startswith(f"in.cborseq: the item at byte {len(GOOD[0]) * 2} {words}")


def test_nothing_comes_after_a_malformed_item(tmp_path: Path) -> None:
    """A sequence has no point to resume at: what follows is not read."""
    result = run(tmp_path, GOOD[0] + b"\x1c" + GOOD[1])
    assert delivered(result) == [0]
    assert result.json["events"] == 1


def test_an_empty_file_is_a_file_of_no_events(tmp_path: Path) -> None:
    """Zero events, zero trouble."""
    result = run(tmp_path, b"")
    assert result.code == 0
    assert result.json["events"] == 0
    assert result.observer("recorder")["fuel"] is None


def test_a_truncated_standard_input_is_named_too(tmp_path: Path) -> None:
    """The source is called as it was given: "-"."""
    module = recorder(tmp_path / "recorder.wasm")
    data = REAL.read_bytes()[:-1]
    result = wasmhost("run", "--observer", module, "--from", "-", "--json", cwd=tmp_path, stdin=data)
    assert result.code == 1
    assert result.json["events"] == 64
    assert result.complaints[0].startswith("-: the item at byte ")


def test_the_name_of_a_source_cannot_move_the_cursor(tmp_path: Path) -> None:
    """A node that calls itself by an escape sequence is shown escaped."""
    hello = cbor2.dumps({"src": "\x1b[2J\u202e", "hello": 1}, canonical=True)
    result = run(tmp_path, hello + cbor2.dumps(1) + b"\x1c")
    assert result.code == 1
    assert "\x1b" not in result.err
    assert "\u202e" not in result.err
    assert result.complaints[0].startswith("\\x1b[2J\\u202e: the item at byte")

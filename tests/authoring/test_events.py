"""The files of a golden test: what may be left out of a line, and how mistakes are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.cli.helpers import REAL, event
from wasmhost.authoring.golden.compare import difference, read_expected, write_expected
from wasmhost.authoring.golden.events import TestFileError, read_json_events, read_recorded_events
from wasmhost.authoring.golden.run import find_tests
from wasmhost.authoring.samples import LAB_AT, SAMPLES
from wasmhost.contract.codec import ingest
from wasmhost.contract.hooks import HOOKS

if TYPE_CHECKING:
    from pathlib import Path

SHORT = '{"hook": "on_signaling_connected"}'


def written(tmp_path: Path, *lines: str) -> Path:
    """Write a file of events."""
    path = tmp_path / "t.events.ndjson"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    """Numbers and times count up, the context is a lab's node, the event is empty."""
    frames = read_json_events(written(tmp_path, SHORT, "", SHORT))
    assert [(frame.seq, frame.at) for frame in frames] == [(0, LAB_AT), (1, LAB_AT + 1_000_000_000)]
    decoded = cbor2.loads(frames[0].data)
    assert decoded["ctx"]["self-id"]["type"]["manufacturer"] == "lab"
    assert decoded["event"] == {}
    assert "src" not in decoded


def test_what_is_said_counts(tmp_path: Path) -> None:
    """And counting goes on from there."""
    said = '{"hook": "on_start", "seq": 7, "at": 5, "src": "a", "ctx": null}'
    first, second = read_json_events(written(tmp_path, said, SHORT))
    assert (first.seq, first.at, first.src, first.has_ctx) == (7, 5, "a", False)
    assert (second.seq, second.at) == (8, LAB_AT + 8 * 1_000_000_000)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "no JSON: Expecting property name enclosed in double quotes at column 2"),
        ('{"hook": "on_start", "evnt": {}}', 'there is no key "evnt"; did you mean "event"?'),
        ("[]", "it must be an object"),
        ("7", "it must be an object"),
        ("{}", "hook: missing"),
        ('{"hook": 1}', "hook: expected text, got an integer"),
        (
            '{"hook": "on_webrtc_conected"}',
            'there is no "on_webrtc_conected"; did you mean "on_webrtc_connected"?',
        ),
        ('{"hook": "on_webrtc_connected"}', "event.peer: missing"),
        ('{"hook": "on_start", "seq": -1}', "seq: expected an unsigned 64-bit integer, got -1"),
        ('{"hook": "on_start", "seq": "1"}', "seq: expected an unsigned 64-bit integer, got text"),
        ('{"hook": "on_start", "at": 1.0}', "at: expected an unsigned 64-bit integer, got a float"),
        ('{"hook": "on_start", "at": 18446744073709551616}', "tag"),
        ('{"hook": "on_start", "at": NaN}', "NaN is no JSON"),
        ('{"hook": "on_start", "hook": "on_stop"}', 'the key "hook" is there twice'),
        ('{"hook": "on_start", "src": "\\ud800"}', "a text is not Unicode"),
        ('{"hook": "on_start", "event": ' + '{"a":' * 20 + "1" + "}" * 21, "depth"),
        ("[" * 100_000, ""),
        ('{"hook": "on_start", "event": {"x": "' + "a" * 70_000 + '"}}', "bytes"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    """File, line, and what the contract says."""
    path = written(tmp_path, SHORT, "", line)
    with pytest.raises(TestFileError) as error:
        read_json_events(path)
    message = str(error.value)
    assert message.startswith(f"{path}:3: ")
    assert words in message
    assert "\n" not in message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """It says on which line."""
    path = tmp_path / "t.events.ndjson"
    path.write_bytes(SHORT.encode() + b"\n\xff\n")
    with pytest.raises(TestFileError, match=":2: it is not UTF-8 text"):
        read_json_events(path)
    with pytest.raises(TestFileError, match=r"cannot read .*: no such file"):
        read_json_events(tmp_path / "gone")


def test_a_recording_is_read_as_a_host_reads_it() -> None:
    """All events of the real trace."""
    assert len(read_recorded_events(REAL)) == 65


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (event(0) + b"\xff", ":byte {end}: the item is malformed"),
        (event(0) + event(1)[:-1], ":byte {end}: the item is truncated"),
        (event(0) + cbor2.dumps(7), ":byte {end}: expected a map"),
        (event(0) + cbor2.dumps({"hello": 1, "src": "a"}), ":byte {end}: hook: missing"),
    ],
)
def test_a_mistake_in_a_recording_is_told_with_its_byte(tmp_path: Path, data: bytes, words: str) -> None:
    """Where the item begins."""
    path = tmp_path / "t.cborseq"
    path.write_bytes(data)
    with pytest.raises(TestFileError) as error:
        read_recorded_events(path)
    assert str(path) + words.format(end=len(event(0))) in str(error.value)


def test_a_hello_may_open_a_recording(tmp_path: Path) -> None:
    """It is no event."""
    path = tmp_path / "t.cborseq"
    path.write_bytes(cbor2.dumps({"hello": 1, "src": "a"}) + event(0))
    assert [frame.seq for frame in read_recorded_events(path)] == [0]


def test_the_typical_events_are_what_the_contract_says() -> None:
    """One for each hook."""
    assert list(SAMPLES) == [hook.name for hook in HOOKS]
    for name, frame in SAMPLES.items():
        assert ingest(frame.data) == frame
        assert frame.hook == name


def test_tests_are_found_by_their_events(tmp_path: Path) -> None:
    """Both kinds; a part of the name chooses."""
    for name in ("b.events.ndjson", "a.cborseq", "a.expected.ndjson", ".events.ndjson", "notes.md"):
        (tmp_path / name).write_text("")
    assert [test.name for test in find_tests(tmp_path)] == ["a", "b"]
    assert [test.name for test in find_tests(tmp_path, "b")] == ["b"]
    assert find_tests(tmp_path / "gone") == []
    (tmp_path / "a.events.ndjson").write_text("")
    with pytest.raises(TestFileError, match="a test of the same name"):
        find_tests(tmp_path)


def test_how_expected_json_is_spaced_does_not_matter(tmp_path: Path) -> None:
    """Nor do empty lines; what is wrong in it is told with its line."""
    path = tmp_path / "t.expected.ndjson"
    assert read_expected(path) is None
    path.write_text('{"seq":1,\t"log":"a"}\n\n{"seq": 2}\n')
    assert read_expected(path) == ['{"seq": 1, "log": "a"}', '{"seq": 2}']
    write_expected(path, ['{"seq": 3}'])
    assert path.read_text() == '{"seq": 3}\n'
    assert list(tmp_path.iterdir()) == [path]
    path.write_text('{"seq": 3}\n{"seq"\n')
    with pytest.raises(TestFileError, match=r"expected\.ndjson:2: .*; --update writes it anew"):
        read_expected(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(TestFileError, match="is a directory"):
        read_expected(path)
    with pytest.raises(TestFileError, match="is a directory"):
        write_expected(path, [])


def test_a_difference_shows_its_surroundings() -> None:
    """And nothing where there is none."""
    lines = [json.dumps({"seq": number}) for number in range(9)]
    assert difference(lines, lines, "t") == []
    shown = difference(lines, [*lines[:4], '{"seq": "x"}', *lines[5:]], "t")
    assert shown[:2] == ["--- t: expected", "+++ t: came"]
    assert shown[5:7] == ['-{"seq": 4}', '+{"seq": "x"}']
    assert len(shown) == 9

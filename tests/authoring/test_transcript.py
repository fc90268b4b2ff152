"""What a golden test writes down of an observer's doings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.authoring.helpers import COUNT, GAUGE, LOG, PANIC, REPORT, STATE, events, project
from tests.cli.helpers import small_guest
from wasmhost.authoring.build import build_project
from wasmhost.authoring.golden.run import find_tests, run_tests
from wasmhost.authoring.golden.transcript import Transcript, as_line, record
from wasmhost.authoring.project import load_project
from wasmhost.authoring.tryout import engine, tryout_of

if TYPE_CHECKING:
    from pathlib import Path

CUT = "the item at byte 0 is not complete: 4 bytes of it are here"
EVENT = '{"hook": "on_signaling_connected"}'


def transcribe(folder: Path, text: str, *lines: str, component: bool = False) -> Transcript:
    """Build a guest, give it events, and give what is written down."""
    loaded = load_project(project(folder, text))
    events(folder, *lines)
    build_project(loaded, component=component)
    (test,) = find_tests(loaded.tests)
    with engine() as made, tryout_of(made, loaded, loaded.module) as tryout:
        return record(tryout, test.read())


def fallible_guest(hook: str, more: str, body: str) -> str:
    """A guest with one lifecycle hook; ``body`` leaves a pointer to its result."""
    return f"""(module
      {more}
      (memory (export "memory") 2)
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
      (func (export "wasmhost:observer/lifecycle@0.1.0#{hook}") (param i32 i32) (result i32) {body}))"""


def entries(transcript: Transcript) -> list[dict[str, Any]]:
    """The lines, less what all of them have."""
    found = [json.loads(line) for line in transcript.lines]
    return [{key: entry[key] for key in entry if key not in {"seq", "hook"}} for entry in found]


@pytest.mark.parametrize("component", [False, True], ids=["core", "component"])
def test_all_that_an_observer_can_do(tmp_path: Path, component: bool) -> None:
    """Logs, reports, metrics and state, each in a form of its own; the same in either lane."""
    text = small_guest(
        more=f"""{LOG} {REPORT} {COUNT} {GAUGE} {STATE}
          (data (i32.const 0) "topic")
          (data (i32.const 16) "\\a1\\61a\\18\\2a")""",
        body="""
          (call $log (i32.const 3) (i32.const 0) (i32.const 5))
          (call $send (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 5))
          (call $send (i32.const 0) (i32.const 5) (i32.const 19) (i32.const 2))
          (call $send (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 4))
          (call $count (i32.const 0) (i32.const 5) (i64.const -1))
          (call $gauge (i32.const 0) (i32.const 5) (f64.const 0.5))
          (call $gauge (i32.const 0) (i32.const 5) (f64.const inf))
          (call $save (i32.const 16) (i32.const 2))""",
    )
    transcript = transcribe(tmp_path, text, EVENT, component=component)
    assert entries(transcript) == [
        {"log": "topic", "level": "warn"},
        {"report": "topic", "body": {"a": 42}},
        {"report": "topic", "body": 42},
        {"report": "topic", "body_hex": "a1616118", "dropped": CUT},
        {"metric": "topic", "add": 2**64 - 1},
        {"metric": "topic", "set": 0.5},
        {"metric": "topic", "set": "inf"},
        {"state": "a161"},
    ]
    assert list(transcript.fuel) == ["on_signaling_connected"]


def test_bytes_that_their_json_does_not_tell_are_there_too(tmp_path: Path) -> None:
    """42 in five bytes is not what deterministic encoding gives."""
    text = small_guest(
        more=f'{REPORT} (data (i32.const 0) "\\1a\\00\\00\\00\\2a")',
        body="(call $send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5))",
    )
    assert entries(transcribe(tmp_path, text, EVENT)) == [
        {"report": "", "body": 42, "body_hex": "1a0000002a"}
    ]


def test_a_panic_costs_the_sandbox_and_not_the_state(tmp_path: Path) -> None:
    """The next event finds a fresh one, with what was saved before; nothing goes into quarantine."""
    text = small_guest(
        more=f"""{STATE} {PANIC} (data (i32.const 64) "was here\\0aand there")
          """,
        body="""
          (call $load (i32.const 0))
          (if (i32.load8_u (i32.const 0))
            (then
              (call $panic (i32.const 64) (i32.const 18))
              (unreachable)))
          (call $save (i32.const 64) (i32.const 3))""",
    )
    transcript = transcribe(tmp_path, text, *[EVENT] * 9)
    panic = {"panic": "unreachable", "message": "was here"}
    assert entries(transcript) == [{"state": "776173"}, *[panic] * 8]
    assert [json.loads(line)["seq"] for line in transcript.lines] == list(range(9))
    assert len(transcript.fuel["on_signaling_connected"]) == 1


def test_an_error_result(tmp_path: Path) -> None:
    """What a lifecycle hook returned."""
    failed = "\\01\\00\\00\\00\\10\\00\\00\\00\\04\\00\\00\\00"
    text = fallible_guest(
        "on-start", f'(data (i32.const 0) "{failed}") (data (i32.const 16) "oops")', "(i32.const 0)"
    )
    assert entries(transcribe(tmp_path, text, '{"hook": "on_start"}')) == [{"error": "oops"}]


def test_what_a_host_would_not_deliver_is_not_delivered(tmp_path: Path) -> None:
    """A hook it has not, and an event of a node that has no identity yet."""
    text = fallible_guest(
        "on-stop", LOG, "(call $log (i32.const 2) (i32.const 0) (i32.const 5)) (i32.const 1024)"
    )
    lines = ['{"hook": "on_start"}', '{"hook": "on_stop", "ctx": null}', '{"hook": "on_stop"}']
    assert [json.loads(line)["seq"] for line in transcribe(tmp_path, text, *lines).lines] == [2]


def test_gaps_are_told_as_a_host_tells_them(tmp_path: Path) -> None:
    """`delivery.lost` counts what is missing in the numbers of a source."""
    text = small_guest(
        more=f"""{COUNT} (import "wasmhost:observer/delivery@0.1.0" "lost" (func $lost (result i64)))""",
        body="(call $count (i32.const 0) (i32.const 0) (call $lost))",
    )
    numbers = [0, 1, 5, 4, 5]
    lines = [f'{{"hook": "on_signaling_connected", "seq": {number}}}' for number in numbers]
    assert [entry["add"] for entry in entries(transcribe(tmp_path, text, *lines))] == [0, 0, 3, 0, 0]


def test_random_numbers_do_not_depend_on_the_build(tmp_path: Path) -> None:
    """Another module that does the same gives the same transcript."""
    text = small_guest(
        more=f"""{COUNT} (import "wasmhost:observer/delivery@0.1.0" "random" (func $random (result i64)))""",
        body="(call $count (i32.const 0) (i32.const 0) (call $random))",
    )
    first = transcribe(tmp_path / "a", text, EVENT, EVENT)
    second = transcribe(tmp_path / "b", text.replace("(memory", "(func) (memory"), EVENT, EVENT)
    assert first.lines == second.lines
    assert len(set(first.lines)) == 2


def test_a_test_begins_with_an_observer_that_knows_nothing(tmp_path: Path) -> None:
    """Neither memory nor state comes over from the test before."""
    text = small_guest(
        more=f"{COUNT} (global $n (mut i64) (i64.const 0))",
        body="""(global.set $n (i64.add (global.get $n) (i64.const 1)))
          (call $count (i32.const 0) (i32.const 0) (global.get $n))""",
    )
    loaded = load_project(project(tmp_path, text))
    for name in ("a", "b"):
        events(tmp_path, EVENT, EVENT, name=name)
    build_project(loaded)
    with engine() as made, tryout_of(made, loaded, loaded.module) as tryout:
        outcome = run_tests(tryout, find_tests(loaded.tests), update=True)
    assert [result.status for result in outcome.results] == ["updated", "updated"]
    texts = [(loaded.tests / f"{name}.expected.ndjson").read_text() for name in ("a", "b")]
    assert texts[0] == texts[1]
    assert '"add": 2' in texts[0]
    (fuel,) = outcome.fuel
    assert (fuel.hook, fuel.calls) == ("on_signaling_connected", 4)
    assert fuel.p50 <= fuel.most


def test_a_line_is_fit_to_be_shown() -> None:
    """What is not printable is escaped as JSON escapes it, so it is still the same value."""
    entry = {"report": "a\u202eb\x9b\n", "body": "Ω\U000e0001"}
    line = as_line(entry)
    assert line.isprintable()
    assert "Ω" in line
    assert json.loads(line) == entry

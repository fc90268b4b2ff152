"""An observer under test: what is delivered, what is kept, and how a failure reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.guests.helpers import PREBUILT, REAL, SYNTHETIC
from tests.sandbox import wat
from wasmhost import GuestRefused, Limits
from wasmhost.authoring.samples import LAB_AT, STEP_NS
from wasmhost.contract.codec import decode_event, ingest
from wasmhost.contract.hooks import HOOKS
from wasmhost.sandbox.outbox import CounterAdd
from wasmhost.testing import Desk, Event, ObserverPanicked, events

if TYPE_CHECKING:
    from pathlib import Path

RELAY_WATCH = PREBUILT / "relay-watch.wasm"
COUNTER = PREBUILT / "event-counter.wasm"
FLAPS = PREBUILT / "flap-detector.wasm"


@pytest.mark.parametrize("hook", [hook.name for hook in HOOKS])
def test_there_is_an_event_for_every_hook_that_a_host_would_take(hook: str) -> None:
    """With nothing said it is valid, and deterministically encoded."""
    event: Event = getattr(events, hook)()
    frame = event.frame(3)
    assert ingest(frame.data) == frame
    assert (frame.hook, frame.seq, frame.at) == (hook, 3, LAB_AT + 3 * STEP_NS)


def test_an_event_says_what_it_is_told() -> None:
    """Fields, and where it happens."""
    event = events.on_error(
        "no route", kind="internal", ctx=events.node(5, realm=9, request_id="r"), src="n", seq=7, at=8
    )
    decoded = decode_event(event.frame().data)
    assert (decoded.seq, decoded.at, decoded.src) == (7, 8, "n")
    assert decoded.ctx == events.node(5, realm=9, request_id="r")
    assert event.payload is not None
    assert decoded.payload == event.payload


def test_numbers_count_up_and_start_behind_what_was_given(observer_host: Desk) -> None:
    """As a node's do."""
    observer = observer_host(FLAPS, config={"disconnects": "2", "window-s": "10"})
    for _ in range(2):
        observer.deliver(events.on_webrtc_disconnected())
    assert [body["span-ms"] for body in observer.bodies("flapping-peer")] == [1_000]


def test_the_same_deliveries_end_the_same(observer_host: Desk) -> None:
    """To the unit of fuel."""
    runs = [observer_host(RELAY_WATCH) for _ in range(2)]
    for observer in runs:
        observer.replay(REAL)
        observer.replay(SYNTHETIC)
    assert runs[0].reports == runs[1].reports != []
    assert runs[0].fuel == runs[1].fuel


def test_a_panic_fails_the_test_with_its_words_and_its_backtrace(observer_host: Desk) -> None:
    """An author sees at once where it was."""
    observer = observer_host(PREBUILT / "trapper.wasm")
    with pytest.raises(ObserverPanicked, match="on_webrtc_connected panicked") as caught:
        observer.deliver(events.on_webrtc_connected())
    assert "\n  spring_the_trap" in str(caught.value)
    assert observer.assert_panic("stepped on by caller #2", "unreachable") is caught.value.panic


def test_a_panic_can_be_a_result(observer_host: Desk) -> None:
    """And the next event goes to a fresh sandbox."""
    observer = observer_host(PREBUILT / "trapper.wasm", limits=Limits(fuel=500_000))
    for count in (1, 2):
        delivery = observer.attempt(events.on_webrtc_connected())
        assert delivery.panic is not None
        assert delivery.fuel == 500_000
        assert len(observer.panics) == count


def test_state_outlives_the_sandbox_and_can_be_given(observer_host: Desk) -> None:
    """A restart keeps it; a new observer is given it."""
    first = observer_host(COUNTER, config={"every": "3"})
    first.deliver(events.on_start())
    first.restart()
    first.deliver(events.on_ready())
    second = observer_host(COUNTER, config={"every": "3"}, state=first.state)
    second.deliver(events.on_stop())
    first.assert_no_reports()
    second.assert_report("event-counts", {"total": 3, "events": {"on_start": 1, "on_ready": 1, "on_stop": 1}})


def test_what_an_operator_does_not_grant_is_refused(observer_host: Desk) -> None:
    """As by a host."""
    with pytest.raises(GuestRefused, match='"report" is not granted'):
        observer_host(RELAY_WATCH, grant={"config"})


def test_hooks_can_be_left_out(observer_host: Desk) -> None:
    """As by an operator; a replay passes them over."""
    observer = observer_host(COUNTER, config={"every": "1"}, hooks={"on_start"})
    observer.replay(REAL)
    assert observer.hooks == ("on_start",)
    starts = [frame for frame in events.read_events(REAL) if frame.hook == "on_start"]
    assert len(observer.fuel) == len(starts) > 1
    with pytest.raises(LookupError, match="does not hear on_stop, but on_start"):
        observer.deliver(events.on_stop())


def test_what_is_missing_in_a_file_is_told(observer_host: Desk, tmp_path: Path) -> None:
    """As by a host: to the next hook that it hears."""
    path = tmp_path / "gap.events.ndjson"
    lines = [
        '{"hook": "on_start", "seq": 1}',
        '{"hook": "on_ready", "seq": 5}',
        '{"hook": "on_start", "seq": 6}',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    observer = observer_host(
        wat.guest(
            "(call $metrics.counter-add (i32.const 0) (i32.const 4) (call $delivery.lost)) (i32.const 16)",
            on="on_start",
            use=("metrics.counter-add", "delivery.lost"),
            extra='(data (i32.const 0) "lost")',
        )
    )
    observer.replay(path)
    assert [metric.by for metric in observer.metrics if isinstance(metric, CounterAdd)] == [0, 3]


def test_bytes_are_delivered_as_they_are(observer_host: Desk) -> None:
    """And what came of them is that delivery's alone."""
    observer = observer_host(COUNTER, config={"every": "1"})
    for count in (1, 2):
        delivery = observer.deliver_bytes("on_stop", b"\xa0")
        assert [report.body for report in delivery.reports] == [
            {"total": count, "events": {"on_stop": count}}
        ]
        assert delivery.reports[0].data == cbor2.dumps(delivery.reports[0].body, canonical=True)


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        (
            "assert_report",
            ("relay", {}),
            "no report 'relay' with the body {}; reports:\n  'relay-share' {'realm'",
        ),
        ("assert_no_reports", (), "no report was expected; reports:\n  'relay-share' {'realm'"),
        ("assert_log", ("hello", "info"), "no log line with 'hello' at info; there are no log lines"),
        ("assert_counter", ("seen", 1), "counter 'seen' does not come to 1; there are no counters"),
        ("assert_gauge", ("seen", 1.0), "gauge 'seen' is not 1.0; there are no gauges"),
        ("assert_state", (b"x",), "the state is None, not b'x'"),
        ("assert_error", ("no",), "no error with 'no'; there are no errors"),
        ("assert_panic", ("no", "exit"), "no panic with 'no' of the kind exit; there are no panics"),
    ],
)
def test_a_failure_shows_what_there_is_to_choose_from(
    observer_host: Desk, check: str, arguments: tuple[object, ...], words: str
) -> None:
    """In words, and every assertion."""
    observer = observer_host(RELAY_WATCH, config={"min-connections": "1"})
    observer.deliver(events.on_webrtc_connected(relayed=True))
    with pytest.raises(AssertionError) as caught:
        getattr(observer, check)(*arguments)
    assert str(caught.value).startswith(words)


def test_a_failure_shows_no_more_than_a_screen(observer_host: Desk) -> None:
    """And says how many there were."""
    observer = observer_host(COUNTER, config={"every": "1"})
    for _ in range(30):
        observer.deliver(events.on_start())
    with pytest.raises(AssertionError, match="… and 10 more"):
        observer.assert_report("none")

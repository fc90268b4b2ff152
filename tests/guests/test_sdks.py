"""Every SDK, held to the contract by the same guest written in each: tests/guests/probe."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.guests.helpers import (
    REAL,
    ROOT,
    SYNTHETIC,
    Event,
    expected,
    give,
    peer_event,
    read_trace,
    simple_event,
)
from wasmhost.authoring.build import compile_into
from wasmhost.authoring.project import load_project
from wasmhost.contract.hooks import EARLY_HOOKS, HOOKS
from wasmhost.panics.record import PanicKind
from wasmhost.testing.desk import PATIENT

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.testing import Desk


@pytest.mark.parametrize("trace", [REAL, SYNTHETIC], ids=["real", "synthetic"])
def test_every_field_of_every_event_is_read(observer_host: Desk, probe: bytes, trace: Path) -> None:
    """All that the contract knows of each event comes back, and nothing else."""
    run = observer_host(probe)
    assert set(run.hooks) == {hook.name for hook in HOOKS}
    for event, data in read_trace(trace):
        if event["hook"] not in run.hooks or event["hook"] == "on_ready":
            continue
        if "ctx" not in event and event["hook"] not in EARLY_HOOKS:
            continue
        give(run, event, data)
        assert not run.panics
        assert run.reports[-1].data == cbor2.dumps(expected(event), canonical=True)


@pytest.mark.parametrize(
    "data",
    [
        b"\xa4\x65event\xa0\x63seq\x00\x62at\x00\x63ctx\xa2\x6arequest-id\x60\x67self-id\xa3"
        b"\x6dserial-number\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x65realm\xa1\x68realm-id\x1a\xff\xff\xff\xff"
        b"\x64type\xa3\x67version\x60\x64name\x60\x6cmanufacturer\x60",
    ],
)
def test_keys_are_read_in_any_order(observer_host: Desk, probe: bytes, data: bytes) -> None:
    """Deterministic order is what the host writes; a guest does not rely on it."""
    run = observer_host(probe)
    run.deliver_bytes("on_start", data)
    assert run.bodies("seen") == [expected({"hook": "on_start"} | cbor2.loads(data))]


def test_the_early_hooks_do_without_a_context_and_the_others_do_not(
    observer_host: Desk, probe: bytes
) -> None:
    """Elsewhere a missing context is a fault between host and guest."""
    run = observer_host(probe)
    for hook in sorted(EARLY_HOOKS):
        event = simple_event(hook)
        del event["ctx"]
        give(run, event)
    assert run.bodies("seen") == [{"event": {}}] * 2
    event = simple_event("on_signaling_disconnected")
    del event["ctx"]
    give(run, event)
    assert "is not what the contract says" in run.panics[0].message


def test_an_event_cut_short_is_a_panic_and_nothing_else(observer_host: Desk, probe: bytes) -> None:
    """Wherever it ends: the guest says so, and reads nothing beyond."""
    run = observer_host(probe)
    whole = peer_event("on_webrtc_connected", relayed=True, status="connected", more=[1, {"x": b"y"}])
    data = cbor2.dumps(whole, canonical=True)
    for size in range(len(data)):
        run.deliver_bytes("on_webrtc_connected", data[:size])
        trap = run.panics.pop()
        assert trap.kind is PanicKind.UNREACHABLE
        assert "is not what the contract says" in trap.message
    assert not run.reports


def test_bytes_turned_at_random_do_no_worse_than_a_panic(observer_host: Desk, probe: bytes) -> None:
    """Never out of bounds, never endless, and always with words."""
    run = observer_host(probe, limits=PATIENT)
    dice = random.Random(1)
    for event, data in read_trace(SYNTHETIC):
        if event["hook"] not in run.hooks or "ctx" not in event or dice.random() > 0.5:
            continue
        turned = bytearray(data)
        for _ in range(3):
            turned[dice.randrange(len(turned))] = dice.randrange(256)
        run.deliver_bytes(event["hook"], bytes(turned))
    assert {(trap.kind, "not what the contract says" in trap.message) for trap in run.panics} == {
        (PanicKind.UNREACHABLE, True)
    }, [trap for trap in run.panics if "not what the contract says" not in trap.message]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"peer": 7},
        {"peer": {"type": {}, "realm": {"realm-id": 1}, "serial-number": 1}},
        {"relayed": 1},
        {"relayed": None},
        {"status": "asleep"},
        {"status": None},
    ],
)
def test_a_payload_that_breaks_the_schema_is_a_panic(
    observer_host: Desk, probe: bytes, payload: Event
) -> None:
    """Missing, of another type, null, or of a case that there is not."""
    run = observer_host(probe)
    event = peer_event("on_webrtc_connected")
    event["event"] = payload if not payload or "peer" in payload else event["event"] | payload
    give(run, event)
    assert "not what the contract says" in run.panics[0].message


def test_capabilities(observer_host: Desk, probe: bytes) -> None:
    """Every function of every capability, with numbers at their limits and text beyond ASCII."""
    run = observer_host(probe, config={"value": "größer 🛰", "number": str(2**64 - 1)})
    event = simple_event("on_ready") | {"src": "source-é"}
    outcome = run.deliver_bytes(
        "on_ready", cbor2.dumps(event, canonical=True), at=2**64 - 1, seq=2**63, lost=3
    )
    assert outcome.error is None
    assert run.logs == [
        ("trace", "trace"),
        ("debug", "debug"),
        ("info", "info"),
        ("warn", "warn"),
        ("error", "error ✓"),
    ]
    assert [tuple(metric) for metric in run.metrics] == [("ready", 2**64 - 1), ("half", 0.5)]
    assert [report.topic for report in run.reports] == ["delivery", "config"]
    delivery, config = (report.body for report in run.reports)
    assert 0 <= delivery.pop("random") < 2**64
    assert delivery == {"now": 2**64 - 1, "lost": 3, "source": "source-é", "sequence": 2**63}
    assert config == {"value": "größer 🛰", "number": 2**64 - 1}
    assert run.state == b"?"
    give(run, event)
    assert run.state == b"?!"
    run.restart()
    give(run, event)
    assert run.state == b"?!!"


def test_what_the_operator_does_not_say_is_absent(observer_host: Desk, probe: bytes) -> None:
    """No config key, no source."""
    run = observer_host(probe)
    give(run, simple_event("on_ready"))
    assert run.bodies("config") == [{"value": "", "number": 7}]
    assert run.bodies("delivery")[0]["source"] == ""


def test_an_empty_text_is_not_an_absent_one(observer_host: Desk, probe: bytes) -> None:
    """Nor an empty error, nor an empty state."""
    run = observer_host(probe, config={"error": ""}, state=b"")
    outcome = give(run, simple_event("on_stop"))
    assert outcome.error == ""
    give(run, simple_event("on_ready"))
    assert run.state == b"!"


@pytest.mark.parametrize("words", ["no 🛰 left", "x" * 4000])
def test_an_error_result_arrives(observer_host: Desk, probe: bytes, words: str) -> None:
    """Twice in a row, and does not stick to the next hook."""
    run = observer_host(probe, config={"error": words})
    assert give(run, simple_event("on_stop")).error == words
    assert give(run, simple_event("on_stop")).error == words
    assert give(run, simple_event("on_start")).error is None


def test_a_panic_arrives_with_its_words(observer_host: Desk, probe: bytes) -> None:
    """Non-ASCII ones; Rust puts the place behind them."""
    run = observer_host(probe, config={"panic": "кінець 🛰"})
    give(run, simple_event("on_start"))
    assert run.panics[0].kind is PanicKind.UNREACHABLE
    assert run.panics[0].message.startswith("кінець 🛰")


@pytest.mark.parametrize("number", ["", "-1", "+1", "1.0", "0x1", "18446744073709551616", "\uff11"])
def test_a_number_that_is_none_is_a_panic_that_names_the_key(
    observer_host: Desk, probe: bytes, number: str
) -> None:
    """No sign, no other notation, nothing beyond 64 bits, no other digits."""
    run = observer_host(probe, config={"number": number})
    give(run, simple_event("on_ready"))
    assert run.panics[0].message.startswith(f'config number: a whole number is wanted, not "{number}"')


def test_zig_gives_nothing_from_an_address_in_bounds(observer_host: Desk, tmp_path: Path) -> None:
    """An empty slice of Zig's allocator, which points at the end of the address space, is no trap."""
    out = tmp_path / "empty.wasm"
    project = load_project(ROOT / "tests" / "guests" / "probe" / "zig")
    compile_into(replace(project, source=project.folder / "empty.zig"), out)
    run = observer_host(out)
    ready = next((event, data) for event, data in read_trace(REAL) if event["hook"] == "on_ready")
    delivery = give(run, *ready)
    assert delivery.panic is None
    assert delivery.error == ""
    assert run.state == b""

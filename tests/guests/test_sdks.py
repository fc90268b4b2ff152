"""Every SDK, held to the contract by the same guest written in each: tests/guests/probe."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from tests.guests.helpers import REAL, SYNTHETIC, Event, Run, from_examples, peer_event, read_trace
from wasmhost.config import Limits
from wasmhost.contract.hooks import HOOK_BY_NAME, HOOKS
from wasmhost.contract.schema import RECORDS
from wasmhost.panics.record import PanicKind

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.sandbox.engine import SandboxEngine

EARLY = {"on_signaling_connecting", "on_signaling_connected"}


def known(value: Any, record: str | None) -> Any:
    """Return what the contract knows of a value: the fields of its record, and those of theirs."""
    fields = RECORDS.get(record or "", {})
    if not isinstance(value, dict):
        return value
    inner = {name: kind.removeprefix("option<").removesuffix(">") for name, kind in fields.items()}
    return {name: known(value[name], kind) for name, kind in inner.items() if name in value}


def expected(event: Event) -> Event:
    """Return what the probe should have seen of an event."""
    seen = {"event": known(event["event"], HOOK_BY_NAME[event["hook"]].payload)}
    if "ctx" in event:
        seen["ctx"] = known(event["ctx"], "context")
    if "src" in event:
        seen["src"] = event["src"]
    return seen


def simple_event(hook: str) -> Event:
    """Make an event without payload."""
    event = peer_event(hook)
    event["event"] = {}
    return event


@pytest.mark.parametrize("trace", [REAL, SYNTHETIC], ids=["real", "synthetic"])
def test_every_field_of_every_event_is_read(engine: SandboxEngine, probe: bytes, trace: Path) -> None:
    """All that the contract knows of each event comes back, and nothing else."""
    run = Run(engine, probe)
    assert set(run.hooks) == {hook.name for hook in HOOKS}
    for event, data in read_trace(trace):
        if event["hook"] not in run.hooks or event["hook"] == "on_ready":
            continue
        if "ctx" not in event and event["hook"] not in EARLY:
            continue
        run.deliver(event, data)
        assert not run.traps
        assert run.bodies[-1] == cbor2.dumps(expected(event), canonical=True)


@pytest.mark.parametrize(
    "data",
    [
        b"\xa4\x65event\xa0\x63seq\x00\x62at\x00\x63ctx\xa2\x6arequest-id\x60\x67self-id\xa3"
        b"\x6dserial-number\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x65realm\xa1\x68realm-id\x1a\xff\xff\xff\xff"
        b"\x64type\xa3\x67version\x60\x64name\x60\x6cmanufacturer\x60",
    ],
)
def test_keys_are_read_in_any_order(engine: SandboxEngine, probe: bytes, data: bytes) -> None:
    """Deterministic order is what the host writes; a guest does not rely on it."""
    run = Run(engine, probe)
    run.raw("on_start", data)
    assert run.reports == [("seen", expected({"hook": "on_start"} | cbor2.loads(data)))]


def test_the_early_hooks_do_without_a_context_and_the_others_do_not(
    engine: SandboxEngine, probe: bytes
) -> None:
    """Elsewhere a missing context is a fault between host and guest."""
    run = Run(engine, probe)
    for hook in sorted(EARLY):
        event = simple_event(hook)
        del event["ctx"]
        run.deliver(event)
    assert run.reports == [("seen", {"event": {}})] * 2
    event = simple_event("on_signaling_disconnected")
    del event["ctx"]
    run.deliver(event)
    assert "is not what the contract says" in run.traps[0].message


def test_an_event_cut_short_is_a_panic_and_nothing_else(engine: SandboxEngine, probe: bytes) -> None:
    """Wherever it ends: the guest says so, and reads nothing beyond."""
    run = Run(engine, probe)
    whole = peer_event("on_webrtc_connected", relayed=True, status="connected", more=[1, {"x": b"y"}])
    data = cbor2.dumps(whole, canonical=True)
    for size in range(len(data)):
        run.raw("on_webrtc_connected", data[:size])
        trap = run.traps.pop()
        assert trap.kind is PanicKind.UNREACHABLE
        assert "is not what the contract says" in trap.message
    assert not run.reports


def test_bytes_turned_at_random_do_no_worse_than_a_panic(engine: SandboxEngine, probe: bytes) -> None:
    """Never out of bounds, never endless, and always with words."""
    run = Run(engine, probe, limits=Limits(fuel=1_000_000))
    dice = random.Random(1)
    for event, data in read_trace(SYNTHETIC):
        if event["hook"] not in run.hooks or "ctx" not in event or dice.random() > 0.5:
            continue
        turned = bytearray(data)
        for _ in range(3):
            turned[dice.randrange(len(turned))] = dice.randrange(256)
        run.raw(event["hook"], bytes(turned))
    assert {(trap.kind, "not what the contract says" in trap.message) for trap in run.traps} == {
        (PanicKind.UNREACHABLE, True)
    }, [trap for trap in run.traps if "not what the contract says" not in trap.message]


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
    engine: SandboxEngine, probe: bytes, payload: Event
) -> None:
    """Missing, of another type, null, or of a case that there is not."""
    run = Run(engine, probe)
    event = peer_event("on_webrtc_connected")
    event["event"] = payload if not payload or "peer" in payload else event["event"] | payload
    run.deliver(event)
    assert "not what the contract says" in run.traps[0].message


def test_capabilities(engine: SandboxEngine, probe: bytes) -> None:
    """Every function of every capability, with numbers at their limits and text beyond ASCII."""
    run = Run(engine, probe, {"value": "größer 🛰", "number": str(2**64 - 1)})
    event = simple_event("on_ready") | {"src": "source-é"}
    outcome = run.raw("on_ready", cbor2.dumps(event, canonical=True), at=2**64 - 1, seq=2**63, lost=3)
    assert outcome.error is None
    assert run.logs == [
        ("trace", "trace"),
        ("debug", "debug"),
        ("info", "info"),
        ("warn", "warn"),
        ("error", "error ✓"),
    ]
    assert [tuple(metric) for metric in run.metrics] == [("ready", 2**64 - 1), ("half", 0.5)]
    (topic, delivery), (config_topic, config) = run.reports
    assert 0 <= delivery.pop("random") < 2**64
    assert (topic, delivery) == (
        "delivery",
        {"now": 2**64 - 1, "lost": 3, "source": "source-é", "sequence": 2**63},
    )
    assert (config_topic, config) == ("config", {"value": "größer 🛰", "number": 2**64 - 1})
    assert run.state == b"?"
    run.deliver(event)
    assert run.state == b"?!"
    run.close()
    run.deliver(event)
    assert run.state == b"?!!"


def test_what_the_operator_does_not_say_is_absent(engine: SandboxEngine, probe: bytes) -> None:
    """No config key, no source."""
    run = Run(engine, probe)
    run.deliver(simple_event("on_ready"))
    assert run.reports[1] == ("config", {"value": "", "number": 7})
    assert run.reports[0][1]["source"] == ""


def test_an_empty_text_is_not_an_absent_one(engine: SandboxEngine, probe: bytes) -> None:
    """Nor an empty error, nor an empty state."""
    run = Run(engine, probe, {"error": ""}, state=b"")
    outcome = run.deliver(simple_event("on_stop"))
    assert outcome.error == ""
    run.deliver(simple_event("on_ready"))
    assert run.state == b"!"


@pytest.mark.parametrize("words", ["no 🛰 left", "x" * 4000])
def test_an_error_result_arrives(engine: SandboxEngine, probe: bytes, words: str) -> None:
    """Twice in a row, and does not stick to the next hook."""
    run = Run(engine, probe, {"error": words})
    assert run.deliver(simple_event("on_stop")).error == words
    assert run.deliver(simple_event("on_stop")).error == words
    assert run.deliver(simple_event("on_start")).error is None


def test_a_panic_arrives_with_its_words(engine: SandboxEngine, probe: bytes) -> None:
    """Non-ASCII ones; Rust puts the place behind them."""
    run = Run(engine, probe, {"panic": "кінець 🛰"})
    run.deliver(simple_event("on_start"))
    assert run.traps[0].kind is PanicKind.UNREACHABLE
    assert run.traps[0].message.startswith("кінець 🛰")


@pytest.mark.parametrize("number", ["", "-1", "+1", "1.0", "0x1", "18446744073709551616", "\uff11"])
def test_a_number_that_is_none_is_a_panic_that_names_the_key(
    engine: SandboxEngine, probe: bytes, number: str
) -> None:
    """No sign, no other notation, nothing beyond 64 bits, no other digits."""
    run = Run(engine, probe, {"number": number})
    run.deliver(simple_event("on_ready"))
    assert run.traps[0].message.startswith(f'config number: a whole number is wanted, not "{number}"')


def test_a_long_life_takes_no_more_memory(engine: SandboxEngine, probe: bytes) -> None:
    """100,000 events and as many answers of imports, 45 MB in all, within 2 MiB."""
    run = Run(engine, probe, {"value": "v" * 100, "error": "e" * 100}, Limits(memory_mib=2))
    big = peer_event("on_webrtc_connected", status="connected", padding="x" * 60_000)
    events = [
        peer_event("on_webrtc_connected", relayed=True),
        simple_event("on_ready"),
        simple_event("on_stop"),
    ]
    frames = [(event["hook"], cbor2.dumps(event, canonical=True)) for event in events]
    for _ in range(3):
        run.deliver(big)
    sandbox = run.sandbox
    assert sandbox is not None
    for turn in range(100_000):
        hook, data = frames[turn % 3]
        if sandbox.deliver(run.hooks[hook], data).trap is not None:
            pytest.fail(f"trapped at event {turn}")


def test_zig_gives_nothing_from_an_address_in_bounds(engine: SandboxEngine, tmp_path: Path) -> None:
    """An empty slice of Zig's allocator, which points at the end of the address space, is no trap."""
    out = tmp_path / "empty.wasm"
    from_examples("build").BUILDERS["zig"]("tests/guests/probe/zig/empty.zig", out)
    run = Run(engine, out.read_bytes())
    ready = next((event, data) for event, data in read_trace(REAL) if event["hook"] == "on_ready")
    outcome = run.deliver(*ready)
    assert outcome.trap is None
    assert outcome.error == ""
    assert run.state == b""
    run.close()

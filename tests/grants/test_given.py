"""What is given is what is asked for and granted: a manifest is held to it when the module is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.grants.test_pseudonyms import BARE, EVENT
from tests.host.helpers import CONNECTED, CTX, PEER, MemorySink, config, guest
from wasmhost import ObserverHost
from wasmhost.authoring.sections import with_custom_section
from wasmhost.config.model import DEFAULT_GRANT
from wasmhost.contract.manifest import SECTION, Manifest, encode_manifest
from wasmhost.errors import GuestRefused
from wasmhost.grants.given import decide

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.host.counters import ObserverSummary

REPORTING = "(call $report (i32.const 16) (i32.const 4) (local.get 0) (local.get 1))"
# Reports the event, adds to a metric, saves a blob.
GREEDY = (
    REPORTING + "(call $add (i32.const 16) (i32.const 4) (i64.const 1))"
    "(call $save (i32.const 16) (i32.const 4))"
)


def asking(
    module: bytes,
    *,
    capabilities: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    fields: tuple[str, ...] = (),
) -> bytes:
    """Give a module a manifest."""
    manifest = Manifest(
        name="a",
        version="1",
        hooks=(CONNECTED,),
        capabilities=capabilities,
        optional=optional,
        fields=fields,
    )
    return bytes(with_custom_section(module, SECTION, encode_manifest(manifest)))


async def ran(folder: Path, module: bytes, *grant: str) -> tuple[ObserverSummary, MemorySink]:
    """Run a module for one event; its line, and what it reported."""
    sink = MemorySink()
    settings = config(folder, {"a": module}, replace(BARE, grant=frozenset(grant)))
    with capture_logs():
        async with ObserverHost(settings, sink=sink) as host:
            host.emit(EVENT, CTX)
    return host.summary().observers[0], sink


@pytest.mark.parametrize(
    ("asked", "grant", "reason"),
    [
        ({"capabilities": ("report", "state")}, {"report"}, 'asks for "state", which is not granted: add it'),
        (
            {"fields": ("peer", "self")},
            {"report"},
            'asks for "peer" and "self", which are not granted: add them',
        ),
        ({"capabilities": ("network",)}, {"report"}, 'asks for "network", which wasmhost does not offer'),
        ({}, {"report"}, 'its manifest does not ask for "report": name it among the capabilities'),
    ],
)
async def test_what_cannot_be_given_is_a_reason_to_refuse(
    tmp_path: Path, asked: dict[str, tuple[str, ...]], grant: set[str], reason: str
) -> None:
    """By name, with what to do."""
    line, _ = await ran(tmp_path, asking(guest({CONNECTED: REPORTING}), **asked), *grant)
    assert line.state == "refused"
    assert reason in str(line.reason)


async def test_a_field_is_given_where_it_is_both_asked_for_and_granted(tmp_path: Path) -> None:
    """Not where it is granted only."""
    module = guest({CONNECTED: REPORTING})
    for fields, shown in ((("peer",), True), ((), False)):
        _, sink = await ran(
            tmp_path, asking(module, capabilities=("report",), fields=fields), "report", "peer"
        )
        (body,) = sink.bodies("a")
        assert (body["event"]["peer"]["serial-number"] == PEER.serial_number) is shown


async def test_an_optional_field_that_is_not_granted_is_disguised(tmp_path: Path) -> None:
    """And the observer runs."""
    module = guest({CONNECTED: REPORTING})
    asked = {"capabilities": ("report",), "fields": ("peer",), "optional": ("peer",)}
    _, sink = await ran(tmp_path, asking(module, **asked), "report")
    (body,) = sink.bodies("a")
    assert body["event"]["peer"]["type"]["manufacturer"] == "withheld"


async def test_optional_capabilities_that_are_not_granted_do_nothing(tmp_path: Path) -> None:
    """Reports and metrics are left out and counted, a save is refused; the observer runs."""
    names = ("metrics", "report", "state")
    module = asking(guest({CONNECTED: GREEDY}), capabilities=names, optional=names)
    line, sink = await ran(tmp_path, module)
    assert (line.state, line.delivered, line.reports_dropped, line.metrics) == ("running", 1, 2, ())
    assert sink.records == []
    line, sink = await ran(tmp_path, module, *names)
    assert (line.delivered, line.reports_dropped, len(sink.records)) == (1, 0, 1)


async def test_without_its_state_an_observer_finds_none(tmp_path: Path) -> None:
    """Whatever was saved when it was granted."""
    body = (
        "(call $load (i32.const 64)) (if (i32.load8_u (i32.const 64)) (then unreachable))"
        "(call $save (i32.const 16) (i32.const 4))"
    )
    module = asking(guest({CONNECTED: body}), capabilities=("state",), optional=("state",))
    db = tmp_path / "a.db"
    for grant, panics in (({"state"}, 0), (set(), 0), ({"state"}, 1)):
        settings = config(tmp_path, {"a": module}, replace(BARE, grant=frozenset(grant)), db=db)
        with capture_logs():
            async with ObserverHost(settings, sink=MemorySink()) as host:
                host.emit(EVENT, CTX)
        assert host.summary().observers[0].panics == panics


def test_without_a_manifest_it_is_given_what_is_granted() -> None:
    """It cannot ask."""
    given = decide(None, DEFAULT_GRANT | {"peer"})
    assert given.capabilities == DEFAULT_GRANT
    assert given.fields == {"peer"}
    assert not given.without


def test_what_everybody_has_need_not_be_granted() -> None:
    """A manifest may name it all the same."""
    decide(Manifest(name="a", version="1", hooks=(CONNECTED,), capabilities=("log", "panic")), ())
    with pytest.raises(GuestRefused):
        decide(Manifest(name="a", version="1", hooks=(CONNECTED,), capabilities=("state",)), ())

"""Every SDK reads every event that the contract allows, and refuses the rest in the same words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.conformance.strange import strange
from tests.conformance.vectors import READ, REFUSED
from tests.guests.helpers import expected
from wasmhost.contract.codec import ingest
from wasmhost.contract.schema import RejectedEvent
from wasmhost.panics.record import PanicKind
from wasmhost.testing.desk import PATIENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.fields import Vector
    from tests.guests.languages import Language
    from wasmhost.sandbox.traps import TrapReport
    from wasmhost.testing import Desk

    Group = Callable[[], Iterator[Vector]]

SHOWN = 5
AMPLE = replace(PATIENT, fuel=200_000_000)
"""What is read is asked here, and not what it costs: 64 KiB of text take QuickJS more than a host allows."""


def says_so(panic: TrapReport, hook: str, language: Language) -> bool:
    """Whether a panic is one over an event that breaks the contract, in the words for it."""
    words = f"{hook.replace('_', '-')}: the event is not what the contract says"
    where = r": [\w.-]+( frame)?" + language.sdk_place if language.sdk_place else ""  # the part of the event
    said = re.fullmatch(re.escape(words) + where, panic.message)
    return panic.kind is PanicKind.UNREACHABLE and said is not None


@pytest.mark.parametrize("group", READ.values(), ids=READ)
def test_the_host_lets_through_what_must_be_read(group: Group) -> None:
    """And as it is, but for the order of keys."""
    for vector in group():
        assert ingest(vector.data).data == cbor2.dumps(vector.event, canonical=True), vector.name


@pytest.mark.parametrize("group", REFUSED.values(), ids=REFUSED)
def test_the_host_refuses_what_must_be_refused(group: Group) -> None:
    """A guest never sees it; but for a missing context, where the host only skips the event."""
    for vector in group():
        if "without ctx" not in vector.name:
            with pytest.raises(RejectedEvent):
                ingest(vector.data)


@pytest.mark.parametrize("group", READ.values(), ids=READ)
def test_what_the_contract_allows_is_read(observer_host: Desk, probe: bytes, group: Group) -> None:
    """All of it comes back, but for what the contract does not know."""
    observer = observer_host(probe, limits=AMPLE)
    wrong: list[object] = []
    for vector in group():
        if vector.hook == "on_ready":  # the one hook of the probe that reports other things
            continue
        delivery = observer.deliver_bytes(vector.hook, vector.data)
        if delivery.panic is not None:
            wrong.append((vector.name, delivery.panic.message))
        elif [report.data for report in delivery.reports] != [
            cbor2.dumps(expected(vector.event), canonical=True)
        ]:
            wrong.append((vector.name, delivery.reports))
    assert wrong[:SHOWN] == []


@pytest.mark.parametrize("group", REFUSED.values(), ids=REFUSED)
def test_what_breaks_the_contract_is_a_panic_that_says_so(
    observer_host: Desk, language: Language, probe: bytes, group: Group
) -> None:
    """In exactly these words; some languages add where."""
    observer = observer_host(probe, limits=AMPLE)
    wrong: list[object] = []
    for vector in group():
        delivery = observer.deliver_bytes(vector.hook, vector.data)
        if delivery.panic is None:
            wrong.append((vector.name, "was read"))
        elif not says_so(delivery.panic, vector.hook, language):
            wrong.append((vector.name, delivery.panic.kind, delivery.panic.message))
    assert wrong[:SHOWN] == []


def test_what_no_host_lets_through_does_no_worse_than_a_panic(
    observer_host: Desk, language: Language, probe: bytes
) -> None:
    """It is read, or refused in the words above: never out of bounds, never for ever."""
    observer = observer_host(probe, limits=AMPLE)
    wrong: list[object] = []
    for name, data in strange():
        panic = observer.deliver_bytes("on_webrtc_connected", data).panic
        if panic is not None and not says_so(panic, "on_webrtc_connected", language):
            wrong.append((name, panic.kind, panic.message[:200]))
    assert wrong == [], language.name

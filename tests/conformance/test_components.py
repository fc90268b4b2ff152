"""Every guest that is a core module is also turned into a component, and does the same as before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.guests.built import built
from tests.guests.helpers import REAL, SYNTHETIC
from tests.guests.languages import CORE, LANGUAGES, WORDLESS
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.guest import module_kind
from wasmhost.testing import events
from wasmhost.testing.desk import PATIENT

if TYPE_CHECKING:
    from wasmhost.testing import Desk, Observer


OTHERWISE = {
    # It runs out in its own call of cabi_realloc, which in a component looks like one of the host's.
    ("wat", "grow"): (PanicKind.ALLOCATOR, "the guest's cabi_realloc gave no usable memory"),
    # What Go's runtime writes to standard error as it dies stays in the component.
    ("go", "grow"): (PanicKind.UNREACHABLE, WORDLESS),
}
"""Where a component goes wrong in another way than its core."""


def replayed(observer_host: Desk, wasm: bytes, config: dict[str, str]) -> Observer:
    """Run both traces through a guest."""
    observer = observer_host(wasm, config=config)
    for trace in (REAL, SYNTHETIC):
        observer.replay(trace)
    return observer


@pytest.mark.parametrize("guest", ["probe", "relay-watch"])
@pytest.mark.parametrize("language", CORE)
def test_a_core_guest_runs_as_a_component_too(observer_host: Desk, language: str, guest: str) -> None:
    """The same reports, logs, metrics and state on both traces."""
    wasm = built(guest, language)
    component = built(guest, language, component=True)
    assert (module_kind(wasm, 4), module_kind(component, 4)) == ("core", "component")
    config = {"value": "größer 🛰"} if guest == "probe" else {"min-connections": "1"}
    before, after = (replayed(observer_host, each, config) for each in (wasm, component))
    assert before.reports
    assert (after.reports, after.logs, after.metrics, after.state) == (
        before.reports,
        before.logs,
        before.metrics,
        before.state,
    )


@pytest.mark.parametrize("mode", ["panic", "loop", "grow"])
@pytest.mark.parametrize("language", CORE)
def test_a_component_goes_wrong_as_its_core_does(observer_host: Desk, language: str, mode: str) -> None:
    """The same kind of panic, in the same words."""
    memory_mib = LANGUAGES[language].memory_mib + 1
    limits = replace(PATIENT, memory_mib=memory_mib, fuel=1_000_000_000 if mode == "grow" else PATIENT.fuel)
    panics = [
        observer_host(module, config={"mode": mode}, limits=limits).attempt(events.on_start()).panic
        for module in (built("probe", language), built("probe", language, component=True))
    ]
    before, after = ((panic.kind, panic.message) for panic in panics if panic is not None)
    assert after == OTHERWISE.get((language, mode), before)

"""Every guest that is a core module is also turned into a component, and does the same as before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.guests.built import built
from tests.guests.helpers import REAL, SYNTHETIC
from tests.guests.languages import CORE, LANGUAGES, WORDLESS
from wasmhost.config.model import GRANTABLE, GRANTABLE_FIELDS
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.guest import let_in, module_kind
from wasmhost.sandbox.native.component_cell import ComponentPlan
from wasmhost.testing import events
from wasmhost.testing.desk import PATIENT

if TYPE_CHECKING:
    from wasmhost.config import Limits
    from wasmhost.testing import Desk, Observer


OTHERWISE = {
    # It runs out in its own call of cabi_realloc, which in a component looks like one of the host's.
    ("wat", "grow"): (PanicKind.ALLOCATOR, "the guest's cabi_realloc gave no usable memory"),
    # What Go's runtime writes to standard error as it dies stays in the component.
    ("go", "grow"): (PanicKind.UNREACHABLE, WORDLESS),
}
"""Where a component goes wrong in another way than its core, in the lane of components."""


Run = Callable[..., "Observer"]


def in_the_component_lane(
    observer_host: Desk, wasm: bytes, limits: Limits, config: dict[str, str]
) -> Observer:
    """Run it as the component it is, even where the host would see that it only wraps a core module."""
    observer = observer_host(wasm, config=config, limits=limits)
    engine = observer_host.engine
    observer.guest = let_in(
        engine, engine.compile_component(wasm), wasm, limits, grant=GRANTABLE | GRANTABLE_FIELDS
    )
    assert isinstance(observer.guest.plan, ComponentPlan)
    return observer


def as_the_host_does(observer_host: Desk, wasm: bytes, limits: Limits, config: dict[str, str]) -> Observer:
    """Run it in whichever lane the host finds for it."""
    return observer_host(wasm, config=config, limits=limits)


LANES = pytest.mark.parametrize("lane", [in_the_component_lane, as_the_host_does])


@LANES
@pytest.mark.parametrize("guest", ["probe", "relay-watch"])
@pytest.mark.parametrize("language", CORE)
def test_a_core_guest_runs_as_a_component_too(
    observer_host: Desk, language: str, guest: str, lane: Run
) -> None:
    """The same reports, logs, metrics and state on both traces."""
    wasm, component = built(guest, language), built(guest, language, component=True)
    assert (module_kind(wasm, 4), module_kind(component, 4)) == ("core", "component")
    config = {"value": "größer 🛰"} if guest == "probe" else {"min-connections": "1"}
    before = observer_host(wasm, config=config)
    after = lane(observer_host, component, PATIENT, config)
    for observer in (before, after):
        for trace in (REAL, SYNTHETIC):
            observer.replay(trace)
    assert before.reports
    assert (after.reports, after.logs, after.metrics, after.state) == (
        before.reports,
        before.logs,
        before.metrics,
        before.state,
    )


@LANES
@pytest.mark.parametrize("mode", ["panic", "loop", "grow"])
@pytest.mark.parametrize("language", CORE)
def test_a_component_goes_wrong_as_its_core_does(
    observer_host: Desk, language: str, mode: str, lane: Run
) -> None:
    """The same kind of panic, in the same words."""
    fuel = 1_000_000_000 if mode == "grow" else PATIENT.fuel
    limits = replace(PATIENT, memory_mib=LANGUAGES[language].memory_mib + 1, fuel=fuel)
    config = {"mode": mode}
    runs = [
        observer_host(built("probe", language), config=config, limits=limits),
        lane(observer_host, built("probe", language, component=True), limits, config),
    ]
    panics = [run.attempt(events.on_start()).panic for run in runs]
    before, after = ((panic.kind, panic.message) for panic in panics if panic is not None)
    if isinstance(runs[1].guest.plan, ComponentPlan):
        before = OTHERWISE.get((language, mode), before)
    assert after == before

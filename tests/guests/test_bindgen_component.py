"""The guest that wit-bindgen makes, as a core module and as a component: the same guest, in either lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.guests.helpers import REAL, SYNTHETIC, require_cargo
from tests.guests.test_bindgen import BINDGEN, build_rust
from wasmhost.authoring.caches import cache_folder
from wasmhost.authoring.toolchains.base import run as run_tool
from wasmhost.config import GRANTABLE
from wasmhost.contract.hooks import HOOKS
from wasmhost.sandbox.guest import Guest, let_in, surface
from wasmhost.sandbox.native.component_cell import ComponentPlan
from wasmhost.testing.desk import PATIENT

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.testing import Desk

pytestmark = pytest.mark.timeout(600)  # a first build compiles wit-bindgen
CONFIG = {"größe": "groß"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Build it twice: plainly, and by Rust's own linker of components."""
    cargo = require_cargo()
    core = build_rust(tmp_path_factory.mktemp("bindgen-component"))
    target = cache_folder("rust") / "component"
    command = [cargo, "rustc", "--quiet", "--release", "--lib", "--target", "wasm32-unknown-unknown"]
    run_tool(
        [*command, "--", "-C", "linker=wasm-component-ld"],
        cwd=BINDGEN,
        environment={"CARGO_TARGET_DIR": str(target)},
    )
    component = target / "wasm32-unknown-unknown" / "release" / "wasmhost_test_bindgen.wasm"
    return core.read_bytes(), component.read_bytes()


def as_component(engine: SandboxEngine, wasm: bytes) -> Guest:
    """Let it in as what it is, whatever else the host may make of it."""
    guest = let_in(engine, engine.compile_component(wasm), wasm, PATIENT, grant=GRANTABLE)
    assert isinstance(guest.plan, ComponentPlan)
    return guest


def test_both_show_the_same(engine: SandboxEngine, both: tuple[bytes, bytes]) -> None:
    """All sixteen hooks, and the functions it calls, by the same names."""
    shown = [surface(engine, engine.compile(both[0]), both[0])]
    shown.append(surface(engine, engine.compile_component(both[1]), both[1]))
    assert shown[0].hooks == shown[1].hooks == HOOKS
    assert set(shown[0].imports) == {entry for entry in shown[1].imports if entry[1]}


@pytest.mark.parametrize("trace", [REAL, SYNTHETIC], ids=["real", "synthetic"])
def test_a_trace_leaves_the_same_in_both_lanes(
    observer_host: Desk, both: tuple[bytes, bytes], trace: Path
) -> None:
    """Logs, reports, metrics, state, errors and traps, one by one."""
    core, component = (observer_host(wasm, config=CONFIG) for wasm in both)
    component.guest = as_component(observer_host.engine, both[1])
    for run in (core, component):
        run.replay(trace)
    assert component.logs == core.logs
    assert component.logs
    assert component.reports == core.reports
    assert (component.metrics, component.state) == (core.metrics, core.state)
    assert len(component.fuel) == len(core.fuel)


def test_an_error_result_is_the_same_in_both_lanes(observer_host: Desk, both: tuple[bytes, bytes]) -> None:
    """Whatever the script it is written in."""
    for wasm in both:
        run = observer_host(wasm)
        if wasm is both[1]:
            run.guest = as_component(observer_host.engine, wasm)
        assert run.deliver_bytes("on_ready", b"x").error == "nicht bereit: é 🙂"

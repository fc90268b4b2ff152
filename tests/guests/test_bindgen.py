"""Guests that wit-bindgen makes from ``wit/`` alone, in Rust and in C, without any SDK of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.guests.helpers import REAL, ROOT, give, read_trace, require_cargo
from wasmhost.authoring.caches import cache_folder
from wasmhost.authoring.toolchains import rust, zig
from wasmhost.authoring.toolchains.base import Job
from wasmhost.authoring.toolchains.base import run as run_tool
from wasmhost.contract.hooks import HOOKS
from wasmhost.sandbox.outbox import CounterAdd, GaugeSet

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.testing import Desk, Observer

BINDGEN = ROOT / "tests" / "guests" / "bindgen"
BINDGEN_C = ROOT / "tests" / "guests" / "bindgen-c"


def build_rust(folder: Path) -> Path:
    """Let the crate's macro read ``wit/``: that it compiles says that it is valid."""
    out = folder / "bindgen.wasm"
    rust.build(Job(BINDGEN, BINDGEN, sdk=BINDGEN, cache=cache_folder("rust"), out=out))
    return out


def build_c(folder: Path) -> Path:
    """Have the bindings written, and compile them with a C library, as their author would."""
    job = Job(BINDGEN_C, BINDGEN_C, sdk=folder, cache=cache_folder("zig"), out=folder / "bindgen.wasm")
    target_dir = str(cache_folder("rust") / "target")
    generator: list[str | Path] = [require_cargo(), "run", "--quiet", "--", ROOT / "wit", folder]
    run_tool(generator, cwd=BINDGEN_C, environment={"CARGO_TARGET_DIR": target_dir})
    generated = [str(folder / name) for name in ("observer.c", "observer_component_type.o")]
    target = ["-target", "wasm32-wasi", "-mexec-model=reactor"]
    language = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-Os", "-s", f"-I{folder}"]
    zig.run_zig(job, ["cc", *target, *language, "-o", str(job.out), "bindgen.c", *generated])
    return job.out


@pytest.fixture(scope="module", params=[build_rust, build_c], ids=["rust", "c"])
def wasm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Build the guest in each language."""
    require_cargo()
    built: Path = request.param(tmp_path_factory.mktemp("bindgen"))
    return built.read_bytes()


@pytest.fixture
def run(observer_host: Desk, wasm: bytes) -> Observer:
    """Run the whole real trace through it."""
    made = observer_host(wasm, config={"größe": "groß"})
    made.replay(REAL)
    return made


@pytest.mark.timeout(600)  # a first build compiles wit-bindgen
def test_it_hears_every_event_of_the_real_trace_whole_and_in_order(run: Observer) -> None:
    """All sixteen hooks are called, once per event, with all of its bytes."""
    heard = [text for level, text in run.logs if level == "info"]
    assert heard == [f"{event['hook']} {len(data)}" for event, data in read_trace(REAL)]
    assert {line.split()[0] for line in heard} == {hook.name for hook in HOOKS}


@pytest.mark.timeout(600)
def test_its_capabilities_answer_as_the_wit_says(run: Observer) -> None:
    """Options come back as options, 64-bit numbers whole, state is read back in the same delivery."""
    assert {text for level, text in run.logs if level == "debug"} == {'Some("groß") None'}
    assert [text for level, text in run.logs if level == "warn"] == ["None 8", "Some(8) 8"]
    run.assert_report("connected", 1)
    assert CounterAdd("renewed", 2**64 - 1) in run.metrics
    assert GaugeSet("half", 0.5) in run.metrics


@pytest.mark.timeout(600)
def test_an_error_result_arrives_as_it_was_written(observer_host: Desk, wasm: bytes) -> None:
    """``result<_, string>`` is lifted with its text, whatever the script."""
    run = observer_host(wasm)
    ready = next((event, data) for event, data in read_trace(REAL) if event["hook"] == "on_ready")
    assert give(run, *ready).error == "nicht bereit: é 🙂"

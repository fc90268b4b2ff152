"""A guest that Rust's wit-bindgen makes from ``wit/`` alone, without any SDK of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.guests.helpers import REAL, Run, from_examples, read_trace, require_cargo
from wasmhost.contract.hooks import HOOKS
from wasmhost.sandbox.outbox import CounterAdd, GaugeSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.sandbox.engine import SandboxEngine


@pytest.fixture(scope="module")
def wasm(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Build the guest: wit-bindgen reads ``wit/`` itself, so that it compiles says that it is valid."""
    require_cargo()
    out = tmp_path_factory.mktemp("bindgen") / "bindgen.wasm"
    from_examples("build").BUILDERS["rust"]("tests/guests/bindgen", out)
    return out.read_bytes()


@pytest.fixture
def run(engine: SandboxEngine, wasm: bytes) -> Iterator[Run]:
    """Run the whole real trace through it."""
    made = Run(engine, wasm, config={"größe": "groß"})
    made.replay(REAL)
    yield made
    made.close()


@pytest.mark.timeout(600)  # a first build compiles wit-bindgen
def test_it_hears_every_event_of_the_real_trace_whole_and_in_order(run: Run) -> None:
    """All sixteen hooks are called, once per event, with all of its bytes."""
    heard = [text for level, text in run.logs if level == "info"]
    assert heard == [f"{event['hook']} {len(data)}" for event, data in read_trace(REAL)]
    assert {line.split()[0] for line in heard} == {hook.name for hook in HOOKS}
    assert run.traps == []


@pytest.mark.timeout(600)
def test_its_capabilities_answer_as_the_wit_says(run: Run) -> None:
    """Options come back as options, 64-bit numbers whole, state is read back in the same delivery."""
    assert {text for level, text in run.logs if level == "debug"} == {'Some("groß") None'}
    assert [text for level, text in run.logs if level == "warn"] == ["None 8", "Some(8) 8"]
    assert ("connected", 1) in run.reports
    assert CounterAdd("renewed", 2**64 - 1) in run.metrics
    assert GaugeSet("half", 0.5) in run.metrics


@pytest.mark.timeout(600)
def test_an_error_result_arrives_as_it_was_written(engine: SandboxEngine, wasm: bytes) -> None:
    """``result<_, string>`` is lifted with its text, whatever the script."""
    run = Run(engine, wasm)
    ready = next((event, data) for event, data in read_trace(REAL) if event["hook"] == "on_ready")
    assert run.deliver(*ready).error == "nicht bereit: é 🙂"
    run.close()

"""The benchmark measures what it says; how fast that is, no test asserts."""

from __future__ import annotations

from wasmhost.bench import run_bench
from wasmhost.bench.emitter import HOSTS, run_emitter
from wasmhost.bench.subjects import (
    HOOK,
    PAYLOAD,
    airlock,
    component,
    extism,
    python,
    sandbox,
    small_guest,
    wasmtime_py,
)
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.instance import Outcome


def test_every_subject_does_the_work() -> None:
    """Each subject runs its hook and returns; the airlock's and wasmtime-py's spend fuel on it."""
    with SandboxEngine() as engine:
        assert [hook.name for hook in small_guest(engine).hooks] == [HOOK]
        outcome = airlock(engine)()
        assert isinstance(outcome, Outcome)
        assert outcome.trap is None
        assert outcome.fuel > len(PAYLOAD)
        beside = component(engine)()
        assert isinstance(beside, Outcome)
        assert (beside.trap, beside.effects) == (None, outcome.effects)
        assert sandbox(engine)() is None
    spent = wasmtime_py()()
    assert isinstance(spent, int)
    assert spent > 0
    assert python()() == PAYLOAD[0] + PAYLOAD[-1]
    call = extism()
    assert call is not None
    assert call() == b""


def test_the_figures_have_all_their_keys() -> None:
    """One short run gives every key of ``bench --json``, each a number, and a table with ratios."""
    figures = run_bench(rounds=1)
    found = figures.as_json()
    keys = [
        "airlock_ns",
        "component_ns",
        "wasmtime_py_ns",
        "extism_ns",
        "sandbox_ns",
        "emit_to_delivered_ns",
        "emit_to_delivered_disguised_ns",
        "python_ns",
    ]
    for key in keys:
        value = found[key]
        assert isinstance(value, float), key
        assert value > 0, key
    versions = found["versions"]
    assert isinstance(versions, dict)
    assert {"wasmhost", "wasmtime", "extism", "python"} <= versions.keys()
    assert all("×" in row.ratio for row in figures.rows() if row.label.startswith("  the same"))


def test_an_emitter_is_measured_with_hosts_in_all_conditions() -> None:
    """One short run gives every key of ``bench --emit --json``."""
    figures = run_emitter(rounds=1, events=200)
    assert all(value > 0 for value in figures.values())
    assert {"encode_ns", "emit_ns", "emit_to_encode", "emit_to_encode_processor"} <= figures.keys()
    assert {f"emit_p99_{host}_ns" for host in HOSTS} <= figures.keys()
    assert figures["emit_p99_worst_to_best"] >= 1

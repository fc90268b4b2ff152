"""The bench command: its keys. What the figures must be, tests/bench says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import small_guest, wasmhost, wat

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "airlock_ns",
    "wasmtime_py_ns",
    "extism_ns",
    "sandbox_ns",
    "emit_to_delivered_ns",
    "emit_to_delivered_disguised_ns",
    "python_ns",
    "versions",
}


def test_the_json_has_the_figures(tmp_path: Path) -> None:
    """One line, nothing beside it, each figure a number of nanoseconds."""
    result = wasmhost("bench", "--json", cwd=tmp_path, timeout=110)
    assert (result.code, result.err) == (0, "")
    assert result.json.keys() >= KEYS
    assert all(result.json[key] > 0 for key in KEYS - {"versions", "extism_ns"})
    assert not list(tmp_path.iterdir())


def test_isolation_is_measured(tmp_path: Path) -> None:
    """Neighbours beside a spinner and without it, a deadline, and what sandboxes weigh and leave behind."""
    result = wasmhost("bench", "--isolation", "--json", cwd=tmp_path, timeout=110)
    assert (result.code, result.err) == (0, "")
    figures = result.json
    assert 0 < figures["neighbour_p50_us"] <= figures["neighbour_p99_us"]
    assert 0 < figures["neighbour_p50_beside_spinner_us"] <= figures["neighbour_p99_beside_spinner_us"]
    assert figures["deadline_100_ms_fired_after_ms"] >= 100
    assert 0 < figures["resident_kib_per_live_sandbox"] < 64
    assert figures["threads_grown_by_10_000_sandboxes"] == 0
    assert figures["descriptors_grown_by_10_000_sandboxes"] == 0


def test_starting_is_measured(tmp_path: Path) -> None:
    """The first start and the next ones, of a module that is big enough to be kept."""
    functions = " ".join(f"(func (result i32) (i32.const {number}))" for number in range(4000))
    module = wat(tmp_path / "big.wasm", small_guest(more=functions))
    result = wasmhost("bench", "--start", module, "--json", cwd=tmp_path, timeout=110)
    assert (result.code, result.err) == (0, "")
    figures = result.json
    assert figures["module_bytes"] == module.stat().st_size < figures["artifact_bytes"]
    assert 0 < figures["sandbox_ms"] < figures["second_ms"]
    assert figures["ratio"] == pytest.approx(figures["first_ms"] / figures["second_ms"], rel=0.02)


def test_a_module_that_cannot_be_started_is_one_line(tmp_path: Path) -> None:
    """Nor are two kinds of figures to be had at once."""
    result = wasmhost("bench", "--start", "gone.wasm", cwd=tmp_path)
    assert (result.code, len(result.complaints)) == (2, 1)
    result = wasmhost("bench", "--isolation", "--start", "gone.wasm", cwd=tmp_path)
    assert (result.code, len(result.complaints)) == (2, 1)

"""The bench command: its keys. What the figures must be, tests/bench says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.helpers import wasmhost

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "airlock_ns",
    "wasmtime_py_ns",
    "extism_ns",
    "sandbox_ns",
    "emit_to_delivered_ns",
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

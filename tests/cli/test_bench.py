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

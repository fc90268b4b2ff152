"""How compilers are found and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wasmhost.authoring.toolchains import rust
from wasmhost.authoring.toolchains.base import BuildError, find_module, run

if TYPE_CHECKING:
    from pathlib import Path


def test_what_lies_in_a_project_stands_in_for_no_module_of_pythons(tmp_path: Path) -> None:
    """A compiler in a Python package runs in the project: an argparse.py in there is the project's own."""
    (tmp_path / "argparse.py").write_text("raise SystemExit(7)", encoding="utf-8")
    assert "usage" in run([*(find_module("json.tool") or []), "--help"], cwd=tmp_path)


def test_a_tool_is_called_by_its_name(tmp_path: Path) -> None:
    """And not by the Python that runs it."""
    with pytest.raises(BuildError, match=r"^json\.tool nothing failed \(exit code 2\)$"):
        run([*(find_module("json.tool") or []), "nothing"], cwd=tmp_path)


def test_a_workspace_is_no_crate(tmp_path: Path) -> None:
    """Cargo builds it, and nobody could tell which of its modules is meant."""
    manifest = tmp_path / "Cargo.toml"
    manifest.write_text('[workspace]\nmembers = ["a"]\n', encoding="utf-8")
    with pytest.raises(BuildError, match="is a workspace"):
        rust._library(manifest)

"""What a build asks of an author's module before it makes a component of it."""
# ruff: noqa: S101 - tests assert

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "wasmhost_observer" / "describe.py"


def describe(folder: Path, module: str) -> subprocess.CompletedProcess[str]:
    """Run it as a build does."""
    command = [sys.executable, "-I", "-S", "-B", str(SCRIPT), str(folder), module]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_says_the_hooks_the_interfaces_and_the_files(tmp_path: Path) -> None:
    """Only the files that were imported; what a module prints is not in the way."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("")
    (tmp_path / "parts" / "one.py").write_text("from wasmhost_observer import report\n")
    (tmp_path / "parts" / "two.py").write_text("")
    (tmp_path / "watch.py").write_text(
        "from parts import one\nfrom wasmhost_observer import hook, state\nprint('x')\n"
        "@hook\ndef on_start(ctx): ...\n"
    )
    done = describe(tmp_path, "watch")
    assert json.loads(done.stdout) == {
        "hooks": ["on_start"],
        "imports": [
            "wasmhost:observer/panic@0.1.0",
            "wasmhost:python/report@0.1.0",
            "wasmhost:python/state@0.1.0",
        ],
        "files": ["parts/__init__.py", "parts/one.py", "watch.py"],
    }


def test_a_module_that_cannot_be_imported_says_where(tmp_path: Path) -> None:
    """By its own traceback."""
    (tmp_path / "watch.py").write_text("from wasmhost_observer import config\nconfig.get('key')\n")
    done = describe(tmp_path, "watch")
    assert done.returncode == 1
    assert "watch.py" in done.stderr
    assert "config.get: there is no host here" in done.stderr

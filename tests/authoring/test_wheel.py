"""A wheel in a fresh environment: everything an author needs is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.cli.helpers import ROOT
from wasmhost.audit.corpus import case_files
from wasmhost.authoring.toolchains.python import VERSION


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, by what is installed here: nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    _run([*pip, "--no-build-isolation", "-w", folder, ROOT], cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


def _run(command: list[str | Path], cwd: Path, **more: str) -> str:
    """Run a command, with nothing of this checkout on its way."""
    ours = {"PYTHONPATH", "PIP_CONSTRAINT"}  # the latter by a path that is relative to the checkout
    environment = {key: value for key, value in os.environ.items() if key not in ours}
    done = subprocess.run(
        command, cwd=cwd, env=environment | more, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _lend_dependencies(python: Path, cwd: Path) -> None:
    """Let an environment see what is installed here; not the checkout, which an editable install links to."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs = Path(_run([python, "-c", code], cwd=cwd).strip())
    (theirs / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")


def test_it_carries_sdks_and_contract_and_nothing_of_their_makers(wheel: Path) -> None:
    """What git ignores is not in it, nor the SDKs' own tests."""
    names = zipfile.ZipFile(wheel).namelist()
    package = "wasmhost/authoring"
    for name in (
        "sdk/c/wasmhost_observer.h",
        "sdk/zig/src/wasmhost.zig",
        "sdk/rust/wasmhost-observer/Cargo.toml",
        "wit/world.wit",
        "templates/wat/observer.toml",
        "templates/c/.gitignore",
        "templates/common/tests/first.events.ndjson",
    ):
        assert f"{package}/{name}" in names
    parts = {part for name in names for part in name.split("/")}
    assert not parts & {"target", "node_modules", "Cargo.lock", "guest-sdk"}
    sdk = [name for name in names if name.startswith(f"{package}/sdk/")]
    assert not [name for name in sdk if "/tests/" in name or name.endswith("_test.go")]


def test_it_carries_the_corpus_and_no_code_of_its_tests(wheel: Path) -> None:
    """All of the cases, for `wasmhost audit`."""
    prefix = "wasmhost/audit/corpus/"
    names = {
        name.removeprefix(prefix) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(prefix)
    }
    corpus = ROOT / "tests" / "hostile"
    assert names == {path.relative_to(corpus).as_posix() for path in case_files(corpus)}


def test_the_extra_for_python_is_what_its_toolchain_is_written_for() -> None:
    """Every version of componentize-py brings another Python."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["python-guest"] == [f"componentize-py=={VERSION}"]


def _installed(wheel: Path, folder: Path) -> list[str | Path]:
    """Install the wheel into an environment of its own; how to call what is in it."""
    home = folder / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    install: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    _run([*install, "--no-deps", wheel], cwd=folder)
    _lend_dependencies(python, folder)
    where = _run([python, "-c", "import wasmhost; print(wasmhost.__file__)"], cwd=folder)
    assert str(home) in where
    return [python, "-m", "wasmhost"]


def test_an_operator_who_has_only_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """The audit finds its cases, and they are contained."""
    command = _installed(wheel, tmp_path)
    found = json.loads(_run([*command, "audit", "--class", "start", "--json"], cwd=tmp_path))
    assert found["contained"] is True
    assert found["classes"][0]["cases"] == len(case_files(ROOT / "tests" / "hostile" / "start"))


@pytest.mark.parametrize("language", ["wat", "c"])
def test_an_author_who_has_only_the_wheel(wheel: Path, tmp_path: Path, language: str) -> None:
    """new, build and test pass in an environment of their own."""
    command = _installed(wheel, tmp_path)
    _run([*command, "new", "my-watch", "--lang", language], cwd=tmp_path)
    assert "my-watch 0.1.0: built" in _run([*command, "build", "my-watch"], cwd=tmp_path)
    assert "first: ok" in _run([*command, "test", "my-watch"], cwd=tmp_path)

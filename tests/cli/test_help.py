"""What the command says of itself, and what its package promises."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import wasmhost as package
from tests.cli.helpers import COMMAND, ROOT, environment, wasmhost

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("run", "emit", "inspect", "panics", "sinks", "new", "build", "test", "bench", "audit", "demo")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(tmp_path: Path, command: str) -> None:
    """On standard output, exit code 0."""
    result = wasmhost(command, "--help", cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    assert f"Usage: wasmhost {command}" in result.out
    assert f"  wasmhost {command}" in result.out.split("Example")[1]


def test_the_reference_names_every_option(tmp_path: Path) -> None:
    """docs/cli.md has each command, and each option under its command."""
    reference = (ROOT / "docs" / "cli.md").read_text()
    for command in COMMANDS:
        section = reference.split(f"## wasmhost {command}\n")[1].split("\n## ")[0]
        words = wasmhost(command, "--help", cwd=tmp_path).out.split()
        options = {word.rstrip(".") for word in words if word.startswith("--") and word != "--help"}
        assert [option for option in options if f"`{option}" not in section] == []


def test_the_version_is_the_projects(tmp_path: Path) -> None:
    """`wasmhost --version` says what pyproject.toml says."""
    version = wasmhost("--version", cwd=tmp_path).out.split()[1]
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()


def test_help_loads_neither_engine_nor_event_loop() -> None:
    """Start-up is what a user waits for each time."""
    code = "import sys; from wasmhost.cli.app import call; call(['--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, check=True, timeout=60
    )
    loaded = done.stdout.decode().splitlines()[-1].split()
    assert not {"wasmtime", "asyncio", "anyio", "structlog", "cbor2", "sqlite3", "rich"} & set(loaded)


def test_the_public_names_are_where_the_package_says() -> None:
    """Each public name is imported from the module that the checkers see it in."""
    source = (ROOT / "wasmhost" / "__init__.py").read_text()
    imported = {
        alias.name: node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("wasmhost")
        for alias in node.names
    }
    homes = {name: home for home, names in package._HOMES.items() for name in names.split()}
    assert imported == homes
    assert set(homes) == set(package.__all__)
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
    nothing = "nothing"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(package, nothing)


def test_python_m_is_the_command(tmp_path: Path) -> None:
    """The entry point and the module are one."""
    entry = "import sys; sys.argv = ['wasmhost', '--version']; from wasmhost.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", entry], env=environment(), capture_output=True, check=True, timeout=60
    )
    assert done.stdout.decode() == wasmhost("--version", cwd=tmp_path).out
    assert COMMAND[1:] == ("-m", "wasmhost")

"""The SDKs' own tests, formatters and lints, run by their languages' tools."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.guests.helpers import ROOT, require_cargo
from wasmhost.authoring.caches import cache_folder
from wasmhost.authoring.toolchains.rust import add_target

if TYPE_CHECKING:
    from pathlib import Path

RUST = ROOT / "guest-sdk" / "rust"
ZIG_SOURCES = ["guest-sdk/zig", "examples", "tests/guests"]


def run_tool(command: list[str], cwd: Path, **environment: str) -> None:
    """Run a tool; what it says is the failure."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "arguments",
    [
        ["fmt", "--all", "--check"],
        ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"],
        ["clippy", "--quiet", "--workspace", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings"],
        ["test", "--quiet", "--workspace"],
    ],
    ids=["fmt", "clippy", "clippy-wasm", "test"],
)
def test_rust(arguments: list[str]) -> None:
    """SDK and guests are formatted, free of lints on both targets, and their unit tests pass."""
    cargo = require_cargo()
    add_target(ROOT)
    target_dir = os.environ.get("CARGO_TARGET_DIR") or str(cache_folder("rust") / "target")
    run_tool([cargo, *arguments], RUST, CARGO_TARGET_DIR=target_dir)


def test_zig_is_formatted() -> None:
    """SDK, examples and probe."""
    run_tool([sys.executable, "-m", "ziglang", "fmt", "--check", *ZIG_SOURCES], ROOT)


def test_zig_units(tmp_path: Path) -> None:
    """The unit tests of the CBOR reader and writer."""
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(cache_folder("zig"))}
    caches["ZIG_LOCAL_CACHE_DIR"] = str(tmp_path)
    run_tool([sys.executable, "-m", "ziglang", "test", "guest-sdk/zig/src/cbor.zig"], ROOT, **caches)

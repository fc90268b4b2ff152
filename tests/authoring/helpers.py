"""Small projects, in WebAssembly text: they need no compiler but the engine's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.helpers import small_guest

if TYPE_CHECKING:
    from pathlib import Path

LOG = '(import "wasmhost:observer/log@0.1.0" "write" (func $log (param i32 i32 i32)))'
REPORT = '(import "wasmhost:observer/report@0.1.0" "send" (func $send (param i32 i32 i32 i32)))'
PANIC = '(import "wasmhost:observer/panic@0.1.0" "report" (func $panic (param i32 i32)))'
STATE = """(import "wasmhost:observer/state@0.1.0" "load" (func $load (param i32)))
  (import "wasmhost:observer/state@0.1.0" "save" (func $save (param i32 i32)))"""
COUNT = '(import "wasmhost:observer/metrics@0.1.0" "counter-add" (func $count (param i32 i32 i64)))'
GAUGE = '(import "wasmhost:observer/metrics@0.1.0" "gauge-set" (func $gauge (param i32 i32 f64)))'

TOML = 'name = "small"\nversion = "1.2.3"\nlanguage = "wat"\n'
QUIET = small_guest()


def project(folder: Path, text: str = QUIET, more: str = "") -> Path:
    """Make a project whose source is ``text``; ``more`` is added to observer.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "observer.toml").write_text(TOML + more, encoding="utf-8")
    (folder / "observer.wat").write_text(text, encoding="utf-8")
    (folder / "tests").mkdir(exist_ok=True)
    return folder


def logging_guest(words: str = "hello", hook: str = "on_signaling_connected", more: str = "") -> str:
    """A guest that logs the same words at each event."""
    return small_guest(
        more=f'{LOG} {more} (data (i32.const 0) "{words}")',
        body=f"(call $log (i32.const 2) (i32.const 0) (i32.const {len(words)}))",
        hook=hook,
    )


def panicking_guest(words: str = "no more", hook: str = "on_signaling_connected") -> str:
    """A guest that panics at each event, having said why."""
    return small_guest(
        more=f'{PANIC} (data (i32.const 0) "{words}")',
        body=f"(call $panic (i32.const 0) (i32.const {len(words)})) (unreachable)",
        hook=hook,
    )


def events(folder: Path, *lines: str, name: str = "first") -> Path:
    """Write a test's events."""
    path = folder / "tests" / f"{name}.events.ndjson"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path

"""The command as users run it: in a process of its own, with what it said and how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cbor2
import wasmtime

from wasmhost.contract.hooks import HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parents[2]
GUESTS = ROOT / "wasmhost" / "demo" / "guests"
TRACES = ROOT / "wasmhost" / "demo" / "traces"
REAL = TRACES / "actr-0.4.21-loopback.cborseq"
SYNTHETIC = TRACES / "synthetic.cborseq"
DEMO_GUESTS = ("credential-pager", "event-counter", "flap-detector", "relay-watch", "spinner", "trapper")

COMMAND = (sys.executable, "-m", "wasmhost")
TIMEOUT_S = 60


@dataclass(frozen=True)
class Result:
    """How a command ended, and all it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line of standard output."""
        return json.loads(self.out.splitlines()[-1])

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The lines of standard output in front of a summary, or all."""
        lines = [json.loads(line) for line in self.out.splitlines()]
        return [line for line in lines if "topic" in line]

    @property
    def complaints(self) -> list[str]:
        """What it says went wrong."""
        prefix = "wasmhost: error: "
        return [line.removeprefix(prefix) for line in self.err.splitlines() if line.startswith(prefix)]

    def observer(self, name: str) -> dict[str, Any]:
        """One observer's line of the summary."""
        (found,) = [line for line in self.json["observers"] if line["name"] == name]
        return dict(found)


def environment(**more: str) -> dict[str, str]:
    """The environment to run it in: from this source tree, and nothing that changes what it shows."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in {"NO_COLOR", "COLUMNS", "WASMHOST_DEBUG"}
    }
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def wasmhost(
    *arguments: str | Path,
    cwd: Path,
    stdin: bytes = b"",
    env: dict[str, str] | None = None,
    timeout: float = TIMEOUT_S,
) -> Result:
    """Run a command to its end. No command ever shows a traceback."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        env=environment(**(env or {})),
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return checked(done.returncode, done.stdout, done.stderr)


def checked(code: int, out: bytes, err: bytes) -> Result:
    """Return a result, having looked for what must never be in one."""
    result = Result(code, out.decode(), err.decode())
    assert "Traceback" not in result.out + result.err, result.err
    assert "a bug in wasmhost" not in result.err, result.err
    return result


@contextmanager
def started(
    *arguments: str | Path, cwd: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command with pipes to it; it is killed in the end, if it still runs."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**(env or {})),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[bytes], timeout: float = TIMEOUT_S) -> Result:
    """Wait for a started command; its standard input is closed."""
    out, err = process.communicate(timeout=timeout)
    return checked(process.returncode, out, err)


def eventually(condition: Callable[[], bool], timeout: float = 20) -> None:
    """Wait until something holds."""
    give_up_at = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < give_up_at, "it never came to hold"
        time.sleep(0.02)


def observers(*names: str) -> list[str | Path]:
    """Options for prebuilt guests, all granted."""
    options: list[str | Path] = [
        word for name in ("state", "peer", "self", "stream", "credential") for word in ("--grant", name)
    ]
    for name in names:
        options += ["--observer", GUESTS / f"{name}.wasm"]
    return options


def trace(path: Path) -> list[dict[str, Any]]:
    """Decode all events of a trace."""
    events: list[dict[str, Any]] = []
    with path.open("rb") as file:
        while file.peek(1):
            events.append(cbor2.load(file))
    return events


def event(seq: object, hook: str = "on_signaling_connected", **more: object) -> bytes:
    """One event in deterministic encoding."""
    return cbor2.dumps({"hook": hook, "seq": seq, "at": 1, "event": {}, **more}, canonical=True)


def wat(path: Path, text: str) -> Path:
    """Assemble a module."""
    path.write_bytes(wasmtime.wat2wasm(text))
    return path


def small_guest(body: str = "", more: str = "", hook: str = "on_signaling_connected") -> str:
    """A guest with one hook, in WebAssembly text; ``body`` is that hook's, ``more`` comes first."""
    (row,) = [row for row in HOOKS if row.name == hook]
    return f"""(module
      {more}
      (memory (export "memory") 2)
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
      (func (export "{row.export}") (param i32 i32) {body}))"""


def recorder(path: Path) -> Path:
    """A guest that reports each call: topic, the hook; body, the sequence number it was told."""
    return wat(path, _recorder_text())


def _recorder_text() -> str:
    data = "".join(f'(data (i32.const {64 + 32 * i}) "{hook.name}")\n' for i, hook in enumerate(HOOKS))
    hooks = "".join(
        f'(func (export "{hook.export}") (param i32 i32) {"(result i32)" if hook.fallible else ""}\n'
        f"  (call $tell (i32.const {64 + 32 * i}) (i32.const {len(hook.name)}))"
        f"  {'(i32.const 16)' if hook.fallible else ''})\n"
        for i, hook in enumerate(HOOKS)
    )
    return f"""(module
      (import "wasmhost:observer/report@0.1.0" "send" (func $send (param i32 i32 i32 i32)))
      (import "wasmhost:observer/delivery@0.1.0" "sequence" (func $sequence (result i64)))
      (memory (export "memory") 2)
      (data (i32.const 0) "\\1b")
      {data}
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
      (func $tell (param $topic i32) (param $length i32)
        (local $seq i64) (local $place i32)
        (local.set $seq (call $sequence))
        (local.set $place (i32.const 8))
        (loop $bytes ;; big-endian, from the last byte
          (i64.store8 (local.get $place) (local.get $seq))
          (local.set $seq (i64.shr_u (local.get $seq) (i64.const 8)))
          (local.set $place (i32.sub (local.get $place) (i32.const 1)))
          (br_if $bytes (i32.gt_s (local.get $place) (i32.const 0))))
        (call $send (local.get $topic) (local.get $length) (i32.const 0) (i32.const 9)))
      {hooks})"""


def accounted(summary: dict[str, Any]) -> bool:
    """Whether every observer that ran has each event exactly once in its counts."""
    ran: Sequence[dict[str, Any]] = [line for line in summary["observers"] if line["state"] != "refused"]
    return all(
        line["delivered"] + line["panics"] + line["skipped"] + line["dropped"] == summary["events"]
        for line in ran
    )

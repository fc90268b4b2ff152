"""Deep recursion ends in a trap, never in a segmentation fault: on a thread as the host makes them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.sandbox import wat
from tests.sandbox.lab import Lab
from wasmhost.config import Limits
from wasmhost.host import scheduler
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.engine import SandboxEngine

if TYPE_CHECKING:
    from wasmhost.sandbox.traps import TrapReport

RECURSIONS = {
    "small frames": wat.guest("call $f", extra="(func $f (call $f) (call $f))"),
    "large frames": wat.guest(
        "(drop (call $f (f64.const 1)))",
        extra="(func $f (param f64) (result f64) (local "
        + "f64 " * 500
        + ") "
        + " ".join(
            f"(local.set {i} (f64.add (local.get 0) (call $f (f64.const {i}))))" for i in range(1, 200)
        )
        + " "
        + " (f64.add " * 199
        + "(local.get 0)"
        + "".join(f" (local.get {i}))" for i in range(1, 200))
        + ")",
    ),
    "through an import": wat.guest(
        "call $f",
        use=("config.get",),
        extra="(func $f (call $config.get (i32.const 0) (i32.const 2) (i32.const 256)) (call $f) (call $f))",
    ),
    "in cabi_realloc": wat.guest(
        realloc='(func $r (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)'
        " (i32.add (call $r (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 8)))"
    ),
    "into the back's code": wat.guest(
        "call $f",
        use=("log.write", "wasi.random_get"),
        extra="(func $f (call $log.write (i32.const 1) (i32.const 0) (i32.const 4096))"
        " (drop (call $wasi.random_get (i32.const 0) (i32.const 64))) (call $f) (call $f))",
    ),
}


@pytest.mark.parametrize("stack_kib", [64, 256, 1024])
def test_recursion_traps_on_a_workers_stack(stack_kib: int) -> None:
    """Of 64, 256 and 1,024 KiB: the guest's share, and what the scheduler adds for Python and engine."""
    traps: list[TrapReport | None] = []

    def run(engine: SandboxEngine) -> None:
        with Lab(engine) as lab:
            for wasm in RECURSIONS.values():
                limits = Limits(stack_kib=stack_kib, fuel=10**9, deadline_ms=10_000)
                traps.extend(lab.deliver(lab.load(wasm), limits=limits).trap for _ in range(2))  # type: ignore[arg-type]

    with SandboxEngine(stack_kib) as engine:
        assert engine.stack_bytes == stack_kib * 1024
        before = threading.stack_size(engine.stack_bytes + scheduler._SPARE_STACK)
        try:
            thread = threading.Thread(target=run, args=(engine,))
            thread.start()
        finally:
            threading.stack_size(before)
        thread.join()
    assert [trap.kind for trap in traps if trap] == [PanicKind.STACK_OVERFLOW] * 2 * len(RECURSIONS)


def test_a_larger_stack_is_deeper() -> None:
    """The setting reaches the engine: what overflows 64 KiB fits 1,024."""
    wasm = wat.guest(
        "(call $f (i32.const 3000))",
        extra="(func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))"
        " (call $f (i32.const 0)))))",
    )
    kinds = []
    for stack_kib in (64, 1024):
        with SandboxEngine(stack_kib) as sized, Lab(sized) as lab:
            trap = lab.deliver(wasm).trap
            kinds.append(trap and trap.kind)
    assert kinds == [PanicKind.STACK_OVERFLOW, None]

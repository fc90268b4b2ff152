"""The engine's configuration, where it can be seen from outside."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from wasmtime import WasmtimeError

from tests.sandbox import wat
from tests.sandbox.lab import Lab
from wasmhost.errors import InternalError
from wasmhost.sandbox.engine import SandboxEngine

TRAPS = {
    "out_of_bounds": "(drop (i32.load (i32.const -4)))",
    "arithmetic": "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
    "stack_overflow": f"(call ${wat.HOOK} (i32.const 0) (i32.const 0)) (drop (i32.const 0))",
    "unreachable": "unreachable",
}


def test_a_trap_is_no_signal() -> None:
    """Whoever installs a handler for SIGSEGV after us does not meet our guests.

    Python's faulthandler would end the process.
    """
    code = f"""
        import faulthandler
        from tests.sandbox import wat
        from tests.sandbox.lab import Lab
        from wasmhost.sandbox.engine import SandboxEngine
        with SandboxEngine() as engine, Lab(engine) as lab:
            lab.deliver(wat.guest())
            faulthandler.enable()
            for body in {list(TRAPS.values())!r}:
                print(lab.trap(wat.guest(body)).kind.value)
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (child.returncode, child.stderr, child.stdout.split()) == (0, "", list(TRAPS))


def test_nans_are_canonical(lab: Lab) -> None:
    """What a NaN's bits are must not depend on the machine."""
    wasm = wat.guest(
        "(f64.store (i32.const 0) (f64.div (f64.const 0) (f64.const -0)))"
        "(call $report.send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))",
        use=("report.send",),
    )
    (report,) = lab.deliver(wasm).effects.reports
    assert int.from_bytes(report.body, "little") == 0x7FF8_0000_0000_0000


def test_a_closed_engine_runs_nothing() -> None:
    """A guest without a clock would have no deadline."""
    engine = SandboxEngine()
    engine.close()
    engine.close()
    with Lab(engine) as closed, pytest.raises(InternalError, match="closed"):
        closed.open(wat.guest())


def test_text_is_not_compiled(engine: SandboxEngine) -> None:
    """The engine itself would take WAT: `guest.module_kind` is what stands before it."""
    with pytest.raises(WasmtimeError):
        engine.compile(b"not a module")

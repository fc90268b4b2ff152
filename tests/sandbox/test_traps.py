"""Every kind of trap: what it is called, what it says, and what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import wat
from wasmhost.config import Limits
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.native.store import budget
from wasmhost.sandbox.outbox import LogLine

if TYPE_CHECKING:
    from tests.sandbox.lab import Lab
    from wasmhost.sandbox.instance import Sandbox

SPIN = "(loop $l (br $l))"
FUEL = 100_000

# kind, then the parts of a guest that traps so
TRAPS: dict[str, tuple[PanicKind, dict[str, Any]]] = {
    "unreachable": (PanicKind.UNREACHABLE, {"body": "unreachable"}),
    "spin": (PanicKind.OUT_OF_FUEL, {"body": SPIN}),
    "spin-in-realloc": (
        PanicKind.OUT_OF_FUEL,
        {
            "realloc": '(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)'
            f" {SPIN} (i32.const 8))"
        },
    ),
    "spin-by-tail-calls": (
        PanicKind.OUT_OF_FUEL,
        {"body": "return_call $spin", "extra": "(func $spin return_call $spin)"},
    ),
    "bulk": (PanicKind.OUT_OF_FUEL, {"body": "(memory.fill (i32.const 0) (i32.const 0) (i32.const 500000))"}),
    "load": (PanicKind.OUT_OF_BOUNDS, {"body": "(drop (i32.load (i32.const -4)))"}),
    "table": (
        PanicKind.OUT_OF_BOUNDS,
        {"body": "(drop (table.get $t (i32.const 1)))", "extra": "(table $t 1 funcref)"},
    ),
    "indirect-null": (
        PanicKind.OUT_OF_BOUNDS,
        {"body": "(call_indirect $t (i32.const 0))", "extra": "(table $t 1 funcref)"},
    ),
    "indirect-type": (
        PanicKind.OUT_OF_BOUNDS,
        {
            "body": "(call_indirect $t (i32.const 0))",
            "extra": "(table $t 1 funcref) (elem (i32.const 0) $f) (func $f (param i32))",
        },
    ),
    "recursion": (PanicKind.STACK_OVERFLOW, {"body": "call $f", "extra": "(func $f (call $f) (call $f))"}),
    "division": (PanicKind.ARITHMETIC, {"body": "(drop (i32.div_u (local.get $n) (i32.const 0)))"}),
    "overflow": (PanicKind.ARITHMETIC, {"body": "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))"}),
    "conversion": (PanicKind.ARITHMETIC, {"body": "(drop (i32.trunc_f64_s (f64.const nan)))"}),
    "exit": (PanicKind.EXIT, {"body": "(call $wasi.proc_exit (i32.const 7))", "use": ("wasi.proc_exit",)}),
    "level": (
        PanicKind.OTHER,
        {"body": "(call $log.write (i32.const 9) (i32.const 0) (i32.const 0))", "use": ("log.write",)},
    ),
}


def allocator(body: str) -> str:
    """A cabi_realloc of this code."""
    return f'(func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {body})'


@pytest.mark.parametrize(("kind", "parts"), TRAPS.values(), ids=TRAPS)
def test_each_trap_has_its_kind(lab: Lab, kind: PanicKind, parts: dict[str, Any]) -> None:
    """The whole budget is charged, nothing but logs is kept, and there is a line that says why."""
    outcome = lab.deliver(wat.guest(**parts), limits=Limits(fuel=FUEL))
    assert outcome.trap is not None
    assert outcome.trap.kind is kind
    assert outcome.trap.message.isprintable()
    assert outcome.trap.message
    assert outcome.fuel == FUEL
    assert kind is PanicKind.STACK_OVERFLOW or outcome.trap.backtrace[-1] == "airlock: deliver"


@pytest.mark.parametrize(
    "body",
    [
        "(i32.const 0)",  # none
        "(i32.const -1)",  # out of bounds
        "(i32.const 524286)",  # the end of it out of bounds
        "unreachable",
        "(i32.load (i32.const -1))",
    ],
)
def test_an_allocator_that_fails_is_named(lab: Lab, body: str) -> None:
    """Bringing the event in, and bringing an import's answer in."""
    assert lab.trap(wat.guest(realloc=allocator(body))).kind is PanicKind.ALLOCATOR
    # The first call, for the event, is well served.
    later = f"""(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (if (i32.eq (global.get $calls) (i32.const 1)) (then (return (i32.const 1024)))) {body}"""
    wasm = wat.guest(
        "(call $state.load (i32.const 256))",
        use=("state.load",),
        realloc=f"(global $calls (mut i32) (i32.const 0)) {allocator(later)}",
    )
    trap = lab.trap(wasm, state=b"blob")
    assert trap.kind is PanicKind.ALLOCATOR
    assert "cabi_realloc" in trap.message


def test_an_allocator_need_not_give_room_for_nothing(lab: Lab) -> None:
    """Null is a fine place for zero bytes."""
    assert lab.deliver(wat.guest(realloc=allocator("(i32.const 0)")), b"").trap is None


def test_running_out_inside_an_allocator_is_running_out(lab: Lab) -> None:
    """A limit that was reached is named before the place where it was."""
    trap = lab.trap(
        wat.guest(
            realloc=allocator(
                "(call $realloc (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (drop) (i32.const 8)"
            )
        )
    )
    assert trap.kind is PanicKind.STACK_OVERFLOW


def test_a_deadline_is_named(lab: Lab) -> None:
    """Where there is more fuel than time."""
    limits = Limits(fuel=10**12, deadline_ms=30)
    outcome = lab.deliver(wat.guest(SPIN), limits=limits)
    assert outcome.trap is not None
    assert outcome.trap.kind is PanicKind.DEADLINE
    assert outcome.fuel == 10**12


def test_logs_can_be_read_after_a_trap(lab: Lab) -> None:
    """Up to where it trapped, and how many did not fit."""
    log = "(call $log.write (i32.const 2) (i32.const 0) (i32.const 4096))"
    outcome = lab.deliver(wat.guest(log * 17 + "unreachable", use=("log.write",)))
    assert outcome.trap is not None
    assert len(outcome.effects.logs) == 15
    assert outcome.effects.logs_dropped == 2


def test_what_stops_before_the_airlock_begins_leaves_nothing_old(lab: Lab) -> None:
    """No fuel at all: the previous delivery's logs and words are not told again."""
    wasm = wat.guest("(call $log.write (i32.const 2) (i32.const 0) (i32.const 4))", use=("log.write",))
    sandbox = lab.open(wasm)
    assert len(sandbox.deliver(0, b"").effects.logs) == 1
    sandbox._budget = budget(0)
    outcome = sandbox.deliver(0, b"")
    assert outcome.trap is not None
    assert outcome.trap.kind is PanicKind.OUT_OF_FUEL
    assert outcome.effects.logs == ()


# backtraces


def test_a_backtrace_names_functions(lab: Lab) -> None:
    """Innermost first, with offsets for the guest's, and the airlock's marked as ours."""
    wasm = wat.guest("call $outer", extra="(func $outer call $inner) (func $inner unreachable)")
    names = [frame.split(" +")[0] for frame in lab.trap(wasm).backtrace]
    assert names == ["inner", "outer", wat.HOOK, "airlock: dispatch", "airlock: deliver"]


def test_an_import_is_in_the_backtrace(lab: Lab) -> None:
    """The guest's own frame follows the airlock's two."""
    wasm = wat.guest("(call $log.write (i32.const 9) (i32.const 0) (i32.const 0))", use=("log.write",))
    assert lab.trap(wasm).backtrace[:2] == ("airlock: log.write", "airlock: log.write")


def test_functions_without_names_have_numbers(lab: Lab) -> None:
    """A stripped guest still tells where it trapped."""
    wasm = wat.guest("call 1", extra="(func unreachable)")
    stripped = wasm[: wasm.rindex(b"\x04name") - 2]
    first = lab.trap(stripped).backtrace[0]
    assert first.startswith("func[")


def test_backtraces_are_bounded_and_printable(lab: Lab) -> None:
    """90 KB of names with ESC and newlines are no 1.8 MB of text, nor a cleared screen."""
    name = "\\1b[2J\\0aINFO all is well " * 4_200
    wasm = wat.guest(
        "call $f",
        extra=f"""(global $deep (mut i32) (i32.const 0))
        (func $f (@name "{name}") (if (i32.gt_u (global.get $deep) (i32.const 40)) (then unreachable))
          (global.set $deep (i32.add (global.get $deep) (i32.const 1))) (call $f))""",
    )
    assert len(wasm) > 90_000
    trap = lab.trap(wasm)
    assert 16 <= len(trap.backtrace) <= 24
    assert all(len(frame) < 280 and frame.isprintable() for frame in trap.backtrace)
    assert trap.backtrace[0].startswith(r"\x1b[2J\nINFO all is well")


def test_the_airlocks_frames_cannot_be_forged(lab: Lab) -> None:
    """Neither by a function's name nor by the module's."""
    wasm = wat.guest("call $f", extra='(func $f (@name "airlock: deliver") unreachable)', name="$airlock")
    forged, *rest = lab.trap(wasm).backtrace
    assert forged.startswith("guest: airlock: deliver +0x")
    assert [frame for frame in rest if frame.startswith("airlock: ")] == [
        "airlock: dispatch",
        "airlock: deliver",
    ]


def test_deep_recursion_has_a_short_backtrace(lab: Lab) -> None:
    """Of ten thousand frames the innermost are told."""
    trap = lab.trap(wat.guest("call $f", extra="(func $f (call $f) (call $f))"))
    assert 16 <= len(trap.backtrace) <= 24
    assert {frame.split(" +")[0] for frame in trap.backtrace} == {"f"}


def test_the_guests_own_words_are_the_message(lab: Lab) -> None:
    """What it reported comes before what it wrote to standard error, and both before ours."""
    data = r"""(data (i32.const 0) "said") (data (i32.const 16) "printed")
      (data (i32.const 32) "\10\00\00\00\07\00\00\00")"""
    printed = "(drop (call $wasi.fd_write (i32.const 2) (i32.const 32) (i32.const 1) (i32.const 64)))"
    said = "(call $panic.report (i32.const 0) (i32.const 4))"
    use = ("wasi.fd_write", "panic.report")
    for body, message in ((printed, "printed"), (said + printed, "said"), (said, "said")):
        outcome = lab.deliver(wat.guest(body + "unreachable", use=use, extra=data))
        assert outcome.trap is not None
        assert outcome.trap.message == message
    assert outcome.effects.logs == ()
    assert lab.deliver(wat.guest(printed, use=use, extra=data)).effects.logs == (LogLine("warn", "printed"),)


def test_a_trap_closes_the_sandbox(lab: Lab) -> None:
    """And closing it again is harmless."""
    sandbox: Sandbox = lab.open(wat.guest("unreachable"))
    assert sandbox.deliver(0, b"").trap is not None
    sandbox.close()
    sandbox.close()

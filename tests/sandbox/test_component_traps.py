"""Every kind of trap in a component: the same kinds, words and bounds as in the airlock."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from tests.sandbox.test_traps import FUEL, SPIN, TRAPS, allocator
from wasmhost.config import Limits
from wasmhost.contract.hooks import interface_id
from wasmhost.errors import GuestRefused, InternalError
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.native.store import budget
from wasmhost.sandbox.outbox import LogLine

if TYPE_CHECKING:
    from tests.sandbox.lab import Lab

BULK = "(memory.fill (i32.const 0) (i32.const 0) (i32.const 500000)) (call $f)"
POST = wc.BUILT_IN + ' (post-return (core func $main "post"))'

# kind, then the parts of a component that traps so: those of the airlock lane, as far as a component can
COMPONENT_TRAPS: dict[str, tuple[PanicKind, dict[str, Any]]] = {
    **{name: case for name, case in TRAPS.items() if name not in {"exit", "bulk"}},
    # The engine looks at fuel where functions begin and loops turn.
    "bulk": (PanicKind.OUT_OF_FUEL, {"body": BULK, "extra": "(func $f)"}),
    "post-return": (
        PanicKind.UNREACHABLE,
        {"lift": POST, "extra": '(func (export "post") unreachable)'},
    ),
}


@pytest.mark.parametrize(("kind", "parts"), COMPONENT_TRAPS.values(), ids=COMPONENT_TRAPS)
def test_each_trap_has_its_kind(lab: Lab, kind: PanicKind, parts: dict[str, Any]) -> None:
    """The whole budget is charged, nothing but logs is kept, and there is a line that says why."""
    outcome = lab.deliver(wc.guest(**parts), limits=Limits(fuel=FUEL))
    assert outcome.trap is not None
    assert outcome.trap.kind is kind
    assert outcome.trap.message
    assert outcome.trap.message.isprintable()
    assert outcome.fuel == FUEL
    assert outcome.trap.backtrace


@pytest.mark.parametrize("name", [name for name in TRAPS if name not in {"exit", "bulk", "level"}])
def test_a_trap_is_worded_as_in_the_airlock(lab: Lab, name: str) -> None:
    """The panic log does not care which lane a guest is in."""
    parts = TRAPS[name][1]
    limits = Limits(fuel=FUEL)
    core, component = lab.trap(wat.guest(**parts), limits=limits), lab.trap(wc.guest(**parts), limits=limits)
    assert (component.kind, component.message) == (core.kind, core.message)


def test_a_level_that_there_is_not_traps(lab: Lab) -> None:
    """The canonical ABI has no sixth case of an enum of five."""
    trap = lab.trap(wc.guest(**TRAPS["level"][1]))
    assert trap.message == "discriminant 9 out of range [0..5)"


def test_a_deadline_is_named(lab: Lab) -> None:
    """Where there is more fuel than time."""
    outcome = lab.deliver(wc.guest(SPIN), limits=Limits(fuel=10**12, deadline_ms=30))
    assert outcome.trap is not None
    assert outcome.trap.kind is PanicKind.DEADLINE
    assert outcome.fuel == 10**12


# the allocator

BAD_ROOM = {
    "out of bounds": "(i32.const -1)",
    "its end out of bounds": "(i32.const 524286)",
    "unreachable": "unreachable",
    "a load out of bounds": "(i32.load (i32.const -1))",
    "deeper": "(call $deeper) (i32.const 8)",
}
_DEEPER = "(func $deeper (call $deepest)) (func $deepest unreachable)"


@pytest.mark.parametrize("body", BAD_ROOM.values(), ids=BAD_ROOM)
def test_an_allocator_that_fails_is_named(lab: Lab, body: str) -> None:
    """Bringing the event in, and bringing an import's answer in."""
    trap = lab.trap(wc.guest(realloc=_DEEPER + allocator(body)))
    assert trap.kind is PanicKind.ALLOCATOR
    assert "cabi_realloc" in trap.message
    later = f"""(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (if (i32.eq (global.get $calls) (i32.const 1)) (then (return (i32.const 1024)))) {body}"""
    wasm = wc.guest(
        "(call $state.load (i32.const 256))",
        use=("state.load",),
        realloc=f"{_DEEPER} (global $calls (mut i32) (i32.const 0)) {allocator(later)}",
    )
    assert lab.trap(wasm, state=b"blob").kind is PanicKind.ALLOCATOR


def test_running_out_inside_an_allocator_is_running_out(lab: Lab) -> None:
    """A limit that was reached is named before the place where it was."""
    again = "(call $realloc (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (drop) (i32.const 8)"
    assert lab.trap(wc.guest(realloc=allocator(again))).kind is PanicKind.STACK_OVERFLOW
    spin = allocator(SPIN + "(i32.const 8)")
    assert lab.trap(wc.guest(realloc=spin), limits=Limits(fuel=FUEL)).kind is PanicKind.OUT_OF_FUEL


def test_a_trap_of_the_hook_is_no_allocators(lab: Lab) -> None:
    """Whatever its function is called; and one in an allocator that the hook itself calls is."""
    name = '(func $f (@name "cabi_realloc") unreachable)'
    assert lab.trap(wc.guest("call $f", extra=name)).kind is PanicKind.UNREACHABLE
    called = "(drop (call $realloc (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))"
    wasm = wc.guest(called, realloc=allocator("(if (local.get 0) (then unreachable)) (i32.const 1024)"))
    assert lab.trap(wasm).kind is PanicKind.ALLOCATOR


# imports where they may not be


def test_an_import_from_a_start_function_is_too_early(lab: Lab) -> None:
    """It is refused before it is answered, and the component with it."""
    start = "(func $s (call $log.write (i32.const 1) (i32.const 0) (i32.const 0))) (start $s)"
    with pytest.raises(GuestRefused, match="an import was called before the component was instantiated"):
        lab.open(wc.guest(use=("log.write",), extra=start))


@pytest.mark.parametrize("body", ["unreachable", SPIN, "(drop (i32.load (i32.const -1)))"])
def test_a_start_function_that_traps_is_refused(lab: Lab, body: str) -> None:
    """Under init_fuel; it says so."""
    wasm = wc.guest(extra=f"(func $s {body}) (start $s)")
    with pytest.raises(GuestRefused, match="its start function trapped: the guest"):
        lab.open(wasm, limits=Limits(init_fuel=FUEL))


@pytest.mark.parametrize("place", ["cabi_realloc", "cabi_realloc in an import", "post-return"])
def test_imports_are_shut_in_the_middle_of_the_engines_work(lab: Lab, place: str) -> None:
    """The component model forbids them there; the engine traps, and we say what was wrong."""
    use = "(drop (call $delivery.now))"
    needs = {
        "libc": f"(module {wat.imports('delivery.now')} {wat.MEMORY} (global $in (mut i32) (i32.const 0))"
        + allocator(f"(if (i32.eq (local.get 3) (i32.const SIZE)) (then {use})) (i32.const 1024)")
        + ")",
        "libc_needs": f'(with "{interface_id("delivery")}" (instance (export "now" (func $now))))',
    }
    if place == "post-return":
        wasm = wc.guest(use=("delivery.now",), lift=POST, extra=f'(func (export "post") {use})')
        kind = PanicKind.OTHER
    else:
        needs["libc"] = needs["libc"].replace("SIZE", "5" if place == "cabi_realloc" else "4")
        core = wat.imports("delivery.now", "state.load") + '(import "libc" "memory" (memory 8))'
        wasm = wc.around(
            f"(module {core} {wat.hook(wat.HOOK, '(call $state.load (i32.const 256))')})",
            (wat.HOOK,),
            use=("delivery.now", "state.load"),
            early='(core func $now (canon lower (func $delivery "now")))',
            **needs,
        )
        kind = PanicKind.ALLOCATOR
    trap = lab.trap(wasm, b"event", state=b"blob")
    assert trap.kind is kind
    if kind is PanicKind.OTHER:
        assert trap.message == (
            "the guest called an import where it may not, from cabi_realloc or a post-return"
        )


# results and arguments that are none

PLACE = 256
RESULTS = {
    "not aligned": ("(i32.const 257)", b"", PanicKind.OTHER, "return pointer not aligned"),
    "outside": ("(i32.const -4)", b"", PanicKind.OUT_OF_BOUNDS, "outside its memory"),
    "at the edge": ("(i32.const 524280)", b"", PanicKind.OUT_OF_BOUNDS, "outside its memory"),
    "a third case": ("(i32.const 256)", b"\x02", PanicKind.OTHER, "discriminant 2 out of range"),
    "words outside": (
        "(i32.const 256)",
        b"\1\0\0\0\xff\xff\xff\xff\4\0\0\0",
        PanicKind.OUT_OF_BOUNDS,
        "outside its memory",
    ),
    "long words": ("(i32.const 256)", b"\1\0\0\0\0\0\0\0\xff\xff\xff\x7f", PanicKind.OUT_OF_BOUNDS, "memory"),
    "words that are no UTF-8": (
        "(i32.const 256)",
        b"\1\0\0\0\x0c\1\0\0\1\0\0\0\xff",
        PanicKind.OTHER,
        "utf-8",
    ),
}


@pytest.mark.parametrize(("body", "data", "kind", "words"), RESULTS.values(), ids=RESULTS)
def test_a_result_that_is_none_traps(lab: Lab, body: str, data: bytes, kind: PanicKind, words: str) -> None:
    """As the airlock has it, but for text that is no UTF-8: that the canonical ABI does not let in."""
    spelt = "".join(f"\\{byte:02x}" for byte in data)
    wasm = wc.guest(body, on="on_start", extra=f'(data (i32.const {PLACE}) "{spelt}")')
    trap = lab.trap(wasm)
    assert trap.kind is kind
    assert words in trap.message


ARGUMENTS = {
    "outside": ("(i32.const -8) (i32.const 20)", PanicKind.OUT_OF_BOUNDS),
    "too long": ("(i32.const 0) (i32.const -1)", PanicKind.OUT_OF_BOUNDS),
    "past the end": ("(i32.const 524288) (i32.const 1)", PanicKind.OUT_OF_BOUNDS),
    "no UTF-8": ("(i32.const 512) (i32.const 2)", PanicKind.OTHER),
}


@pytest.mark.parametrize(("words", "kind"), ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.parametrize("symbol", ["log.write", "panic.report", "config.get", "metrics.counter-add"])
def test_text_that_is_none_traps(lab: Lab, symbol: str, words: str, kind: PanicKind) -> None:
    """The engine checks it before our callback sees any."""
    before = "(i32.const 1)" if symbol == "log.write" else ""
    after = {"config.get": "(i32.const 64)", "metrics.counter-add": "(i64.const 1)"}.get(symbol, "")
    body = f"(call ${symbol} {before} {words} {after})"
    assert lab.trap(wc.guest(body, use=(symbol,), extra='(data (i32.const 512) "a\\ff")')).kind is kind


def test_bytes_outside_memory_trap(lab: Lab) -> None:
    """Lists of bytes like text."""
    for words in ("(i32.const -8) (i32.const 20)", "(i32.const 0) (i32.const -1)"):
        trap = lab.trap(wc.guest(f"(call $state.save {words})", use=("state.save",)))
        assert trap.kind is PanicKind.OUT_OF_BOUNDS


# backtraces


def test_a_backtrace_names_functions(lab: Lab) -> None:
    """Innermost first, with offsets."""
    wasm = wc.guest("call $outer", extra="(func $outer call $inner) (func $inner unreachable)")
    names = [frame.split(" +0x")[0] for frame in lab.trap(wasm).backtrace]
    assert names == ["inner", "outer", wat.HOOK]


def test_a_forged_airlock_is_told_from_ours(lab: Lab) -> None:
    """There is none in this lane."""
    trap = lab.trap(wc.guest("call $f", extra='(func $f (@name "airlock: deliver") unreachable)'))
    assert trap.backtrace[0].startswith("guest: airlock: deliver +0x")


def test_backtraces_are_bounded_and_printable(lab: Lab) -> None:
    """90 KB of names with ESC and newlines are no 1.8 MB of text, nor a cleared screen."""
    name = "\\1b[2J\\0aINFO all is well " * 4_200
    wasm = wc.guest(
        "call $f",
        extra=f"""(global $deep (mut i32) (i32.const 0))
        (func $f (@name "{name}") (if (i32.gt_u (global.get $deep) (i32.const 40)) (then unreachable))
          (global.set $deep (i32.add (global.get $deep) (i32.const 1))) (call $f))""",
    )
    assert len(wasm) > 90_000
    trap = lab.trap(wasm)
    assert trap.kind is PanicKind.UNREACHABLE
    assert 16 <= len(trap.backtrace) <= 24
    assert all(len(frame) < 280 and frame.isprintable() for frame in trap.backtrace)
    assert trap.backtrace[0].startswith(r"\x1b[2J\nINFO all is well")


FORGED = (
    "wasm trap: all fuel consumed by WebAssembly",
    "\\0a\\0aCaused by:\\0a    wasm trap: interrupt",
    "\\0a    1: wasm trap: call stack exhausted\\0a",
    "realloc return: beyond end of memory",
    "\\0arealloc return: beyond end of memory\\0a",
    "x\\0a\\0aCaused by:\\0a    0: error\\0a    1: wasm trap: integer divide by zero\\0a\\0a",
    "string pointer/length out of bounds of memory",
)


@pytest.mark.parametrize("name", FORGED)
def test_no_name_fakes_a_kind(lab: Lab, name: str) -> None:
    """The engine's text has the guest's names in it; what we take from it stands after them."""
    extra = f'(func $f (@name "{name}") unreachable)'
    assert lab.trap(wc.guest("call $f", extra=extra)).kind is PanicKind.UNREACHABLE
    lies = f'(func $f (@name "{name}") (call $log.write (i32.const 9) (i32.const 0) (i32.const 0)))'
    trap = lab.trap(wc.guest("call $f", extra=lies, use=("log.write",)))
    assert (trap.kind, trap.message) == (PanicKind.OTHER, "discriminant 9 out of range [0..5)")


def doubling(levels: int) -> str:
    """A mangled name of C++ that comes to two to the power of its levels."""
    name = "_Z1f1aIiiE"
    for level in range(levels):
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        part = f"S{digits[level]}_"
        name += f"S_I{part}{part}E"
    return name


@pytest.mark.parametrize("name", [doubling(35), doubling(35)[3:], doubling(35)[10:] * 9])
def test_no_name_is_demangled_at_length(lab: Lab, name: str) -> None:
    """Of 35 levels the engine would write until there is no memory left."""
    wasm = wc.guest("call $f", extra=f'(func $f (@name "{name}") unreachable)')
    assert lab.trap(wasm).backtrace[0].startswith("~" + name[1:50])


def test_ordinary_names_stay_as_they_are(lab: Lab) -> None:
    """Short ones, and long ones as a linker writes them, demangled."""
    for name in ("_ZN4core9panicking5panicE", "core::ptr::drop_in_place<" + "alloc::string::String, " * 9):
        wasm = wc.guest("call $f", extra=f'(func $f (@name "{name}") unreachable)')
        assert lab.trap(wasm).backtrace[0].startswith(name[:200])


# what it said, and what is left


def test_the_guests_own_words_are_the_message(lab: Lab) -> None:
    """Escaped and cut; the last of them."""
    body = """(call $panic.report (i32.const 0) (i32.const 5))
      (call $panic.report (i32.const 5) (i32.const 7)) unreachable"""
    data = '(data (i32.const 0) "firstla\\1bst\\c3\\bc")'
    trap = lab.trap(wc.guest(body, use=("panic.report",), extra=data))
    assert (trap.kind, trap.message) == (PanicKind.UNREACHABLE, r"la\x1bstü")
    long = "(memory.fill (i32.const 0) (i32.const 97) (i32.const 9000))"
    body = f"{long} (call $panic.report (i32.const 0) (i32.const 9000)) unreachable"
    assert lab.trap(wc.guest(body, use=("panic.report",))).message == "a" * 4096


def test_words_of_one_delivery_are_not_those_of_the_next(lab: Lab) -> None:
    """What one that returned had to say is a line, and does not explain a later trap."""
    body = """(if (local.get $n) (then (call $panic.report (i32.const 0) (i32.const 3)))
      (else unreachable))"""
    wasm = wc.guest(body, use=("panic.report",), extra='(data (i32.const 0) "old")')
    sandbox = lab.open(wasm)
    assert sandbox.deliver(0, b"x").effects.logs == (LogLine("error", "old"),)
    outcome = sandbox.deliver(0, b"")
    assert outcome.trap is not None
    assert "old" not in outcome.trap.message
    assert outcome.effects.logs == ()


def test_only_logs_outlive_a_trap(lab: Lab) -> None:
    """Up to where it trapped, and how many did not fit; no report, metric or state."""
    log = "(call $log.write (i32.const 2) (i32.const 0) (i32.const 4096))"
    rest = """(call $state.save (i32.const 0) (i32.const 1))
      (call $report.send (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
      (call $metrics.counter-add (i32.const 0) (i32.const 1) (i64.const 1))"""
    use = ("log.write", "state.save", "report.send", "metrics.counter-add")
    outcome = lab.deliver(wc.guest(rest + log * 17 + "unreachable", use=use))
    assert outcome.trap is not None
    assert len(outcome.effects.logs) == 15
    assert outcome.effects[1:] == ((), (), None, 2, 0, 0)


def test_a_trap_closes_the_sandbox(lab: Lab) -> None:
    """And closing it again is harmless."""
    sandbox = lab.open(wc.guest("unreachable"))
    assert sandbox.deliver(0, b"").trap is not None
    with pytest.raises(InternalError, match="closed"):
        sandbox.deliver(0, b"")
    sandbox.close()
    sandbox.close()


def test_what_stops_before_the_hook_begins_leaves_nothing_old(lab: Lab) -> None:
    """No fuel at all: the previous delivery's logs and words are not told again."""
    wasm = wc.guest("(call $log.write (i32.const 2) (i32.const 0) (i32.const 4))", use=("log.write",))
    sandbox = lab.open(wasm)
    assert len(sandbox.deliver(0, b"").effects.logs) == 1
    sandbox._budget = budget(0)
    outcome = sandbox.deliver(0, b"")
    assert outcome.trap is not None
    assert outcome.trap.kind is PanicKind.OUT_OF_FUEL
    assert outcome.effects.logs == ()


# fuel and time in imports


def straight(count: int, call: str) -> str:
    """So many calls one after the other: no loop turns, no function of the guest's begins."""
    return call * count


def test_fuel_is_looked_at_between_imports(lab: Lab) -> None:
    """The engine itself looks only where the guest's functions begin and its loops turn."""
    call = "(call $log.write (i32.const 1) (i32.const 0) (i32.const 30000))"
    wasm = wc.guest(straight(50, call), use=("log.write",))
    trap = lab.trap(wasm, limits=Limits(fuel=FUEL))
    assert (trap.kind, trap.message) == (PanicKind.OUT_OF_FUEL, "the guest used up its fuel")


def test_time_is_looked_at_between_imports(lab: Lab) -> None:
    """However much fuel there is."""
    call = "(call $log.write (i32.const 1) (i32.const 0) (i32.const 500000))"
    wasm = wc.guest(straight(4_000, call), use=("log.write",))
    trap = lab.trap(wasm, limits=Limits(fuel=10**12, deadline_ms=20))
    assert (trap.kind, trap.message) == (PanicKind.DEADLINE, "the guest ran past its deadline")


def test_what_the_engine_copies_is_paid_for(lab: Lab) -> None:
    """A unit of fuel for each byte of text, and 32 for one of a list, as many as the engine makes of it."""

    def cost(size: int, body: str, use: str) -> int:
        memory = "(memory.fill (i32.const 0) (i32.const 97) (i32.const 9000))"
        return lab.deliver(wc.guest(memory + body.format(size), use=(use,)), state=bytes(size)).fuel

    log = "(call $log.write (i32.const 1) (i32.const 0) (i32.const {}))"
    save = "(call $state.save (i32.const 0) (i32.const {}))"
    load = "(call $state.load (i32.const {}))"
    assert cost(5_000, log, "log.write") - cost(0, log, "log.write") == 5_000
    assert cost(5_000, save, "state.save") - cost(0, save, "state.save") == 160_000
    assert cost(4_000, load, "state.load") - cost(0, load, "state.load") == 128_000


# what is no fault of the guest's


def boom(_answers: object, *_arguments: object) -> None:
    """Fail as nothing of ours should."""
    raise ZeroDivisionError("ours")


def interrupt(_answers: object, *_arguments: object) -> None:
    """Fail as somebody's signal handler does."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(("fail", "kind"), [(boom, ZeroDivisionError), (interrupt, KeyboardInterrupt)])
def test_what_fails_in_an_import_reaches_its_owner(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, fail: Any, kind: type[BaseException]
) -> None:
    """As itself and not as a trap of the guest's; the sandbox is closed, another is as it was."""
    guest = lab.load(wc.guest("(drop (call $delivery.now))", use=("delivery.now",)))
    one, other = lab.open(guest), lab.open(guest)
    with monkeypatch.context() as patch:
        patch.setattr("wasmhost.sandbox.answers.Answers.delivery_now", fail)
        with pytest.raises(kind):
            one.deliver(0, b"x")
        with pytest.raises(InternalError, match="closed"):
            one.deliver(0, b"x")
    assert other.deliver(0, b"x").trap is None


def test_a_signal_while_a_guest_runs_is_not_lost() -> None:
    """On the main thread a handler may run as a callback begins, where nothing could catch what it raises.

    Interrupts are sent at times that fall into the guest's code, its imports, and in between.
    """
    code = """
        import os, threading, time, signal
        from tests.sandbox import wat_component as wc
        from wasmhost.config import Limits
        from wasmhost.sandbox.engine import SandboxEngine
        from wasmhost.sandbox.guest import load_guest
        from wasmhost.sandbox.instance import Sandbox
        engine, limits = SandboxEngine(), Limits(fuel=10**12, deadline_ms=10_000)
        spin = '''(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 20000000))))'''
        answer = "(call $state.load (i32.const 64)) (drop (call $delivery.random))"
        wasm = wc.guest(spin + answer * 200, use=("state.load", "delivery.random"), locals_="(local $i i32)")
        guest = load_guest(engine, wasm, limits, grant={"state"})
        for turn in range(12):
            sandbox = Sandbox(engine, guest, limits, state=bytes(1000))
            try:
                threading.Timer(0.004 * turn, os.kill, (os.getpid(), signal.SIGINT)).start()
                outcome = sandbox.deliver(0, b"x")
                time.sleep(1)
            except KeyboardInterrupt:
                print("interrupted")
            else:
                print(outcome)
        engine.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["interrupted"] * 12


def test_the_handler_of_a_signal_is_as_it_was(lab: Lab) -> None:
    """Nothing is installed for it."""
    before = signal.getsignal(signal.SIGINT)
    assert lab.deliver(wc.guest("(drop (call $delivery.now))", use=("delivery.now",))).trap is None
    assert signal.getsignal(signal.SIGINT) is before

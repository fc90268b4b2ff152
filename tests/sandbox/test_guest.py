"""What is refused, and that each refusal is one printable line that names the reason."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from tests.sandbox.lab import LIMITS
from wasmhost.config import Limits
from wasmhost.contract.hooks import HOOK_BY_NAME, HOOKS
from wasmhost.errors import GuestRefused
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.guest import module_kind, surface
from wasmhost.sandbox.outbox import LogLine
from wasmhost.sandbox.sections import Section, join

if TYPE_CHECKING:
    from tests.sandbox.lab import Lab

GOOD = wat.guest(use=("log.write",))
EXPORT = HOOK_BY_NAME[wat.HOOK].export
HOOK = wat.hook(wat.HOOK, "")
NO_MEMORY = ""


def refused(lab: Lab, wasm: bytes, *, limits: Limits = LIMITS, **settings: Any) -> str:  # Any: as for load
    """Load and start a module that must be refused; the reason."""
    with pytest.raises(GuestRefused) as caught:
        lab.open(lab.load(wasm, limits=limits, **settings), limits=limits)
    reason = str(caught.value)
    assert reason.isprintable()
    assert 5 < len(reason) < 600
    return reason


def module(*parts: str) -> bytes:
    """A module of these parts."""
    return wat.wasm(f"(module {' '.join(parts)})")


def random_bytes(seed: int) -> bytes:
    """Bytes that are no module."""
    return random.Random(seed).randbytes(500)


NO_MODULES = {
    "empty": (b"", "it is empty"),
    "text": (b'(module (func (export "x")))', 'no WebAssembly binary: it starts with "(module'),
    "elf": (b"\x7fELF\x02\x01\x01\n\x1b[2J", r'starts with "\x7fELF'),
    "one byte": (b"\0", "no WebAssembly binary"),
    "magic alone": (b"\0asm", "cut short"),
    "half a version": (b"\0asm\1\0", "cut short"),
    "unknown version": (b"\0asm\2\0\0\0", "unknown version"),
    "component": (b"\0asm\x0d\0\1\0", "exports no hook"),
    "random": (random_bytes(1), "no WebAssembly binary"),
    "random after the header": (GOOD[:8] + random_bytes(2), "does not compile"),
    "truncated": (GOOD[:-20], "does not compile"),
    "header only": (GOOD[:8], "exports no hook"),
}


@pytest.mark.parametrize(("wasm", "words"), NO_MODULES.values(), ids=NO_MODULES)
def test_what_is_no_module_is_refused(lab: Lab, wasm: bytes, words: str) -> None:
    """By its first bytes where they tell, by the engine otherwise. Text too: the engine would take it."""
    assert words in refused(lab, wasm)


def test_a_module_cut_anywhere_is_refused(lab: Lab) -> None:
    """Or, cut in a custom section, is as good as whole; never anything else."""
    code_end = GOOD.index(b"\x04name") - 2
    for length in range(0, code_end, 7):
        assert refused(lab, GOOD[:length])


def test_a_module_that_is_too_large_is_refused(lab: Lab) -> None:
    """Before it is compiled; a custom section counts like any other."""
    large = GOOD + b"\x00" + b"\x84\x80\x40" + b"\x03abc" + bytes(1_048_576)
    assert refused(lab, large, limits=Limits(module_mib=1)) == (
        f"it is {len(large):,} bytes, more than module_mib = 1 allows"
    )
    with pytest.raises(GuestRefused):
        module_kind(bytes(1_048_577), 1)


NOT_FITTING = {
    "no hook": (module(wat.MEMORY, wat.REALLOC), "exports no hook"),
    "a hook of another version": (
        module(wat.MEMORY, wat.REALLOC, HOOK.replace("0.1.0", "0.2.0")),
        "exports no hook",
    ),
    "a hook that returns": (
        module(
            wat.MEMORY,
            wat.REALLOC,
            HOOK.replace("(param $n i32)", "(param $n i32) (result i32) (i32.const 0)"),
        ),
        f"it exports {EXPORT} as (i32 i32) -> (i32), and it must be (i32 i32) -> ()",
    ),
    "a fallible hook that does not": (
        module(
            wat.MEMORY, wat.REALLOC, f'(func (export "{HOOK_BY_NAME["on_stop"].export}") (param i32 i32))'
        ),
        "must be (i32 i32) -> (i32)",
    ),
    "a hook that is a memory": (module(f'(memory (export "{EXPORT}") 1)', wat.REALLOC), "must be a function"),
    "a hook of vectors": (
        module(wat.MEMORY, wat.REALLOC, f'(func (export "{EXPORT}") (param v128 funcref externref f32))'),
        "(v128 funcref externref f32) -> ()",
    ),
    "no memory": (module(wat.REALLOC, HOOK), 'no memory named "memory"'),
    "a memory of another name": (
        module('(memory (export "mem") 8)', wat.REALLOC, HOOK),
        'no memory named "memory"',
    ),
    "a memory that is a function": (
        module('(func (export "memory"))', wat.REALLOC, HOOK),
        'no memory named "memory"',
    ),
    "no cabi_realloc": (module(wat.MEMORY, HOOK), "exports no cabi_realloc"),
    "another cabi_realloc": (
        module(wat.MEMORY, '(func (export "cabi_realloc") (param i32) (result i32) (i32.const 0))', HOOK),
        "it exports cabi_realloc as (i32) -> (i32), and it must be (i32 i32 i32 i32) -> (i32)",
    ),
    "another _initialize": (
        wat.guest(extra='(func (export "_initialize") (param i32))'),
        "it exports _initialize as",
    ),
    "another post-return": (
        wat.guest(extra=f'(func (export "cabi_post_{EXPORT}") (param i32))'),
        f"cabi_post_{EXPORT}",
    ),
    "many imports": (
        module(*[wat.imports("log.write").replace("$log.write", "")] * 1001, wat.MEMORY, wat.REALLOC, HOOK),
        "1,001 imports",
    ),
}


@pytest.mark.parametrize(("wasm", "words"), NOT_FITTING.values(), ids=NOT_FITTING)
def test_what_does_not_fit_is_refused(lab: Lab, wasm: bytes, words: str) -> None:
    """And what is wrong is named, with what it must be."""
    assert words in refused(lab, wasm)


IMPORTS = {
    "unknown module": (
        '(import "env" "abort" (func))',
        "it imports env#abort, which wasmhost does not offer",
    ),
    "unknown function": (
        '(import "wasi_snapshot_preview1" "fd_fly" (func))',
        "wasi_snapshot_preview1#fd_fly",
    ),
    "another WASI": ('(import "wasi_unstable" "fd_write" (func))', "wasi_unstable#fd_write"),
    "another version": ('(import "wasmhost:observer/log@0.2.0" "write" (func))', "log@0.2.0#write"),
    "no name": ('(import "" "" (func))', "does not offer"),
    "a memory": ('(import "env" "memory" (memory 1))', "env#memory"),
    "a table": ('(import "env" "t" (table 1 funcref))', "env#t"),
    "a global": ('(import "wasmhost:observer/log@0.1.0" "write" (global i32))', "must be a function"),
    "the box": ('(import "front" "box" (memory 4 4))', "front#box"),
    "mistyped": (
        '(import "wasmhost:observer/log@0.1.0" "write" (func (param i32 i32)))',
        "it imports wasmhost:observer/log@0.1.0#write as (i32 i32) -> (), and it must be (i32 i32 i32) -> ()",
    ),
    "mistyped WASI": (
        '(import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))',
        "must be (i32) -> ()",
    ),
    "an unprintable name": ('(import "\\1b[2J\\0a" "\\e2\\80\\ae" (func))', r"\x1b[2J\n#\u202e"),
    "a long name": (f'(import "{"x" * 5000}" "y" (func))', "xxx…"),
    "a long type": (
        f'(import "wasmhost:observer/log@0.1.0" "write" (func (param {"i64 " * 900})))',
        "i64 i64",
    ),
}


@pytest.mark.parametrize(("text", "words"), IMPORTS.values(), ids=IMPORTS)
def test_an_import_that_is_not_offered_is_refused_by_name(lab: Lab, text: str, words: str) -> None:
    """Unknown, of another version, of another type, or nothing a guest may have."""
    assert words in refused(lab, module(text, wat.MEMORY if "memory" not in text else "", wat.REALLOC, HOOK))


OFF = {
    "threads": '(memory (export "memory") 1 1 shared)',
    "memory64": '(memory (export "memory") i64 1)',
    "exceptions": wat.MEMORY + "(tag $t) (func (throw $t))",
    "GC": wat.MEMORY + "(type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1))))",
    "function references": wat.MEMORY
    + "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))",
    "relaxed SIMD": wat.MEMORY
    + "(func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))",
    "stack switching": wat.MEMORY + "(type $f (func)) (type $c (cont $f)) (func (param (ref null $c)))",
    "custom page sizes": '(memory (export "memory") 1 (pagesize 1))',
    "wide arithmetic": wat.MEMORY + "(func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 1)))",
}


@pytest.mark.parametrize("text", OFF.values(), ids=OFF)
def test_what_is_switched_off_is_refused(lab: Lab, text: str) -> None:
    """Each proposal that blocks, is not limited or can't be replayed."""
    assert "does not compile" in refused(lab, module(text, wat.REALLOC, HOOK))


def test_what_compilers_use_is_let_in(lab: Lab) -> None:
    """SIMD, bulk memory, multiple values, tail calls, sign extension, saturating conversions, references."""
    extra = """(table 2 funcref) (elem declare func $f) (func $f)
      (func (result i32 i32) (i32.const 1) (i32.const 2))
      (func (result v128) (i8x16.splat (i32.extend8_s (i32.trunc_sat_f64_s (f64.const 1)))))
      (func (table.set (i32.const 0) (ref.func $f)))
      (func return_call $f)"""
    assert lab.deliver(wat.guest(extra=extra)).trap is None


def test_hooks_are_those_exported_and_wanted(lab: Lab) -> None:
    """In the table's order; a name that is not exported makes no difference; none left is refused."""
    body = "".join(wat.hook(hook.name, "(i32.const 0)" if hook.fallible else "") for hook in reversed(HOOKS))
    wasm = module(wat.MEMORY, wat.REALLOC, body)
    assert lab.load(wasm).hooks == HOOKS
    wanted = {"on_webrtc_connected", "on_ready", "on_no_such"}
    some = lab.load(wasm, hooks=wanted)
    assert [hook.name for hook in some.hooks] == ["on_ready", "on_webrtc_connected"]
    assert some.hook_index() == {"on_ready": 0, "on_webrtc_connected": 1}
    assert "none of them is in the observer's hooks" in refused(lab, wasm, hooks={"on_no_such"})


def test_each_hook_is_dispatched_to_itself(lab: Lab) -> None:
    """Sixteen hooks, each with a voice of its own."""
    text = "".join(
        wat.hook(
            hook.name,
            f"(call $log.write (i32.const 2) (i32.const {index * 32}) (i32.const {len(hook.name)}))"
            + (" (i32.const 1024)" if hook.fallible else ""),
        )
        + f'(data (i32.const {index * 32}) "{hook.name}")'
        for index, hook in enumerate(HOOKS)
    )
    sandbox = lab.open(module(wat.imports("log.write"), wat.MEMORY, wat.REALLOC, text))
    for index, hook in enumerate(HOOKS):
        assert sandbox.deliver(index, b"e").effects.logs == (LogLine("info", hook.name),)


def test_the_same_import_may_come_twice(lab: Lab) -> None:
    """As in every Go program, whose runtime and standard library import the same functions."""
    twice = wat.imports("wasi.fd_sync", "log.write", "wasi.fd_sync").split("\n")
    twice[2] = twice[2].replace("$wasi.fd_sync", "$again")
    wasm = module(
        *twice,
        wat.MEMORY,
        wat.REALLOC,
        wat.hook(
            wat.HOOK,
            "(call $log.write (i32.const 2) (i32.const 0) (call $again (i32.const 3)))"
            "(call $log.write (i32.const 2) (i32.const 0) (call $wasi.fd_sync (i32.const 3)))",
        ),
    )
    assert [len(line.text) for line in lab.deliver(wasm).effects.logs] == [8 * 4, 8 * 4]  # EBADF times \x00


def test_a_guest_is_described(lab: Lab) -> None:
    """Digest, size, and for `inspect` what the module shows."""
    guest = lab.load(GOOD)
    assert (len(guest.sha256), guest.size) == (64, len(GOOD))
    shown = surface(lab.engine, lab.engine.compile(GOOD), GOOD)
    assert [hook.name for hook in shown.hooks] == [wat.HOOK]
    assert shown.imports == (("wasmhost:observer/log@0.1.0", "write"),)
    assert shown.memory == (8, None)
    empty = b"\0asm\1\0\0\0"
    assert surface(lab.engine, lab.engine.compile(empty), empty).memory is None


# what is refused when it is started

START = "(start $start) (func $start {})"
STARTS = {
    "traps": (START.format("unreachable"), "its start function trapped: the guest gave up"),
    "spins": (START.format("(loop $l (br $l))"), "its start function trapped: the guest used up its fuel"),
    "recurses": (
        START.format("call $start call $start"),
        "its start function trapped: the guest's stack overflowed",
    ),
    "two memories": ("(memory 1)", "it does not instantiate"),
    "thirty memories": ("(memory 1024)" * 30, "it does not instantiate"),
    "a huge table": ("(table 10001 funcref)", "it does not instantiate"),
    "many tables": ("(table 10 funcref)" * 8, "it does not instantiate"),
    "segment out of bounds": (
        '(data (i32.const 524287) "xx")',
        "its start function trapped: the guest reached outside",
    ),
}


@pytest.mark.parametrize(("extra", "words"), STARTS.values(), ids=STARTS)
def test_what_does_not_start_is_refused(lab: Lab, extra: str, words: str) -> None:
    """Fuel, the deadline and the limits hold from the first instruction on."""
    assert words in refused(lab, wat.guest(extra=extra), limits=Limits(init_fuel=1_000_000))


def test_a_start_function_has_a_deadline(lab: Lab) -> None:
    """However much fuel there is."""
    limits = Limits(init_fuel=10**13, init_deadline_ms=20)
    assert "ran past its deadline" in refused(
        lab, wat.guest(extra=START.format("(loop $l (br $l))")), limits=limits
    )


@pytest.mark.parametrize("symbol", ["log.write", "delivery.now", "wasi.random_get", "panic.report"])
def test_a_start_function_cannot_call_imports(lab: Lab, symbol: str) -> None:
    """There is nothing behind them yet: the reason says so, and what to use."""
    entry = wat.BY_SYMBOL[symbol]
    arguments = " ".join(f"({core}.const 0)" for core in entry.params)
    start = START.format(f"(call ${symbol} {arguments})" + ("(drop)" if entry.results else ""))
    assert "called an import before it was instantiated" in refused(
        lab, wat.guest(use=(symbol,), extra=start)
    )


def test_memory_is_limited_at_start_and_later(lab: Lab) -> None:
    """More than memory_mib does not start; growing past it fails as Wasm says, with -1."""
    limits = Limits(memory_mib=1)
    assert "does not instantiate" in refused(
        lab, wat.guest(memory='(memory (export "memory") 17)'), limits=limits
    )
    body = """
      (call $log.write (i32.const 2) (i32.const 0) (i32.sub (memory.grow (i32.const 8)) (i32.const 7)))
      (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))"""
    outcome = lab.deliver(wat.guest(body, use=("log.write",)), limits=limits)
    assert outcome.trap is None
    assert outcome.effects.logs == (LogLine("info", r"\x00"),)


def test_tables_cannot_grow_past_their_limit(lab: Lab) -> None:
    """Nor does the limit get in the way of the airlock's own table."""
    body = """(if (i32.ne (table.grow $t (ref.null func) (i32.const 1)) (i32.const -1)) (then unreachable))"""
    wasm = wat.guest(body, extra="(table $t 100 funcref)", use=("log.write", "panic.report"))
    assert lab.deliver(wasm, limits=Limits(table_elements=100)).trap is None
    assert lab.deliver(wat.guest(use=tuple(wat.BY_SYMBOL)), limits=Limits(table_elements=0)).trap is None


# _initialize

INITIALIZE = '(func (export "_initialize") {})'


def test_initialize_runs_before_the_first_event(lab: Lab) -> None:
    """Once, and what it spent is told."""
    sandbox = lab.open(
        wat.guest(
            "(if (i32.ne (i32.load (i32.const 0)) (i32.const 7)) (then unreachable))",
            extra=INITIALIZE.format(
                "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 7)))"
            ),
        )
    )
    assert sandbox.init.trap is None
    assert 0 < sandbox.init.fuel < 100
    assert [sandbox.deliver(0, b"").trap for _ in range(2)] == [None, None]


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("unreachable", PanicKind.UNREACHABLE, "gave up"),
        ("(loop $l (br $l))", PanicKind.OUT_OF_FUEL, "fuel"),
        ("(call $panic.report (i32.const 0) (i32.const 5)) unreachable", PanicKind.UNREACHABLE, "words"),
        ("(call $wasi.proc_exit (i32.const 1))", PanicKind.EXIT, "code 1"),
    ],
)
def test_an_initialize_that_traps_says_why(lab: Lab, body: str, kind: PanicKind, message: str) -> None:
    """In `Sandbox.init`; the whole budget is charged, and the sandbox is closed."""
    wasm = wat.guest(
        use=("panic.report", "wasi.proc_exit"), extra=INITIALIZE.format(body) + '(data (i32.const 0) "words")'
    )
    sandbox = lab.open(wasm, limits=Limits(init_fuel=1_000_000))
    assert sandbox.init.trap is not None
    assert sandbox.init.trap.kind is kind
    assert message in sandbox.init.trap.message
    assert sandbox.init.fuel == 1_000_000
    assert sandbox.init.trap.backtrace[-1] == "airlock: initialize"


def test_an_initialize_has_a_deadline(lab: Lab) -> None:
    """However much fuel there is."""
    limits = Limits(init_fuel=10**13, init_deadline_ms=20)
    init = lab.open(wat.guest(extra=INITIALIZE.format("(loop $l (br $l))")), limits=limits).init
    assert init.trap is not None
    assert init.trap.kind is PanicKind.DEADLINE


def test_every_wasi_import_can_be_had(lab: Lab) -> None:
    """A guest that imports all of preview 1 starts."""
    names = [entry.symbol for entry in abi.WASI_IMPORTS]
    assert lab.deliver(wat.guest(use=names)).trap is None


@pytest.mark.parametrize("header", [b"\0asm\1\0\0\0", b"\0asm\x0d\0\1\0"], ids=["core", "component"])
def test_a_binary_of_very_many_sections_is_refused_at_once(lab: Lab, header: bytes) -> None:
    """16 million of nothing would take longer to look through than anything else here."""
    assert "more than 100,000 sections" in refused(lab, header + b"\0\1\0" * 8_000_000)


def test_sections_are_counted_at_all_depths_together(lab: Lab) -> None:
    """A few in each of many modules are many."""
    part = Section(1, module() + b"\0\1\0" * 1_000)
    assert "more than 100,000 sections" in refused(lab, join(wc.component()[:8], [part] * 100))

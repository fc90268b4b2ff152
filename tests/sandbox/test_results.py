"""Fallible hooks and the rules of the canonical ABI around them."""

from __future__ import annotations

import struct

import pytest

from tests.sandbox import wat
from tests.sandbox.lab import FALLIBLE, INFALLIBLE, Lab, Puppet
from tests.sandbox.wat import SCRATCH, poke, text
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.panics.record import PanicKind

END = 8 * 64 * 1024
POST = f"cabi_post_{HOOK_BY_NAME['on_start'].export}"
INFALLIBLE_POST = f"cabi_post_{HOOK_BY_NAME[wat.HOOK].export}"


def result(case: int, pointer: int = 0, length: int = 0) -> bytes:
    """Script: put a result<_, string> where the puppet's fallible hook says it is."""
    return poke(SCRATCH, struct.pack("<B3xII", case, pointer, length))


@pytest.fixture
def puppet(lab: Lab) -> Puppet:
    """A fresh puppet."""
    return lab.puppet()


def test_ok_is_no_error(puppet: Puppet) -> None:
    """What lies behind the case is not looked at."""
    assert puppet.play(result(0, -1 & 0xFFFFFFFF, 99), hook=FALLIBLE).error is None


@pytest.mark.parametrize("words", ["", "no", "größer als 🦀", "x" * 4096])
def test_an_error_is_given_as_text(puppet: Puppet, words: str) -> None:
    """Whatever its language; and the next delivery has none."""
    data = words.encode()
    assert puppet.play(poke(0x1000, data), result(1, 0x1000, len(data)), hook=FALLIBLE).error == words
    assert puppet.play(result(0), hook=FALLIBLE).error is None
    assert puppet.play(hook=INFALLIBLE).error is None


def test_an_error_is_bounded_and_escaped(puppet: Puppet) -> None:
    """A guest chose it."""
    script = poke(0x1000, b"\x1b[0m\n" + b"e" * 6000)
    error = puppet.play(script, result(1, 0x1000, 6005), hook=FALLIBLE).error
    assert error is not None
    assert len(error) <= 4096
    assert error.startswith(r"\x1b[0m\neee")


def test_effects_of_a_hook_that_returned_an_error_count(puppet: Puppet) -> None:
    """It returned: a trap is something else."""
    outcome = puppet.play(text("state.save", "kept"), result(1), hook=FALLIBLE)
    assert (outcome.error, outcome.effects.state) == ("", b"kept")


@pytest.mark.parametrize("case", [2, 255])
def test_a_third_case_traps(puppet: Puppet, case: int) -> None:
    """A result is ok or an error."""
    outcome = puppet.play(result(case), hook=FALLIBLE)
    assert outcome.trap is not None
    assert outcome.trap.kind is PanicKind.OTHER
    assert "neither 0 nor 1" in outcome.trap.message


@pytest.mark.parametrize(("pointer", "length"), [(END, 1), (END + 1, 0), (-1, 1), (1, -1)])
def test_an_error_that_is_not_in_memory_traps(puppet: Puppet, pointer: int, length: int) -> None:
    """The words of an error are checked like any other."""
    assert (
        puppet.kind(result(1, pointer & 0xFFFFFFFF, length & 0xFFFFFFFF), hook=FALLIBLE)
        is PanicKind.OUT_OF_BOUNDS
    )


@pytest.mark.parametrize(
    ("place", "word"), [(257, "aligned"), (258, "aligned"), (END - 8, "memory"), (-4, "memory")]
)
def test_a_result_lies_in_memory_and_aligned(lab: Lab, place: int, word: str) -> None:
    """Or there is none."""
    trap = lab.trap(wat.guest(f"(i32.const {place})", on="on_start"))
    assert word in trap.message
    assert lab.deliver(wat.guest(f"(i32.const {END - 12})", on="on_start")).trap is None


def test_post_return_is_called_with_the_result(lab: Lab) -> None:
    """After the error was read, so it may be freed; once per delivery."""
    wasm = wat.guest(
        "(call $log.write (i32.const 2) (i32.const 512) (i32.load8_u (i32.const 520))) (i32.const 256)",
        on="on_start",
        use=("log.write",),
        extra=f"""(data (i32.const 256) "\\01\\00\\00\\00\\00\\02\\00\\00\\04\\00\\00\\00")
        (data (i32.const 512) "oops")
        (func (export "{POST}") (param i32)
          (if (i32.ne (local.get 0) (i32.const 256)) (then unreachable))
          (i32.store (i32.const 512) (i32.const 0x64656566))
          (i32.store8 (i32.const 520) (i32.add (i32.load8_u (i32.const 520)) (i32.const 1))))""",
    )
    sandbox = lab.open(wasm)
    assert sandbox.deliver(0, b"").error == "oops"
    second = sandbox.deliver(0, b"")
    assert second.error == "feed"
    assert [line.text for line in second.effects.logs] == ["f"]


def test_post_return_of_an_infallible_hook_takes_nothing(lab: Lab) -> None:
    """It has no result to free."""
    count = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))"
    wasm = wat.guest(
        "(if (i32.eq (global.get $calls) (i32.const 2)) (then unreachable))",
        extra=f'(global $calls (mut i32) (i32.const 0)) (func (export "{INFALLIBLE_POST}") {count})',
    )
    sandbox = lab.open(wasm)
    assert [sandbox.deliver(0, b"").trap is None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "symbol", ["delivery.now", "log.write", "wasi.sched_yield", "wasi.fd_sync", "wasi.proc_exit"]
)
@pytest.mark.parametrize(
    "place", ["post-return", "infallible-post-return", "cabi_realloc", "cabi_realloc-in-import"]
)
def test_imports_are_shut_in_the_middle_of_our_own_work(lab: Lab, symbol: str, place: str) -> None:
    """An import called from a post-return or from cabi_realloc traps, whichever import it is."""
    entry = wat.BY_SYMBOL[symbol]
    arguments = " ".join(f"({core}.const 0)" for core in entry.params)
    use = f"(call ${symbol} {arguments})" + (" (drop)" if entry.results else "")
    realloc = '(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {} (i32.const 1024))'
    match place:
        case "post-return":
            wasm = wat.guest(
                "(i32.const 256)",
                on="on_start",
                use=(symbol,),
                extra=f'(func (export "{POST}") (param i32) {use})',
            )
        case "infallible-post-return":
            wasm = wat.guest(use=(symbol,), extra=f'(func (export "{INFALLIBLE_POST}") {use})')
        case "cabi_realloc":
            wasm = wat.guest(use=(symbol,), realloc=realloc.format(use))
        case _:
            guarded = f"(if (global.get $in) (then {use}))"
            wasm = wat.guest(
                "(global.set $in (i32.const 1)) (call $state.load (i32.const 256))",
                use=dict.fromkeys((symbol, "state.load")),
                realloc="(global $in (mut i32) (i32.const 0))" + realloc.format(guarded),
            )
    trap = lab.trap(wasm, state=b"blob")
    if place.startswith("cabi_realloc"):
        assert trap.kind is PanicKind.ALLOCATOR
    else:
        assert (trap.kind, "where it may not" in trap.message) == (PanicKind.OTHER, True)
    assert "airlock: guard_open" in trap.backtrace


def test_imports_work_again_after_an_allocation(lab: Lab) -> None:
    """cabi_realloc within an import shuts them only while it runs."""
    body = """(call $state.load (i32.const 256))
      (call $log.write (i32.const 2) (i32.load (i32.const 260)) (i32.load (i32.const 264)))"""
    outcome = lab.deliver(wat.guest(body, use=("state.load", "log.write")), state=b"blob")
    assert [line.text for line in outcome.effects.logs] == ["blob"]


def test_an_import_may_be_exported_again_as_a_hook(lab: Lab) -> None:
    """Its type fits: the host then hears the guest's own event, and nothing worse."""
    export = HOOK_BY_NAME[wat.HOOK].export
    wasm = wat.wasm(
        f"(module {wat.imports('state.save', 'wasi.fd_write')} {wat.MEMORY} {wat.REALLOC}"
        f' (export "{export}" (func $state.save)))'
    )
    assert lab.deliver(wasm, b"echo").effects.state == b"echo"


def test_an_import_exported_again_as_the_allocator_traps(lab: Lab) -> None:
    """fd_write has cabi_realloc's type; imports are shut while we allocate."""
    wasm = wat.wasm(
        f'(module {wat.imports("wasi.fd_write")} {wat.MEMORY} (export "cabi_realloc" (func $wasi.fd_write))'
        f" {wat.hook(wat.HOOK, '')})"
    )
    assert lab.trap(wasm).kind is PanicKind.ALLOCATOR


def test_a_hook_may_call_its_own_exports(lab: Lab) -> None:
    """Re-entry of the guest's own making is the guest's own business."""
    wasm = wat.guest(
        "(if (local.get $n) (then"
        " (drop (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))"
        f" (call ${wat.HOOK} (local.get $p) (i32.sub (local.get $n) (i32.const 1)))))"
    )
    assert lab.deliver(wasm, b"12345").trap is None

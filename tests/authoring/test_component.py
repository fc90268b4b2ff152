"""A component of a core module: what it imports and exports, and the hooks that do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from wasmtime import Config, Engine, Store, WasmtimeError, wat2wasm
from wasmtime.component import Component, Linker

from tests.authoring.helpers import COUNT, LOG, PANIC, STATE
from tests.cli.helpers import GUESTS, small_guest
from tests.contract.wit_reader import Function, Wit, read
from wasmhost.authoring.component import as_component
from wasmhost.authoring.component_text import _FUNCTIONS
from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.config import GRANTABLE, Limits
from wasmhost.contract.hooks import HOOKS, interface_id
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import compile_guest, let_in, load_guest, surface
from wasmhost.sandbox.instance import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wasmhost.sandbox.instance import Outcome


@pytest.fixture(scope="module")
def engine() -> Iterator[SandboxEngine]:
    """One engine for all."""
    with SandboxEngine() as made:
        yield made


def of(text: str) -> tuple[bytes, tuple[str, ...]]:
    """The component of a module in text, and the hooks it really has."""
    made, hooks = as_component(bytes(wat2wasm(text)), None)
    assert hooks is not None
    return made, hooks


@pytest.mark.parametrize("guest", sorted(GUESTS.glob("*.wasm")), ids=lambda path: path.stem)
def test_every_prebuilt_guest_is_one_too(engine: SandboxEngine, guest: Path) -> None:
    """It imports what the module does, exports whole interfaces, and a host lets it in."""
    wasm = guest.read_bytes()
    made, hooks = as_component(wasm, None)
    before = surface(engine, compile_guest(engine, wasm, Limits(module_mib=1)), wasm)
    component = engine.compile_component(made)
    after = surface(engine, component, made)
    assert set(after.imports) == set(before.imports)
    assert hooks == tuple(hook.name for hook in before.hooks)
    interfaces = {hook.interface for hook in before.hooks}
    assert after.hooks == tuple(hook for hook in HOOKS if hook.interface in interfaces)
    assert len(made) - len(wasm) < 8_000
    let_in(engine, component, made, Limits(), grant=GRANTABLE)


def test_what_is_one_already_stays() -> None:
    """And so do the hooks that somebody knows of it."""
    made, _ = of(small_guest())
    assert as_component(made, ("on_start",)) == (made, ("on_start",))


def test_a_hook_that_does_nothing_never_reaches_the_guest(engine: SandboxEngine) -> None:
    """Not even its allocator, which here would trap; ever larger events are no matter."""
    text = small_guest().replace("(result i32) (i32.const 65536)", "(result i32) (unreachable)")
    made, hooks = of(text)
    assert hooks == ("on_signaling_connected",)
    # As the component it is: a host of ours sees that it only wraps a module, and runs that.
    guest = let_in(engine, engine.compile_component(made), made, Limits(), grant=())
    index = guest.hook_index()
    with Sandbox(engine, guest, Limits()) as sandbox:
        for size in (1, 65_519, 65_520, 65_521, 65_536, 3):
            outcome = sandbox.deliver(index["on_signaling_disconnected"], bytes(size))
            assert (outcome.trap, outcome.error) == (None, None)
        assert sandbox.deliver(index["on_signaling_connected"], b"\xa0").trap is not None


def test_a_fallible_hook_that_does_nothing_is_ok() -> None:
    """Asked of wasmtime alone, which knows nothing of us: a result without an error."""
    text = small_guest(hook="on_stop").replace(
        "(param i32 i32) )", "(param i32 i32) (result i32) (unreachable))"
    )
    made, _ = of(text)
    config = Config()
    config.wasm_component_model = True
    engine = Engine(config)
    store = Store(engine)
    instance = Linker(engine).instantiate(store, Component(engine, made))
    interface = instance.get_export_index(store, interface_id("lifecycle"))
    for name in ("on-start", "on-ready", "on-error"):
        place = instance.get_export_index(store, name, interface)
        assert place is not None
        hook = instance.get_func(store, place)
        assert hook is not None
        for event in (b"", b"\xff" * 100):
            answer = hook(store, event)
            hook.post_return(store)
            assert "ok" in repr(answer) or answer is None
    place = instance.get_export_index(store, "on-stop", interface)
    assert place is not None
    mine = instance.get_func(store, place)
    assert mine is not None
    with pytest.raises(WasmtimeError, match="unreachable"):
        mine(store, b"")


def test_it_is_initialised_once_its_imports_lead_somewhere(engine: SandboxEngine) -> None:
    """`_initialize` runs when the component is instantiated."""
    text = small_guest(
        more="""(global $ready (mut i32) (i32.const 0))
          (func (export "_initialize") (global.set $ready (i32.const 1)))""",
        body="(if (i32.eqz (global.get $ready)) (then (unreachable)))",
    )
    guest = load_guest(engine, of(text)[0], Limits(), grant=())
    with Sandbox(engine, guest, Limits()) as sandbox:
        assert sandbox.deliver(guest.hook_index()["on_signaling_connected"], b"\xa0").trap is None


def test_an_import_is_given_the_guests_own_memory(engine: SandboxEngine) -> None:
    """What it writes is read there, and what it is answered is put there, by its allocator."""
    text = small_guest(
        more=f"{LOG} {STATE}",
        body="""(call $load (i32.const 8))
          (call $log (i32.const 2) (i32.load (i32.const 12)) (i32.load (i32.const 16)))""",
    )
    guest = load_guest(engine, of(text)[0], Limits(), grant=GRANTABLE)
    with Sandbox(engine, guest, Limits(), state=b"remember") as sandbox:
        outcome = sandbox.deliver(guest.hook_index()["on_signaling_connected"], b"\xa0")
    assert [line.text for line in outcome.effects.logs] == ["remember"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(module)", "it lacks hooks, memory or cabi_realloc"),
        (small_guest().replace("cabi_realloc", "malloc"), "it lacks hooks, memory or cabi_realloc"),
        (small_guest(more='(import "env" "x" (func))'), "imports env#x, which wasmhost does not offer"),
    ],
)
def test_what_cannot_be_one(text: str, words: str) -> None:
    """One line that says why."""
    with pytest.raises(BuildError, match=words):
        of(text)


def test_the_capabilities_are_those_of_the_wit() -> None:
    """Each function, with the names and the types it has there."""
    wit = read()
    declared = {
        (name, function): _spelt(wit, name, kind)
        for name in wit.imports
        for function, kind in wit.interfaces[name].functions.items()
    }
    assert declared == _FUNCTIONS


def _spelt(wit: Wit, interface: str, function: Function) -> str:
    """A function's type as the text of a component has it."""
    params = [f'(param "{name}" {_type(wit, interface, kind)})' for name, kind in function.params]
    if function.result is not None:
        params.append(f"(result {_type(wit, interface, function.result)})")
    return " ".join(params)


def _type(wit: Wit, interface: str, kind: str) -> str:
    if "<" in kind:
        outer, _, inner = kind.removesuffix(">").partition("<")
        return f"({outer} {_type(wit, interface, inner)})"
    resolved = wit.resolve(interface, kind)
    return f"${resolved}" if resolved in wit.interfaces[interface].enums else resolved


WASI_GUEST = f"""(module
  {LOG} {PANIC} {COUNT}
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\\20\\00\\00\\00\\05\\00\\00\\00\\25\\00\\00\\00\\07\\00\\00\\00")
  (data (i32.const 32) "first\\0a\\0asec\\0ad")
  (func $count-it (param i64) (call $count (i32.const 0) (i32.const 0) (local.get 0)))
  (func $now (result i64)
    (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 128)))
    (i64.load (i32.const 128)))
  (func $drawn (result i64)
    (drop (call $random (i32.const 136) (i32.const 8)))
    (i64.load (i32.const 136)))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "_initialize")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 64)))
    (i64.store (i32.const 256) (call $now))
    (i64.store (i32.const 264) (call $drawn)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param i32 i32)
    {{}}))"""
ALL_THERE_IS = """
  (call $count-it (i64.extend_i32_u (i64.ne (i64.load (i32.const 264)) (i64.const 0))))
  (call $count-it (i64.load (i32.const 256)))
  (call $count-it (call $now))
  (call $count-it (call $drawn))
  (call $count-it (call $drawn))
  (call $count-it (i64.extend_i32_u (call $read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
  (call $count-it (i64.extend_i32_u (call $open
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0))))
  (i64.store (i32.const 536) (i64.const 5000000000)) ;; a subscription at 512: a clock, from now on
  (call $count-it (i64.extend_i32_u
    (call $poll (i32.const 512) (i32.const 640) (i32.const 1) (i32.const 700))))
  (call $count-it (i64.extend_i32_u (i32.load (i32.const 700))))
  (call $count-it (call $now))
  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 64)))
  (call $count-it (i64.extend_i32_u (i32.load (i32.const 64))))
  (call $log (i32.const 0) (i32.const 32) (i32.const 5))
  (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 64)))
  (drop (call $write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 64)))
  (i32.store (i32.const 16) (i32.const 36)) ;; a newline alone ends what is left of both
  (i32.store (i32.const 16) (i32.const 37))
  (i32.store (i32.const 20) (i32.const 1))
  (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 64)))
  (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 64)))
"""


def both(engine: SandboxEngine, body: str, events: int = 2) -> list[list[Outcome]]:
    """Deliver to a guest with WASI, as the core module it is and as a component."""
    core = bytes(wat2wasm(WASI_GUEST.format(body)))
    runs: list[list[Outcome]] = []
    for wasm in (core, as_component(core, None)[0]):
        guest = load_guest(engine, wasm, Limits(), grant=GRANTABLE)
        index = guest.hook_index()["on_webrtc_connected"]
        with Sandbox(engine, guest, Limits(), seed=3) as sandbox:
            outcomes = []
            for number in range(events):
                at = 10**18 + number * 10**9
                outcomes.append(sandbox.deliver(index, b"\xa0", at=at, seq=number, seed=5))
                if outcomes[-1].trap is not None:
                    break
            runs.append(outcomes)
    return runs


def test_wasi_is_answered_in_a_component_as_the_airlock_answers_it(engine: SandboxEngine) -> None:
    """Time, random numbers, sleeping, files that are not there; the lines of standard output and error."""
    core, component = both(engine, ALL_THERE_IS)
    for before, after in zip(core, component, strict=True):
        assert (before.trap, after.trap) == (None, None)
        assert after.effects.metrics == before.effects.metrics
        assert sorted(after.effects.logs) == sorted(before.effects.logs)
    texts = [(line.level, line.text) for line in component[0].effects.logs]
    assert texts == [
        ("info", "first"),
        ("info", "sec"),
        ("trace", "first"),
        ("warn", "first"),
        ("warn", "sec"),
        ("info", "d"),
        ("warn", "d"),
    ]


def test_the_last_words_of_a_guest_that_exits(engine: SandboxEngine) -> None:
    """What it wrote to standard error in this delivery, and not before, is the panic's message."""
    once = """(if (i64.eqz (i64.load (i32.const 800)))
        (then
          (i64.store (i32.const 800) (i64.const 1))
          (drop (call $write (i32.const 2) (i32.const 0) (i32.const 2) (i32.const 64)))
          (return)))
      (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 64)))
      (call $exit (i32.const 2))"""
    core, component = both(engine, once)
    for outcomes in (core, component):
        trap = outcomes[1].trap
        assert trap is not None
        assert trap.message == "first"
    assert [line.text for line in component[1].effects.logs] == ["d", "first"]


def test_output_without_end_stays_within_its_buffer(engine: SandboxEngine) -> None:
    """A piece larger than all there is, many times, and a pointer that lies."""
    flood = """(local $i i32)
      (i32.store (i32.const 16) (i32.const 1024))
      (i32.store (i32.const 20) (i32.const 60000))
      (loop $more
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 64)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const 9))))"""
    _, ((outcome,)) = both(engine, flood, events=1)
    assert outcome.trap is None
    lie = flood.replace("60000", "600000")
    for outcomes in both(engine, lie, events=1):
        assert outcomes[0].trap is not None


def test_an_allocator_may_look_at_the_clock_and_at_nothing_else(engine: SandboxEngine) -> None:
    """As in the airlock, for Go's heap."""
    plain = "(result i32) (i32.const 65536))"
    for body, panics in (("(drop (call $now))", False), ("(drop (call $drawn))", True)):
        text = WASI_GUEST.format("(call $count-it (call $now))").replace(
            plain, f"(result i32) {body} (i32.const 65536))"
        )
        assert body in text
        core = bytes(wat2wasm(text))
        for wasm in (core, as_component(core, None)[0]):
            guest = load_guest(engine, wasm, Limits(), grant=GRANTABLE)
            with Sandbox(engine, guest, Limits()) as sandbox:
                outcome = sandbox.deliver(guest.hook_index()["on_webrtc_connected"], b"\xa0", at=10**18)
            assert (outcome.trap is not None) == panics


def test_what_frees_a_result_is_called_with_it(engine: SandboxEngine) -> None:
    """`cabi_post_…` of a hook, after it returned; here it marks that it was there, for the next event."""
    name = "wasmhost:observer/lifecycle@0.1.0#on-start"
    text = f"""(module
      {COUNT}
      (memory (export "memory") 2)
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
      (func (export "{name}") (param i32 i32) (result i32)
        (call $count (i32.const 0) (i32.const 0) (i64.load (i32.const 64)))
        (i32.const 1024))
      (func (export "cabi_post_{name}") (param i32)
        (i64.store (i32.const 64) (i64.extend_i32_u (local.get 0)))))"""
    guest = load_guest(engine, of(text)[0], Limits(), grant=GRANTABLE)
    with Sandbox(engine, guest, Limits()) as sandbox:
        outcomes = [sandbox.deliver(guest.hook_index()["on_start"], b"\xa0") for _ in range(2)]
    assert [outcome.trap for outcome in outcomes] == [None, None]
    assert [outcome.effects.metrics[0][1] for outcome in outcomes] == [0, 1024]

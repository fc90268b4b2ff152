"""A component of a core module: what it imports and exports, and the hooks that do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from wasmtime import Config, Engine, Store, WasmtimeError, wat2wasm
from wasmtime.component import Component, Linker

from tests.authoring.helpers import LOG, STATE
from tests.cli.helpers import GUESTS, small_guest
from tests.contract.wit_reader import Function, Wit, read
from wasmhost.authoring.component import as_component
from wasmhost.authoring.component_text import _FUNCTIONS
from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.config import GRANTABLE, Limits
from wasmhost.contract.hooks import HOOKS, interface_id
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import compile_guest, load_guest, surface
from wasmhost.sandbox.instance import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
    before = surface(engine, compile_guest(engine, wasm, 1), wasm)
    after = surface(engine, compile_guest(engine, made, 1), made)
    assert set(after.imports) == set(before.imports)
    assert hooks == tuple(hook.name for hook in before.hooks)
    interfaces = {hook.interface for hook in before.hooks}
    assert after.hooks == tuple(hook for hook in HOOKS if hook.interface in interfaces)
    assert len(made) - len(wasm) < 8_000
    load_guest(engine, made, Limits(), grant=GRANTABLE)


def test_what_is_one_already_stays() -> None:
    """And so do the hooks that somebody knows of it."""
    made, _ = of(small_guest())
    assert as_component(made, ("on_start",)) == (made, ("on_start",))


def test_a_hook_that_does_nothing_never_reaches_the_guest(engine: SandboxEngine) -> None:
    """Not even its allocator, which here would trap; ever larger events are no matter."""
    text = small_guest().replace("(result i32) (i32.const 65536)", "(result i32) (unreachable)")
    made, hooks = of(text)
    assert hooks == ("on_signaling_connected",)
    guest = load_guest(engine, made, Limits(), grant=())
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

"""Making sandboxes in a test, and what tests say of their outcomes."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.sandbox import wat, wat_component
from wasmhost.config import Limits
from wasmhost.sandbox.guest import Guest, load_guest
from wasmhost.sandbox.instance import Outcome, Sandbox
from wasmhost.sandbox.native.cell import Plan

if TYPE_CHECKING:
    from collections.abc import Collection

    from wasmhost.panics.record import PanicKind
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.traps import TrapReport

EVERY_GRANT = frozenset({"config", "metrics", "report", "state"})
LIMITS = Limits()
INFALLIBLE, FALLIBLE = 1, 0  # indices of the puppet's hooks


class Lab(contextlib.ExitStack):
    """Makes sandboxes on one engine and closes them in the end."""

    def __init__(self, engine: SandboxEngine) -> None:
        super().__init__()
        self.engine = engine

    def load(
        self,
        wasm: bytes,
        *,
        limits: Limits = LIMITS,
        grant: Collection[str] = EVERY_GRANT,
        hooks: Collection[str] | None = None,
    ) -> Guest:
        """Check and compile a module; compiled once per engine where all is as usual."""
        if limits is LIMITS and grant is EVERY_GRANT and hooks is None:
            return _load(self.engine, wasm)
        return load_guest(self.engine, wasm, limits, grant=grant, hooks=hooks)

    # Any: the keywords of Sandbox, which its constructor checks.
    def open(self, wasm: bytes | Guest, *, limits: Limits = LIMITS, **settings: Any) -> Sandbox:
        """A live sandbox."""
        loaded = wasm if isinstance(wasm, Guest) else self.load(wasm, limits=limits)
        return self.enter_context(Sandbox(self.engine, loaded, limits, **settings))

    def deliver(self, wasm: bytes, event: bytes = b"event", **settings: Any) -> Outcome:
        """The outcome of one event in a fresh sandbox."""
        return self.open(wasm, **settings).deliver(0, event)

    def trap(self, wasm: bytes, event: bytes = b"event", **settings: Any) -> TrapReport:
        """The trap of one event in a fresh sandbox, which must trap."""
        outcome = self.deliver(wasm, event, **settings)
        assert outcome.trap is not None
        return outcome.trap

    def puppet(self, **settings: Any) -> Puppet:
        """A sandbox that plays scripts."""
        return Puppet(self.open(wat_puppet(), **settings))

    def component_puppet(self, **settings: Any) -> Puppet:
        """A component that plays scripts."""
        return Puppet(self.open(component_puppet(), **settings))


class Puppet:
    """A sandbox of `wat.puppet`: give it scripts."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def play(self, *script: bytes, hook: int = INFALLIBLE, **header: int) -> Outcome:
        """Deliver a script; its outcome, whatever it is."""
        return self.sandbox.deliver(hook, b"".join(script), **header)

    def told(self, *script: bytes, **header: int) -> list[bytes]:
        """Deliver a script that must not trap; what it told."""
        outcome = self.play(*script, **header)
        assert outcome.trap is None
        return [report.body for report in outcome.effects.reports]

    def ask(self, symbol: str, *arguments: float, **header: int) -> int:
        """Call one import; the number it gives."""
        (body,) = self.told(wat.call(symbol, *arguments), wat.answer(), **header)
        return int.from_bytes(body, "little")

    def kind(self, *script: bytes, **header: int) -> PanicKind:
        """Deliver a script that must trap; the kind of the trap."""
        outcome = self.play(*script, **header)
        assert outcome.trap is not None
        return outcome.trap.kind


def core_plan(guest: Guest) -> Plan:
    """What a guest that is a core module is instantiated by."""
    assert isinstance(guest.plan, Plan)
    return guest.plan


@lru_cache(maxsize=256)
def _load(engine: SandboxEngine, wasm: bytes) -> Guest:
    return load_guest(engine, wasm, LIMITS, grant=EVERY_GRANT)


@lru_cache(maxsize=1)
def wat_puppet() -> bytes:
    """The puppet with all imports there are."""
    return wat.puppet()


@lru_cache(maxsize=1)
def component_puppet() -> bytes:
    """The puppet with all imports that a component may have."""
    return wat_component.puppet()

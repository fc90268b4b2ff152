"""What is measured: one hook's work on 74 opaque bytes, done in five ways, and a sandbox to do it in.

The guest's work is the same everywhere: take the bytes, add up the first and the last. So what
differs is the way there and back.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import structlog
import wasmtime

from wasmhost.authoring.component import as_component
from wasmhost.config import Limits
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.sandbox.guest import let_in, load_guest
from wasmhost.sandbox.instance import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest

HOOK: Final = "on_webrtc_connected"
PAYLOAD: Final = bytes(range(74))
_FUEL: Final = 10_000_000

GUEST_WAT: Final = f"""(module
  (memory (export "memory") 1)
  (global $sum (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "{HOOK_BY_NAME[HOOK].export}") (param $p i32) (param $n i32)
    (global.set $sum (i32.add
      (i32.load8_u (local.get $p))
      (i32.load8_u (i32.sub (i32.add (local.get $p) (local.get $n)) (i32.const 1)))))))"""

_EXTISM_WAT: Final = """(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (memory (export "memory") 1)
  (global $sum (mut i32) (i32.const 0))
  (func (export "hook") (result i32)
    (global.set $sum (i32.add
      (call $load (i64.const 0))
      (call $load (i64.sub (call $length) (i64.const 1)))))
    (i32.const 0)))"""


def small_guest(engine: SandboxEngine) -> Guest:
    """Load the guest whose delivery is measured."""
    return load_guest(engine, bytes(wasmtime.wat2wasm(GUEST_WAT)), Limits(), grant=())


def airlock(engine: SandboxEngine) -> Callable[[], object]:
    """Fuel set and read back, deadline armed, Outcome made."""
    sandbox = Sandbox(engine, small_guest(engine), Limits(fuel=_FUEL))
    return lambda: sandbox.deliver(0, PAYLOAD)


def component(engine: SandboxEngine) -> Callable[[], object]:
    """The same guest in the lane of components. A host would run the module that it wraps."""
    wasm, _ = as_component(bytes(wasmtime.wat2wasm(GUEST_WAT)), None)
    guest = let_in(engine, engine.compile_component(wasm), wasm, Limits(), grant=(), hooks={HOOK})
    sandbox = Sandbox(engine, guest, Limits(fuel=_FUEL))
    return lambda: sandbox.deliver(0, PAYLOAD)


def sandbox(engine: SandboxEngine) -> Callable[[], object]:
    """A sandbox made and closed."""
    guest, limits = small_guest(engine), Limits()
    return lambda: Sandbox(engine, guest, limits).close()


def wasmtime_py() -> Callable[[], object]:
    """Fuel set and read back, list lowered, hook called: by wasmtime-py's documented API."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    store.set_fuel(_FUEL)
    store.set_epoch_deadline(1_000_000)
    exports = wasmtime.Instance(store, wasmtime.Module(engine, GUEST_WAT), []).exports(store)
    memory, realloc, hook = exports["memory"], exports["cabi_realloc"], exports[HOOK_BY_NAME[HOOK].export]
    if not (
        isinstance(memory, wasmtime.Memory)
        and isinstance(realloc, wasmtime.Func)
        and isinstance(hook, wasmtime.Func)
    ):
        raise TypeError("the guest's exports are not what its text says")

    def deliver() -> int:
        store.set_fuel(_FUEL)
        pointer = realloc(store, 0, 0, 1, len(PAYLOAD))
        memory.write(store, PAYLOAD, pointer)
        hook(store, pointer, len(PAYLOAD))
        return _FUEL - store.get_fuel()

    return deliver


def extism() -> Callable[[], object] | None:
    """A call of a plugin through Extism's SDK, which has no fuel; None where it is not installed."""
    try:
        import extism as sdk
    except ImportError:
        return None
    plugin = sdk.Plugin(bytes(wasmtime.wat2wasm(_EXTISM_WAT)))
    return lambda: plugin.call("hook", PAYLOAD)


def python() -> Callable[[], object]:
    """The work without a sandbox."""

    def hook(event: bytes) -> int:
        return event[0] + event[-1]

    return lambda: hook(PAYLOAD)


def structlog_line() -> Callable[[], object]:
    """One line such as the host writes per event, rendered and thrown away."""
    log = structlog.wrap_logger(
        structlog.PrintLogger(file=io.StringIO()),
        wrapper_class=structlog.BoundLogger,  # whatever level the log of this process is at
        processors=[structlog.processors.TimeStamper("iso"), structlog.processors.KeyValueRenderer()],
    )
    return lambda: log.info("webrtc connected", peer="acme/echo/1.0.0#42@7", relayed=False)

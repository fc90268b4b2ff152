"""One configured engine: what Wasm means here, compiled modules, and the clock of its deadlines."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Final

from wasmtime import Config, Engine, Module

from wasmhost.sandbox.airlock.assemble import Fitting, assemble
from wasmhost.sandbox.compiling import Compiler
from wasmhost.sandbox.mangled import blunted
from wasmhost.sandbox.native.library import without_async
from wasmhost.sandbox.native.timer import ticker
from wasmhost.sandbox.sections import layer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from wasmtime.component import Component

    from wasmhost.sandbox.artifacts import ArtifactCache

TICK_MS: Final = 10
_TICK_NS: Final = TICK_MS * 1_000_000
_KIB: Final = 1024


class SandboxEngine:
    """An engine with everything off that a guest does not need, and everything counted.

    Off, because it blocks, can't be replayed or isn't limited: threads, relaxed SIMD, GC, exceptions,
    64-bit memories, stack switching. NaNs are canonical. Fuel and epochs are on. Safe from any thread.
    """

    def __init__(self, stack_kib: int = 256, cache: ArtifactCache | None = None) -> None:
        """Make the engine.

        ``stack_kib`` is what a guest's calls may take of its thread's stack; ``cache`` keeps what was
        compiled for the next engine, in this process or another.
        """
        self.stack_bytes = stack_kib * _KIB
        self.engine = Engine(_configure(self.stack_bytes))
        self._compiler = Compiler(self.engine, repr((stack_kib, _SETTINGS)), cache)
        self.ticker = ticker(self.engine, _TICK_NS)
        self._airlocks: dict[Fitting, tuple[Module, Module]] = {}
        self._lock = threading.Lock()

    def knows(self, wasm: bytes) -> bool:
        """Whether this binary was compiled before, so that compiling it takes no time now."""
        return self._compiler.knows(blunted(wasm) if layer(wasm) == "component" else wasm)

    def compile(self, wasm: bytes) -> Module:
        """Compile a module; raises `wasmtime.WasmtimeError` where it is none."""
        return self._compiler.module(wasm)

    def compile_component(self, wasm: bytes) -> Component:
        """Compile a component; raises `wasmtime.WasmtimeError` where it is none."""
        return self._compiler.component(blunted(wasm))

    def airlock(self, fitting: Fitting) -> tuple[Module, Module]:
        """The front and the back for guests of this fitting, compiled once."""
        with self._lock:
            found = self._airlocks.get(fitting)
            if found is None:
                made = assemble(fitting)
                front, back = Module(self.engine, made.front), Module(self.engine, made.back)
                found = self._airlocks[fitting] = (front, back)
            return found

    def close(self) -> None:
        """Stop the clock. Sandboxes must be closed before."""
        self.ticker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ticks(deadline_ms: float) -> int:
    """Epoch ticks that are at least this long: one more than fit, as the first may be nearly over.

    And one more again, because a deadline is re-armed once a tick and may be that much older.
    """
    return math.ceil(deadline_ms / TICK_MS) + 2


# Everything that code is compiled under, by the names that `wasmtime.Config` has for it.
_SETTINGS: Final = {
    "consume_fuel": True,
    "epoch_interruption": True,
    # Traps by explicit checks and not by signals. A handler for SIGSEGV belongs to the whole process,
    # and whoever installs one after us (faulthandler.enable, a native library) turns a guest's reach
    # out of bounds into the death of everybody. Deliveries cost the same; a guest's loop that does
    # nothing but load and store takes twice as long.
    "signals_based_traps": False,
    "cranelift_nan_canonicalization": True,
    "wasm_multi_memory": True,  # for the airlock; a store's limits keep a guest to one memory
    "wasm_threads": False,
    "shared_memory": False,
    "wasm_relaxed_simd": False,
    "wasm_gc": False,
    "wasm_function_references": False,
    "wasm_exceptions": False,
    "wasm_memory64": False,
    "wasm_stack_switching": False,
    "wasm_custom_page_sizes": False,
    "wasm_wide_arithmetic": False,
}


def _configure(stack_bytes: int) -> Config:
    config = Config()
    config.max_wasm_stack = stack_bytes
    for name, value in _SETTINGS.items():
        assert hasattr(Config, name), name  # noqa: S101 - a name it had not would be set and change nothing
        setattr(config, name, value)
    without_async(config)
    return config

"""One configured engine: what Wasm means here, compiled modules, and the clock of its deadlines."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Final

from wasmtime import Module, WasmtimeError
from wasmtime.component import Component

from wasmhost.sandbox.airlock.assemble import Fitting, assemble
from wasmhost.sandbox.compiling import Artifact, Bounds, Compiler, InProcess
from wasmhost.sandbox.mangled import blunted
from wasmhost.sandbox.native.timer import ticker
from wasmhost.sandbox.settings import make_engine

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from wasmhost.sandbox.artifacts import ArtifactCache
    from wasmhost.sandbox.compiling import ModuleKind, Workshop

TICK_MS: Final = 10
_TICK_NS: Final = TICK_MS * 1_000_000
_KIB: Final = 1024
_BOUNDS: Final = Bounds()


class SandboxEngine:
    """An engine with the settings of `settings.py`, its modules and its clock. Safe from any thread."""

    def __init__(
        self, stack_kib: int = 256, cache: ArtifactCache | None = None, workshop: Workshop | None = None
    ) -> None:
        """Make the engine.

        ``stack_kib`` is what a guest's calls may take of its thread's stack; ``cache`` keeps what was
        compiled for the next engine, in this process or another; ``workshop`` is where that is done, in
        this process where there is none.
        """
        self.stack_bytes = stack_kib * _KIB
        self.engine = make_engine(stack_kib)
        self.compiler = Compiler(stack_kib, cache, workshop or InProcess(self.engine))
        self.ticker = ticker(self.engine, _TICK_NS)
        self._airlocks: dict[Fitting, tuple[Module, Module]] = {}
        self._lock = threading.Lock()

    def compile(self, wasm: bytes, bounds: Bounds = _BOUNDS) -> Module:
        """Compile a module; raises `wasmtime.WasmtimeError` where it is none."""
        made = self._make("core", wasm, bounds)
        assert isinstance(made, Module)  # noqa: S101 - as was asked for
        return made

    def compile_component(self, wasm: bytes, bounds: Bounds = _BOUNDS) -> Component:
        """Compile a component; raises `wasmtime.WasmtimeError` where it is none."""
        made = self._make("component", blunted(wasm), bounds)
        assert isinstance(made, Component)  # noqa: S101 - as was asked for
        return made

    def adopt(self, artifact: Artifact) -> Module | Component:
        """Take over what was compiled before, here or elsewhere, by our own compiler and nobody else's.

        :raises wasmtime.WasmtimeError: it is of another engine.
        """
        kind = Module if artifact.kind == "core" else Component
        return kind.deserialize(self.engine, artifact.code)

    def _make(self, kind: ModuleKind, wasm: bytes, bounds: Bounds) -> Module | Component:
        artifact = self.compiler.artifact(kind, wasm, bounds)
        try:
            return self.adopt(artifact)
        except (
            WasmtimeError
        ):  # kept by an engine that says it is this one and is not, or by another processor
            return self.adopt(self.compiler.again(kind, wasm, bounds))

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

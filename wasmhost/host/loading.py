"""From a configured module to a guest that runs, or to the reason why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.config.model import MOST_STACK_KIB
from wasmhost.errors import GuestRefused, UserError
from wasmhost.host.mishaps import tell_operator
from wasmhost.sandbox.artifacts import user_cache
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import load_guest, was_compiled
from wasmhost.sandbox.native.component_cell import ComponentPlan
from wasmhost.wall.workshop import child_workshop

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.config import ObserverConfig
    from wasmhost.sandbox.compiling import Compiler
    from wasmhost.sandbox.guest import Guest

_MIB: Final = 1024 * 1024
_LARGE: Final = 4 * _MIB  # takes seconds to compile: worth a line, so that nobody thinks that it hangs


class Engines:
    """The engines of one host: one for each size of stack that its observers ask for."""

    def __init__(self) -> None:
        self._cache = user_cache()
        self._workshop = child_workshop()
        self._engines: dict[int, SandboxEngine] = {}

    @property
    def trouble(self) -> str | None:
        """Why modules are compiled anew at each start, where they are."""
        return self._cache.trouble if self._cache is not None else None

    def of(self, observer: ObserverConfig) -> SandboxEngine:
        """Return the engine for an observer.

        :raises GuestRefused: it may use more of a stack than there is.
        """
        size = observer.limits.stack_kib
        if size > MOST_STACK_KIB:
            raise GuestRefused(f"its stack_kib is {size:,}; it can be {MOST_STACK_KIB:,} at most")
        found = self._engines.get(size)
        if found is None:
            found = self._engines[size] = SandboxEngine(size, self._cache, self._workshop)
        return found

    def rest(self) -> None:
        """Disarm the tickers: nothing runs."""
        for engine in tuple(self._engines.values()):
            engine.ticker.disarm()

    def close(self) -> None:
        """Stop the tickers for good, and what is being compiled."""
        for engine in self._engines.values():
            engine.close()
        if self._workshop is not None:
            self._workshop.close()


def load(observer: ObserverConfig, engine: SandboxEngine) -> Guest:
    """Read, check and compile an observer's module. Takes as long as compiling takes.

    :raises GuestRefused: with the reason.
    """
    wasm = read_to_compile(observer, engine.compiler)
    guest = load_guest(engine, wasm, observer.limits, grant=observer.grant, hooks=observer.hooks)
    if isinstance(guest.plan, ComponentPlan):
        raise GuestRefused(
            "it is a component, whose imports are Python callbacks: they run beside this process only, "
            'so say isolation = "process"'
        )
    return guest


def refusal(error: Exception) -> str:
    """Word why an observer does not run, and log what of it is a bug of ours.

    Raises what is not about its module: that the database cannot be opened, say.
    """
    if isinstance(error, GuestRefused):
        return str(error)
    if isinstance(error, UserError):
        raise error
    tell_operator("error", "wasmhost failed to load an observer", exc_info=error)
    return f"wasmhost failed to load it, which is a bug: {error!r}"


def read_to_compile(observer: ObserverConfig, compiler: Compiler) -> bytes:
    """Read an observer's module, and say so where compiling it will take long.

    :raises GuestRefused: it cannot be read, or would not be compiled.
    """
    wasm = read_module(observer.module, observer.limits.module_mib)
    if len(wasm) >= _LARGE and not was_compiled(compiler, wasm, observer.limits):
        tell_operator("info", "compiling a large module", observer=observer.name, bytes=len(wasm))
    return wasm


def read_module(path: Path, limit_mib: int) -> bytes:
    """Read a module's file, but no more of it than may be compiled.

    :raises GuestRefused: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(limit_mib * _MIB + 1)
    except (OSError, ValueError) as error:  # a ValueError for a path with a zero byte in it
        reason = error.strerror if isinstance(error, OSError) else None
        raise GuestRefused(f"{path} cannot be read: {reason or error}") from None

"""What is told of an observer that panicked: a record to the panic log, and ever fewer lines to the log."""

from __future__ import annotations

import time
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.panics.record import Panic

if TYPE_CHECKING:
    from wasmhost.contract.codec import Frame
    from wasmhost.host.ports import PanicKeeper
    from wasmhost.sandbox.traps import TrapReport

WASMTIME: Final = metadata.version("wasmtime")

_log: Final = structlog.stdlib.get_logger("wasmhost.host")


def tell_operator(level: str, message: str, **fields: object) -> None:
    """Write a line to the log. One that can't be written, say to a closed stderr, costs no event."""
    with suppress(Exception):
        getattr(_log, level)(message, **fields)


def is_worth_a_line(count: int) -> bool:
    """Whether the ``count``-th of the same mishap is told: the 1st, 2nd, 4th, 8th… is.

    Whoever causes them chooses how many there are; the log must not grow as fast.
    """
    return count & (count - 1) == 0


class PanicTeller:
    """Tells of the panics of one observer. Used by one thread at a time."""

    def __init__(self, observer: str, module_sha256: str, panics: PanicKeeper) -> None:
        self._observer = observer
        self._module_sha256 = module_sha256
        self._panics = panics
        self._told = 0

    def tell(self, trap: TrapReport, hook: str, fuel: int, frame: Frame | None = None, lost: int = 0) -> None:
        """Tell of one panic: every one to the panic log; the 1st, 2nd, 4th, 8th… to the log.

        ``frame`` is None for code that runs before any event. ``lost`` is what the guest was told.
        """
        self._told += 1
        count = self._told
        if is_worth_a_line(count):
            tell_operator(
                "error",
                "observer panicked; isolated",
                observer=self._observer,
                hook=hook,
                kind=trap.kind.value,
                panic=trap.message,
                count=count,
            )
        self.record(trap, hook, fuel, frame, lost)

    def record(
        self, trap: TrapReport, hook: str, fuel: int, frame: Frame | None = None, lost: int = 0
    ) -> None:
        """Tell the panic log only: of one that somebody else has told the log of."""
        self._panics.record(
            Panic(
                observer=self._observer,
                module_sha256=self._module_sha256,
                hook=hook,
                src=(frame.src or "") if frame is not None else "",
                seq=frame.seq if frame is not None else 0,
                at=frame.at if frame is not None else 0,
                kind=trap.kind,
                message=trap.message,
                backtrace=trap.backtrace,
                fuel_budget=fuel,
                event=frame.data if frame is not None else b"",
                lost=lost,
                wasmtime=WASMTIME,
                happened_at=time.time_ns(),
            )
        )

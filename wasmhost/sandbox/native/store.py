"""A store of the engine's and its one owner: what a live sandbox of either kind has at its lowest."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NewType

from wasmtime import Store
from wasmtime import _ffi as ffi

from wasmhost.errors import InternalError
from wasmhost.sandbox.native import library

if TYPE_CHECKING:
    from wasmtime import Engine

# Why a cell's door is shut; "" is open.
BUSY: Final = "this sandbox is running already: one delivery at a time"
TRAPPED: Final = "this sandbox trapped, and may only be closed"
CLOSED: Final = "this sandbox is closed"

Budget = NewType("Budget", object)
"""An amount of fuel in the form the engine takes it."""


def budget(fuel: int) -> Budget:
    """Make a budget, once, for many deliveries."""
    return Budget(ctypes.c_uint64.from_param(fuel))


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """What the engine itself holds a store to. Bytes, elements and counts."""

    memory_bytes: int
    table_elements: int
    instances: int = 3
    tables: int = 8
    memories: int = 2  # the box, and one for the guest


class StoreCell:
    """Owns a store and every pointer into it. Used by one thread at a time.

    ``_shut`` is the door: every way to the engine looks at it first, so that whoever comes second,
    after a trap or after `close` finds an `InternalError` and not a guest in mid-flight or freed
    memory. Between the look and the closing of the door no other Python thread can run: in CPython
    they take turns at calls and jumps backwards only, and there is neither.

    ``result[0]`` says after a delivery whether it left anything in the box. After a `Trapped`, from
    whichever method, only the box can still be read; then `close` it.
    """

    __slots__ = ("_box", "_context", "_fuel_left", "_fuel_slot", "_shut", "_store", "result")

    def __init__(self, engine: Engine, limits: StoreLimits, fuel: int, ticks: int) -> None:
        """Make a store that is held to ``limits``, with ``fuel`` and a deadline of ``ticks``."""
        self._shut = ""
        self._store = Store(engine)
        # Arguments are made once, in the form ctypes would make of them at each call: a third cheaper.
        self._context = ctypes.byref(self._store._context().contents)
        self._fuel_left = ctypes.c_uint64()
        self._fuel_slot = ctypes.byref(self._fuel_left)
        self._box = memoryview(b"")
        self.result = memoryview(b"")
        self._store.set_limits(
            limits.memory_bytes, limits.table_elements, limits.instances, limits.tables, limits.memories
        )
        self.arm(ticks)
        library.set_fuel(self._context, ctypes.c_uint64(fuel))

    def arm(self, ticks: int) -> None:
        """Set the deadline of what runs next, in epoch ticks from now."""
        if self._shut:
            raise InternalError(self._shut)
        library.set_epoch_deadline(self._context, ctypes.c_uint64(ticks))

    @property
    def has_initialize(self) -> bool:
        """Whether there is something to initialise beside what ran as it was instantiated."""
        return False

    @property
    def box(self) -> memoryview:
        """The box. Valid until `close`; do not keep it, or slices of it."""
        return self._box

    def close(self) -> None:
        """Free the store, views of it first. Safe to call again; refused while it runs."""
        if self._shut is BUSY:
            raise InternalError("a running sandbox cannot be closed")
        if self._shut is CLOSED:
            return
        self._shut = CLOSED
        self._let_go()
        # Taken from its owner before it is freed: an interrupt between the two leaks a store, where
        # Store.close could be made to free it twice.
        ffi.wasmtime_store_delete(self._store._consume())

    def _let_go(self) -> None:
        """Release what points into the store."""
        self.result.release()
        self._box.release()

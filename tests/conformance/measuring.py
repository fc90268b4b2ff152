"""What a sandbox costs before the first event, and how much linear memory a guest takes: looked up inside."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from wasmtime import _ffi as ffi

from tests.conformance.memory import least_pages
from wasmhost.sandbox import instance
from wasmhost.sandbox.engine import ticks
from wasmhost.sandbox.native import library
from wasmhost.sandbox.native.cell import Cell, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.testing import Desk, Observer

_AMPLE: Final = 10_000_000_000


def init_fuel(desk: Desk, observer: Observer) -> int:
    """The fuel of start functions, and of `_initialize`."""
    with desk.engine.ticker.held():
        cell = instance._cell(desk.engine, observer.guest, _AMPLE, ticks(60_000))
        library.get_fuel(cell._context, cell._fuel_slot)
        left = cell._fuel_left.value
        cell.close()
    return _AMPLE - left + observer.sandbox.init.fuel


def memory_pages(observer: Observer, run: Callable[[Observer], None]) -> int:
    """The pages of linear memory that a guest has after a run; a component's are found by trying."""
    if not isinstance(observer.guest.plan, Plan):
        return least_pages(observer, run)
    found: list[Any] = []  # Any: wasmtime-py has no types for its C API
    export = Cell._export

    def noting(cell: Cell, exporter: Any, name: str) -> Any:
        item = export(cell, exporter, name)
        if name == "memory":
            found.append((cell, item))
        return item

    with patch.object(Cell, "_export", noting):
        run(observer)
    cell, item = found[-1]
    return int(ffi.wasmtime_memory_size(cell._store._context(), ctypes.byref(item.of.memory)))

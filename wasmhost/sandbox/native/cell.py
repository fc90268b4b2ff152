"""A live sandbox at its lowest: a store, three instances, one box, and the call that delivers."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmtime import _ffi as ffi

from wasmhost.errors import InternalError
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.native import library
from wasmhost.sandbox.native.store import BUSY, TRAPPED, Budget, StoreCell, StoreLimits
from wasmhost.sandbox.native.trap import Trapped, take_error, take_trap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmtime import Engine, Module

# Looked up once: the hot path must not go through two modules' namespaces for each call.
_set_fuel: Final = library.set_fuel
_get_fuel: Final = library.get_fuel
_call: Final = library.call_unchecked
_pack_header: Final = abi.HEADER_IN.pack_into
_ONE: Final = ctypes.c_size_t.from_param(1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to instantiate.

    ``trampolines``: how many the front has. ``guest_needs``: which of them each import of the guest
    is, in the guest's order. ``back_needs``: the guest's exports the back imports, in the back's
    order, its memory first.
    """

    front: Module
    guest: Module
    back: Module
    trampolines: int
    guest_needs: tuple[int, ...]
    back_needs: tuple[str, ...]
    has_initialize: bool
    limits: StoreLimits


class Cell(StoreCell):
    """A core module between front and back. Owns the view of the box that the front exports."""

    __slots__ = (
        "_box_owner",
        "_deliver_func",
        "_inbox",
        "_initialize_func",
        "_raw_slot",
        "_trap",
        "_trap_slot",
    )

    def __init__(self, engine: Engine, plan: Plan, fuel: int, ticks: int) -> None:
        """Instantiate; start functions run here, under ``fuel`` and a deadline of ``ticks``.

        :raises Trapped: a start function trapped, or the module asks for more than its limits.
        """
        super().__init__(engine, plan.limits, fuel, ticks)
        self._trap = ctypes.c_void_p()
        self._trap_slot = ctypes.byref(self._trap)
        raw = (ffi.wasmtime_val_raw_t * 1)()
        self._raw_slot = ctypes.byref(raw)
        self.result = memoryview(raw).cast("B").cast("i")
        self._inbox = memoryview(b"")
        try:
            self._link(plan)
        except BaseException:
            self.close()
            raise

    def _link(self, plan: Plan) -> None:
        """Front, guest, back: each is given what the one before it exports."""
        front = self._instance(plan.front, ())
        box, table, *trampolines = self._exports(front, 2 + plan.trampolines)
        guest = self._instance(plan.guest, [trampolines[index] for index in plan.guest_needs])
        memory, *functions = (self._export(guest, name) for name in plan.back_needs)
        back = self._instance(plan.back, (memory, box, table, *functions))
        self._deliver_func = ctypes.byref(self._export(back, "deliver").of.func)
        self._initialize_func = (
            ctypes.byref(self._export(back, "initialize").of.func) if plan.has_initialize else None
        )
        self._view(box.of.memory)

    def _view(self, box: ffi.wasmtime_memory_t) -> None:
        """Look at the box for good: it never grows, so it never moves while the store lives."""
        context, memory = self._store._context(), ctypes.byref(box)
        size = ffi.wasmtime_memory_data_size(context, memory)
        data = ctypes.cast(ffi.wasmtime_memory_data(context, memory), ctypes.c_void_p).value
        if size != abi.BOX_BYTES or data is None:
            raise InternalError(f"the box is {size} bytes at {data}, not {abi.BOX_BYTES}")
        self._box_owner = (ctypes.c_uint8 * size).from_address(data)
        self._box = memoryview(self._box_owner).cast("B")
        self._inbox = self._box[abi.INBOX : abi.INBOX + abi.AREA_BYTES]

    def _instance(self, module: Module, imports: Sequence[ffi.wasmtime_extern_t]) -> ffi.wasmtime_instance_t:
        array = (ffi.wasmtime_extern_t * max(1, len(imports)))(*imports)
        instance = ffi.wasmtime_instance_t()
        count = ctypes.c_size_t(len(imports))
        error = library.instance_new(
            self._context, module.ptr(), array, count, ctypes.byref(instance), self._trap_slot
        )
        if error or self._trap.value:
            raise self._failure(error)
        return instance

    def _exports(self, instance: ffi.wasmtime_instance_t, count: int) -> list[ffi.wasmtime_extern_t]:
        """The first ``count`` exports of a module of ours."""
        found: list[ffi.wasmtime_extern_t] = []
        name = ctypes.POINTER(ctypes.c_char)()
        length = ctypes.c_size_t()
        at, named = ctypes.byref(instance), (ctypes.byref(name), ctypes.byref(length))
        for index in range(count):
            item = ffi.wasmtime_extern_t()
            if not ffi.wasmtime_instance_export_nth(
                self._store._context(), at, index, *named, ctypes.byref(item)
            ):
                raise InternalError(f"the airlock's front has no export {index}")
            found.append(item)
        return found

    def _export(self, instance: ffi.wasmtime_instance_t, name: str) -> ffi.wasmtime_extern_t:
        """One export, by name. Never all: a guest may have a hundred thousand."""
        encoded = name.encode()
        item = ffi.wasmtime_extern_t()
        if not ffi.wasmtime_instance_export_get(
            self._store._context(), ctypes.byref(instance), encoded, len(encoded), ctypes.byref(item)
        ):
            raise InternalError(f"the export {name!r} was there when the module was checked")
        return item

    @property
    def has_initialize(self) -> bool:
        """Whether the guest has an ``_initialize``."""
        return self._initialize_func is not None

    def deliver(
        self, hook: int, event: bytes, at: int, seq: int, lost: int, seed: int, budget: Budget
    ) -> int:
        """Write one event into the box, run its hook, and give the fuel that is left.

        ``hook`` is an index into the plan's hooks, ``event`` at most 64 KiB, the other integers u64.
        Whether it left anything in the box, ``result[0]`` tells.

        :raises Trapped: the guest trapped; the box can still be read.
        """
        if self._shut:
            raise InternalError(self._shut)
        self._shut = BUSY
        try:
            length = len(event)
            self._inbox[:length] = event
            context = self._context
            _pack_header(self._box, 0, hook, length, at, seq, lost, seed)
            _set_fuel(context, budget)
            error = _call(context, self._deliver_func, self._raw_slot, _ONE, self._trap_slot)
            if error or self._trap.value:
                raise self._failure(error)  # noqa: TRY301 - here an interrupt still finds the handler below
        except Trapped:
            self._shut = TRAPPED
            raise
        except BaseException:
            self._cut_short()
            raise
        self._shut = ""
        _get_fuel(context, self._fuel_slot)
        return self._fuel_left.value

    def initialize(self, budget: int, seed: int) -> int:
        """Run the guest's ``_initialize`` and give the fuel that is left.

        What it may learn are constants: ``seed``, which is the same at each start, and a fixed time.

        :raises Trapped: it trapped; the box can still be read.
        """
        if self._shut:
            raise InternalError(self._shut)
        if self._initialize_func is None:
            return budget
        self._shut = BUSY
        try:
            _pack_header(self._box, 0, 0, 0, abi.INIT_AT, 0, 0, seed)
            _set_fuel(self._context, ctypes.c_uint64(budget))
            error = _call(self._context, self._initialize_func, self._raw_slot, _ONE, self._trap_slot)
            if error or self._trap.value:
                raise self._failure(error)  # noqa: TRY301 - here an interrupt still finds the handler below
        except Trapped:
            self._shut = TRAPPED
            raise
        except BaseException:
            self._cut_short()
            raise
        self._shut = ""
        _get_fuel(self._context, self._fuel_slot)
        return self._fuel_left.value

    def _cut_short(self) -> None:
        """Something else than the guest ended a run: a KeyboardInterrupt, a value that does not fit.

        The native call, if it came to that, has returned: signals are handled between bytecodes. But
        nobody has looked at how it went, so nobody may go on with this guest.
        """
        self._shut = TRAPPED
        if self._trap.value:
            self._failure(None)
        self.close()

    def _failure(self, error: int | None) -> Trapped:
        if error:
            return Trapped(take_error(error))
        address, self._trap.value = self._trap.value, None
        assert address is not None  # noqa: S101 - our callers found one of the two
        return Trapped(take_trap(address))

    def _let_go(self) -> None:
        self._inbox.release()
        super()._let_go()

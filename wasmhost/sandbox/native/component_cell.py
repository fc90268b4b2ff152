"""A live component at its lowest: a store, an instance, and the call that delivers.

It has the face of `cell.Cell`, and the same box; here the box is memory of ours, into which the callbacks
of `imports.py` write what back.wat would.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmtime import _ffi as ffi

from wasmhost.errors import InternalError
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.answers import Answers
from wasmhost.sandbox.engine import TICK_MS
from wasmhost.sandbox.native import library
from wasmhost.sandbox.native.aside import Errand, on_main_thread
from wasmhost.sandbox.native.imports import Caller, ImportLinker
from wasmhost.sandbox.native.store import BUSY, TRAPPED, Budget, StoreCell, StoreLimits
from wasmhost.sandbox.native.trap import Trapped, take_component_error
from wasmhost.sandbox.native.values import EventArgument, delete, lift_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmtime import Engine
    from wasmtime.component import Component

# Looked up once, as in cell.py.
_set_fuel: Final = library.set_fuel
_get_fuel: Final = library.get_fuel
_call: Final = library.component_call
_pack_header: Final = abi.HEADER_IN.pack_into
_unpack_header: Final = abi.HEADER_OUT.unpack_from
_now: Final = time.monotonic_ns
_abandoned: Final[list[ComponentCell]] = []  # never freed: see `ComponentCell._cut_short`
_NONE: Final = ctypes.c_size_t.from_param(0)
_ONE: Final = ctypes.c_size_t.from_param(1)


@dataclass(frozen=True, slots=True)
class ComponentPlan:
    """What to instantiate, and with which imports.

    ``hooks``: for each that may be delivered, the interface's full name, the function's, and whether it
    has a result. ``allocators``: where in the binary those functions begin that are its allocators.
    """

    component: Component
    linker: ImportLinker
    hooks: tuple[tuple[str, str, bool], ...]
    limits: StoreLimits
    allocators: frozenset[int] = frozenset()


class ComponentCell(StoreCell):
    """A component. Owns the instance's functions, and the memory they read an event from."""

    __slots__ = (
        "_allocators",
        "_allowed",
        "_answers",
        "_argument",
        "_caller",
        "_errand",
        "_functions",
        "_linker",
        "_result",
        "_where",
    )

    def __init__(self, engine: Engine, plan: ComponentPlan, fuel: int, ticks: int) -> None:
        """Instantiate; start functions run here, under ``fuel`` and a deadline of ``ticks``.

        :raises Trapped: a start function trapped, or the component asks for more than its limits.
        """
        super().__init__(engine, plan.limits, fuel, ticks)
        self._box = memoryview(bytearray(abi.BOX_BYTES))
        self.result = memoryview(bytearray(4)).cast("i")
        self._answers = Answers(self._box)
        self._caller = Caller(self._answers)
        self._argument = EventArgument()
        self._result = ffi.wasmtime_component_val_t()
        self._linker = plan.linker
        self._where = ctypes.addressof(self._store._context().contents)
        self._errand = Errand()
        self._allocators = plan.allocators
        self._functions: list[tuple[tuple[object, ...], bool]] = []
        try:
            self._linker.attach(self._where, self._caller)
            self._instantiate(plan)
        except BaseException:
            self._cut_short()
            raise

    def _instantiate(self, plan: ComponentPlan) -> None:
        instance = ffi.wasmtime_component_instance_t()
        error = self._native(
            library.component_instantiate,
            plan.linker.address,
            self._context,
            plan.component.ptr(),
            ctypes.byref(instance),
        )
        if error:
            raise self._failure(error)
        argument = ctypes.byref(self._argument.argument)
        for interface, name, has_result in plan.hooks:
            function = ctypes.byref(self._function(instance, interface, name))
            result = (ctypes.byref(self._result), _ONE) if has_result else (None, _NONE)
            # All arguments of the call, made once: they are the same each time.
            self._functions.append(((function, self._context, argument, _ONE, *result), has_result))

    def _function(
        self, instance: ffi.wasmtime_component_instance_t, interface: str, name: str
    ) -> ffi.wasmtime_component_func_t:
        place = self._export(instance, None, interface)
        try:
            index = self._export(instance, place, name)
        finally:
            ffi.wasmtime_component_export_index_delete(place)
        function = ffi.wasmtime_component_func_t()
        found = ffi.wasmtime_component_instance_get_func(
            ctypes.byref(instance), self._store._context(), index, ctypes.byref(function)
        )
        ffi.wasmtime_component_export_index_delete(index)
        if not found:
            raise InternalError(f"{name!r} of {interface!r} was a function when the component was checked")
        return function

    def _export(
        self,
        instance: ffi.wasmtime_component_instance_t,
        inside: ctypes._Pointer[ffi.wasmtime_component_export_index_t] | None,
        name: str,
    ) -> ctypes._Pointer[ffi.wasmtime_component_export_index_t]:
        encoded = name.encode()
        found = ffi.wasmtime_component_instance_get_export_index(
            ctypes.byref(instance),
            self._store._context(),
            inside,
            ctypes.create_string_buffer(encoded),
            len(encoded),
        )
        if not found:
            raise InternalError(f"the export {name!r} was there when the component was checked")
        return found

    def deliver(
        self, hook: int, event: bytes, at: int, seq: int, lost: int, seed: int, budget: Budget
    ) -> int:
        """Run a hook with one event, and give the fuel that is left; see `cell.Cell.deliver`.

        :raises Trapped: the guest trapped; the box can still be read.
        """
        if self._shut:
            raise InternalError(self._shut)
        self._shut = BUSY
        try:
            if len(event) > abi.AREA_BYTES:
                raise ValueError(f"an event of {len(event):,} bytes, more than {abi.AREA_BYTES:,}")  # noqa: TRY301 - likewise
            answers = self._answers
            self._argument.write(event)
            _pack_header(self._box, 0, hook, len(event), at, seq, lost, seed)
            arguments, has_result = self._functions[hook]
            self._caller.until = _now() + self._allowed
            answers.begin()
            _set_fuel(self._context, budget)
            error = self._native(_call, *arguments)
            answers.open = False
            self._argument.forget()
            if error:
                raise self._failure(error)  # noqa: TRY301 - here an interrupt still finds the handler below
            if has_result:
                self._take_result()
            self.result[0] = any(_unpack_header(self._box, abi.OUT_PHASE))
        except Trapped:
            self._shut = TRAPPED
            raise
        except BaseException:
            self._cut_short()
            raise
        self._shut = ""
        _get_fuel(self._context, self._fuel_slot)
        return self._fuel_left.value

    def arm(self, ticks: int) -> None:
        """Set the deadline of what runs next, in epoch ticks from now; imports look at the clock."""
        super().arm(ticks)
        self._allowed = ticks * TICK_MS * 1_000_000

    def _native(self, call: Callable[..., int | None], *arguments: object) -> int | None:
        """Run the guest; where no signal may come in between, if it can call us."""
        if self._linker.calls_back and on_main_thread():
            return self._errand.run(call, *arguments)
        return call(*arguments)

    def _cut_short(self) -> None:
        """Something else than the guest ended a run, so nobody may go on with it; see `cell.Cell`."""
        if self._errand.away:  # a second interrupt: the guest runs still, and its store is left to it
            self._shut = BUSY
            _abandoned.append(self)
            return
        self._shut = TRAPPED
        self.close()

    def _take_result(self) -> None:
        """Bring the hook's error into the box, where it returned one."""
        place = ctypes.addressof(self._result)
        error = lift_error(place, abi.TEXT_BYTES)
        delete(place)
        if error is not None:
            abi.U32.pack_into(self._box, abi.OUT_ERROR_LENGTH, self._answers.keep_text(abi.ERROR, error))
            abi.U32.pack_into(self._box, abi.OUT_ERROR, 1)

    def initialize(self, budget: int, _seed: int) -> int:
        """Do nothing: a component is initialised as it is instantiated."""
        return budget

    def _failure(self, error: int) -> BaseException:
        """The guest's trap; or what failed in one of our callbacks, which is no fault of the guest's."""
        raw = take_component_error(error)
        if self._caller.failure is not None:
            return self._caller.failure
        if raw.bad_room or any(frame.begin in self._allocators for frame in raw.frames):
            abi.U32.pack_into(self._box, abi.OUT_PHASE, abi.Phase.LOWER)
        return Trapped(raw)

    def _let_go(self) -> None:
        self._linker.detach(self._where)
        self._answers.box = memoryview(b"")
        super()._let_go()

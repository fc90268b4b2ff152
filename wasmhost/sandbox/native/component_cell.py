"""A live component at its lowest: a store, an instance, and the call that delivers.

It has the face of `cell.Cell`, and the same box; here the box is memory of ours, into which the callbacks
of `imports.py` write what back.wat would.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmtime import _ffi as ffi

from wasmhost.errors import InternalError
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.answers import Answers
from wasmhost.sandbox.native import library
from wasmhost.sandbox.native.imports import Caller, ImportLinker
from wasmhost.sandbox.native.store import BUSY, TRAPPED, Budget, StoreCell, StoreLimits
from wasmhost.sandbox.native.trap import Trapped, take_component_error
from wasmhost.sandbox.native.values import EventArgument, delete, lift_error

if TYPE_CHECKING:
    from wasmtime import Engine
    from wasmtime.component import Component

_pack_header: Final = abi.HEADER_IN.pack_into
_ONE: Final = ctypes.c_size_t.from_param(1)


@dataclass(frozen=True, slots=True)
class ComponentPlan:
    """What to instantiate, and with which imports.

    ``hooks``: for each that may be delivered, the interface's full name, the function's, and whether it
    has a result.
    """

    component: Component
    linker: ImportLinker
    hooks: tuple[tuple[str, str, bool], ...]
    limits: StoreLimits


class ComponentCell(StoreCell):
    """A component. Owns the instance's functions, and the memory they read an event from."""

    __slots__ = ("_answers", "_argument", "_caller", "_functions", "_linker", "_result", "_where")

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
        self._functions: list[tuple[ffi.wasmtime_component_func_t, bool]] = []
        try:
            self._linker.attach(self._where, self._caller)
            self._instantiate(plan)
        except BaseException:
            self.close()
            raise

    def _instantiate(self, plan: ComponentPlan) -> None:
        instance = ffi.wasmtime_component_instance_t()
        error = library.component_instantiate(
            plan.linker.address, self._context, plan.component.ptr(), ctypes.byref(instance)
        )
        if error:
            raise self._failure(error)
        for interface, name, has_result in plan.hooks:
            self._functions.append((self._function(instance, interface, name), has_result))

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
            self._begin(hook, len(event), at, seq, lost, seed)
            self._argument.write(event)
            function, has_result = self._functions[hook]
            library.set_fuel(self._context, budget)
            error = self._call(function, has_result)
            if error:
                raise self._failure(error)  # noqa: TRY301 - here an interrupt still finds the handler below
            self._end(has_result)
        except Trapped:
            self._shut = TRAPPED
            raise
        except BaseException:
            self._shut = TRAPPED
            self.close()
            raise
        self._shut = ""
        library.get_fuel(self._context, self._fuel_slot)
        return self._fuel_left.value

    def _begin(self, hook: int, length: int, at: int, seq: int, lost: int, seed: int) -> None:
        _pack_header(self._box, 0, hook, length, at, seq, lost, seed)
        abi.U32.pack_into(self._box, abi.OUT_PHASE, abi.Phase.HOOK)
        self._answers.begin()

    def _call(self, function: ffi.wasmtime_component_func_t, has_result: bool) -> int | None:
        result, count = (ctypes.byref(self._result), _ONE) if has_result else (None, ctypes.c_size_t(0))
        error: int | None = library.component_call(
            ctypes.byref(function), self._context, ctypes.byref(self._argument.argument), _ONE, result, count
        )
        self._answers.open = False
        self._argument.forget()
        return error

    def _end(self, has_result: bool) -> None:
        """Take the hook's error, where it returned one, and see whether anything is in the box."""
        if has_result:
            place = ctypes.addressof(self._result)
            error = lift_error(place, abi.TEXT_BYTES)
            delete(place)
            if error is not None:
                abi.U32.pack_into(self._box, abi.OUT_ERROR_LENGTH, self._answers.keep_text(abi.ERROR, error))
                abi.U32.pack_into(self._box, abi.OUT_ERROR, 1)
        abi.U32.pack_into(self._box, abi.OUT_PHASE, abi.Phase.IDLE)
        self.result[0] = any(abi.HEADER_OUT.unpack_from(self._box, abi.OUT_PHASE))

    def initialize(self, budget: int, _seed: int) -> int:
        """Do nothing: a component is initialised as it is instantiated."""
        return budget

    def _failure(self, error: int) -> BaseException:
        """The guest's trap; or what failed in one of our callbacks, which is no fault of the guest's."""
        trapped = Trapped(take_component_error(error))
        return self._caller.failure or trapped

    def _let_go(self) -> None:
        self._linker.detach(self._where)
        self._answers.box = memoryview(b"")
        super()._let_go()

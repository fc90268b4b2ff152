"""The imports of a component, satisfied by callbacks that end in its sandbox's `Answers`.

One `ImportLinker` serves all sandboxes of a guest: which of them is calling, the store's address tells. A
callback lifts what it is given, bounded, asks, and lowers the answer. It never raises into the engine: a
failure of ours is kept for the sandbox's owner, and the guest trapped.

What the engine copies for a call costs it time, and the guest nothing; nor does it look at fuel and
deadline between two calls that follow each other. So callbacks look, and take fuel for what was copied.
"""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Final

from wasmtime import WasmtimeError
from wasmtime import _ffi as ffi

from wasmhost.contract.hooks import interface_id
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.native import library
from wasmhost.sandbox.native.values import (
    VAL_BYTES,
    bytes_at,
    lift_bytes,
    lift_f64,
    lift_spans,
    lift_text,
    lift_u64,
    lower_optional_bytes,
    lower_optional_text,
    lower_u64,
    text_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from wasmtime import Engine

    from wasmhost.sandbox.answers import Answers

    Answer = Callable[[Answers, int, int], int]
    """Given the addresses of the first argument and of the result; gives the fuel it costs."""

TOO_EARLY: Final = "wasmhost: an import was called before the component was instantiated"
FAILED: Final = "wasmhost: an import failed"
# In the engine's own words, so that such a trap is no other than one in the guest's code.
_NO_TIME: Final = "wasm trap: interrupt"
_NO_FUEL: Final = "wasm trap: all fuel consumed by WebAssembly"

_LEVELS: Final = {b"trace": 0, b"debug": 1, b"info": 2, b"warn": 3, b"error": 4}
_now: Final = time.monotonic_ns
_fuel_left: Final = library.fuel_left
_leave_fuel: Final = library.leave_fuel
_NAME: Final = abi.NAME_BYTES + 1  # one more than may be: that it is too long shows
_AREA: Final = abi.AREA_BYTES + 1
_TEXT: Final = abi.TEXT_BYTES
_SECOND: Final = VAL_BYTES

# env, context, type of the function, arguments, how many, results, how many; gives an error or null.
_Callback: Final = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_size_t,
)


def _log_write(answers: Answers, args: int, _result: int) -> int:
    level_size, level, size, text = lift_spans(args)
    answers.log_write(_LEVELS[text_at(level_size, level, 8)], text_at(size, text, _TEXT))
    return size


def _panic_report(answers: Answers, args: int, _result: int) -> int:
    text, size = lift_text(args, _TEXT)
    answers.panic_report(text)
    return size


def _config_get(answers: Answers, args: int, result: int) -> int:
    key, size = lift_text(args, _AREA)
    value = answers.config_get(key)
    lower_optional_text(result, value)
    return size + len(value or b"")


def _state_load(answers: Answers, _args: int, result: int) -> int:
    blob = answers.state_load()
    lower_optional_bytes(result, blob)
    return len(blob or b"") * VAL_BYTES


def _state_save(answers: Answers, args: int, _result: int) -> int:
    blob, size = lift_bytes(args, _AREA)
    answers.state_save(blob, size)
    return size * VAL_BYTES


def _counter_add(answers: Answers, args: int, _result: int) -> int:
    name, size = lift_text(args, _NAME)
    answers.metrics_counter_add(name, lift_u64(args + _SECOND))
    return size


def _gauge_set(answers: Answers, args: int, _result: int) -> int:
    name, size = lift_text(args, _NAME)
    answers.metrics_gauge_set(name, lift_f64(args + _SECOND))
    return size


def _report_send(answers: Answers, args: int, _result: int) -> int:
    size, topic, body_size, body = lift_spans(args)
    answers.report_send(text_at(size, topic, _NAME), bytes_at(body_size, body, _AREA))
    return size + body_size * VAL_BYTES


def _telling(number: Callable[[Answers], int]) -> Answer:
    def tell(answers: Answers, _args: int, result: int) -> int:
        lower_u64(result, number(answers))
        return 0

    return tell


_ANSWERS: Final[dict[tuple[str, str], Answer]] = {
    ("log", "write"): _log_write,
    ("panic", "report"): _panic_report,
    ("delivery", "now"): _telling(lambda answers: answers.delivery_now()),
    ("delivery", "sequence"): _telling(lambda answers: answers.delivery_sequence()),
    ("delivery", "lost"): _telling(lambda answers: answers.delivery_lost()),
    ("delivery", "random"): _telling(lambda answers: answers.delivery_random()),
    ("config", "get"): _config_get,
    ("state", "load"): _state_load,
    ("state", "save"): _state_save,
    ("metrics", "counter-add"): _counter_add,
    ("metrics", "gauge-set"): _gauge_set,
    ("report", "send"): _report_send,
}


class Caller:
    """A sandbox as its imports see it.

    ``until``: when its time is up, on the monotonic clock. ``failure``: what went wrong in an import, and
    was ours.
    """

    __slots__ = ("answers", "failure", "fuel", "fuel_place", "until")

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.until = 0
        self.failure: BaseException | None = None
        self.fuel = ctypes.c_uint64()
        self.fuel_place = ctypes.addressof(self.fuel)


class ImportLinker:
    """Owns a linker of the engine's, and the callbacks it holds pointers to. Safe from any thread.

    ``imports``: for each interface that the component imports, by its short name, the functions it wants
    of it; none for one that has types only. ``calls_back``: whether there are any functions.
    """

    def __init__(self, engine: Engine, imports: Mapping[str, Collection[str]]) -> None:
        self.calls_back = any(imports.values())
        self._callers: dict[int, Caller] = {}
        self._callbacks: list[object] = []
        self._linker: ctypes._Pointer[ffi.wasmtime_component_linker_t] | None
        self._linker = ffi.wasmtime_component_linker_new(engine.ptr())
        root = ffi.wasmtime_component_linker_root(self._linker)
        try:
            for interface, functions in imports.items():
                self._define(root, interface, functions)
        finally:
            ffi.wasmtime_component_linker_instance_delete(root)

    def __del__(self) -> None:
        linker, self._linker = getattr(self, "_linker", None), None
        if linker:
            ffi.wasmtime_component_linker_delete(linker)

    @property
    def address(self) -> ctypes._Pointer[ffi.wasmtime_component_linker_t]:
        """The linker, for who instantiates with it. It lives as long as this object does."""
        assert self._linker is not None  # noqa: S101 - only __del__ takes it
        return self._linker

    def attach(self, context: int, caller: Caller) -> None:
        """Let the store whose context is at this address call, from now on."""
        self._callers[context] = caller

    def detach(self, context: int) -> None:
        """Forget a store, before it is freed."""
        self._callers.pop(context, None)

    def _define(self, root: object, interface: str, functions: Iterable[str]) -> None:
        name = interface_id(interface).encode()
        instance = ctypes.POINTER(ffi.wasmtime_component_linker_instance_t)()
        _check(
            ffi.wasmtime_component_linker_instance_add_instance(
                root, ctypes.create_string_buffer(name), len(name), ctypes.byref(instance)
            )
        )
        try:
            for function in functions:
                self._add(instance, function, _ANSWERS[interface, function])
        finally:
            ffi.wasmtime_component_linker_instance_delete(instance)

    def _add(self, instance: object, function: str, answer: Answer) -> None:
        callback = _Callback(_answering(self._callers, answer))
        self._callbacks.append(callback)
        name = function.encode()
        address = library.add_component_func(
            instance, ctypes.create_string_buffer(name), len(name), callback, None, None
        )
        _check(ctypes.cast(address, ctypes.POINTER(ffi.wasmtime_error_t)) if address else None)


def _answering(callers: dict[int, Caller], answer: Answer) -> Callable[..., int]:
    def callback(
        _env: int, context: int, _type: int, args: int, _count: int, results: int, _wanted: int
    ) -> int:
        try:
            caller = callers[context]
            if not caller.answers.open:
                return _new_error(TOO_EARLY)
            if _now() > caller.until:
                return _new_error(_NO_TIME)
            _fuel_left(context, caller.fuel_place)
            left = caller.fuel.value
            if not left:
                return _new_error(_NO_FUEL)
            price = answer(caller.answers, args, results)
            if price:
                _leave_fuel(context, left - price if price < left else 0)
        except BaseException as error:  # whatever it is: it must not end in the engine
            callers[context].failure = error
            return _new_error(FAILED)
        return 0

    return callback


def _new_error(message: str) -> int:
    """Make an error of the engine's, which the engine takes over."""
    error = ffi.wasmtime_error_new(ctypes.create_string_buffer(message.encode()))
    return ctypes.cast(error, ctypes.c_void_p).value or 0


def _check(error: ctypes._Pointer[ffi.wasmtime_error_t] | None) -> None:
    if error:
        raise WasmtimeError._from_ptr(error)

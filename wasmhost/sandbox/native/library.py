"""The engine's library, loaded twice: once keeping the GIL, once releasing it.

Keeping it is right for calls that end within nanoseconds; releasing it for calls that run a guest,
which may take its whole deadline.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

from wasmtime import _ffi as ffi

if TYPE_CHECKING:
    from wasmtime import Config

_PATH: Final = str(ffi.filename)
_keeping: Final = ctypes.PyDLL(_PATH)
_releasing: Final = ctypes.CDLL(_PATH)

set_fuel: Final = _keeping["wasmtime_context_set_fuel"]
set_fuel.restype = None  # an error only where fuel is off, and it is on
get_fuel: Final = _keeping["wasmtime_context_get_fuel"]
get_fuel.restype = None  # likewise
set_epoch_deadline: Final = _keeping["wasmtime_context_set_epoch_deadline"]
set_epoch_deadline.restype = None
increment_epoch: Final = _keeping["wasmtime_engine_increment_epoch"]
increment_epoch.restype = None

call_unchecked: Final = _releasing["wasmtime_func_call_unchecked"]
call_unchecked.restype = ctypes.c_void_p
instance_new: Final = _releasing["wasmtime_instance_new"]
instance_new.restype = ctypes.c_void_p

add_component_func: Final = _keeping["wasmtime_component_linker_instance_add_func"]
add_component_func.restype = ctypes.c_void_p
component_instantiate: Final = _releasing["wasmtime_component_linker_instantiate"]
component_instantiate.restype = ctypes.c_void_p
# For callbacks, which hold the GIL already and know the context by its address only.
fuel_left: Final = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(
    ("wasmtime_context_get_fuel", _keeping)
)
leave_fuel: Final = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64)(
    ("wasmtime_context_set_fuel", _keeping)
)
component_call: Final = _releasing["wasmtime_component_func_call"]
component_call.restype = ctypes.c_void_p


def without_async(config: Config) -> None:
    """Turn off what components could wait with, and what is newer than the contract."""
    for turn in (
        ffi.wasmtime_config_wasm_component_model_async_set,
        ffi.wasmtime_config_wasm_component_model_more_async_builtins_set,
        ffi.wasmtime_config_wasm_component_model_async_stackful_set,
        ffi.wasmtime_config_wasm_component_model_map_set,
        ffi.wasmtime_config_wasm_component_model_implements_set,
    ):
        turn(config.ptr(), False)


def address_of_increment_epoch() -> int:
    """The address of ``wasmtime_engine_increment_epoch``, for native code to call."""
    address = ctypes.cast(increment_epoch, ctypes.c_void_p).value
    assert address is not None  # noqa: S101 - a loaded function has an address
    return address

"""What Wasm means here: the engine's settings, the same wherever a module is compiled or run."""

from __future__ import annotations

from typing import Final

from wasmtime import Config, Engine

from wasmhost.sandbox.native.library import without_async

_KIB: Final = 1024

# Everything that code is compiled under, by the names that `wasmtime.Config` has for it.
_SETTINGS: Final = {
    "consume_fuel": True,
    "epoch_interruption": True,
    # Traps by explicit checks and not by signals. A handler for SIGSEGV belongs to the whole process,
    # and whoever installs one after us (faulthandler.enable, a native library) turns a guest's reach
    # out of bounds into the death of everybody. Deliveries cost the same; a guest's loop that does
    # nothing but load and store takes twice as long.
    "signals_based_traps": False,
    # Data segments are copied into a new memory. To map them the engine makes a file in memory for them,
    # which a sealed process may not, and then it would start no guest that has any.
    "memory_init_cow": False,
    "cranelift_nan_canonicalization": True,
    "wasm_multi_memory": True,  # for the airlock; a store's limits keep a guest to one memory
    "wasm_threads": False,
    "shared_memory": False,
    "wasm_relaxed_simd": False,
    "wasm_gc": False,
    "wasm_function_references": False,
    "wasm_exceptions": False,
    "wasm_memory64": False,
    "wasm_stack_switching": False,
    "wasm_custom_page_sizes": False,
    "wasm_wide_arithmetic": False,
}


def make_engine(stack_kib: int) -> Engine:
    """Make an engine with everything off that a guest does not need, and everything counted.

    Off, because it blocks, can't be replayed or isn't limited: threads, relaxed SIMD, GC, exceptions,
    64-bit memories, stack switching. NaNs are canonical. Fuel and epochs are on. ``stack_kib`` is what a
    guest's calls may take of its thread's stack.
    """
    config = Config()
    config.max_wasm_stack = stack_kib * _KIB
    for name, value in _SETTINGS.items():
        assert hasattr(Config, name), name  # noqa: S101 - a name it had not would be set and change nothing
        setattr(config, name, value)
    without_async(config)
    return Engine(config)


def settings_words(stack_kib: int) -> str:
    """All that the code of such an engine depends on, in any words."""
    return repr((stack_kib, _SETTINGS))

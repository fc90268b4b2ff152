"""A component that is nothing but one core module in a wrapping, as that core module.

Compilers of languages without a runtime of their own (Rust, C, Zig) make a module as the airlock wants it
and wrap it: what they add only carries values in and out. Unwrapped it runs in the airlock, where no
function of Python's faces it. What a component means beyond that module would be lost, so only one is
unwrapped of which it is plain to see that there is nothing beyond.
"""

from __future__ import annotations

from typing import Final

from wasmhost.contract.hooks import HOOK_BY_EXPORT
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.binary import Shape, read_shape
from wasmhost.sandbox.sections import core_modules, layer

_MOST: Final = 4  # the module, a shim, what fills the shim's table, and hooks that do nothing
_SMALL: Final = 16 * 1024


def airlock_module(wasm: bytes) -> bytes | None:
    """What of a guest runs in the airlock: a core module as it is, or the one that a component wraps.

    None for a component that has to be run as one.
    """
    return wasm if layer(wasm) == "core" else plain_module(wasm)


def plain_module(component: bytes) -> bytes | None:
    """The one core module in it that the airlock takes as it is; None where there is more, or none.

    Beside it may be only what tools put there to tie the knot of imports that need the memory they are
    given to, or to serve hooks that the module has not: a few small modules.
    """
    try:
        modules = list(core_modules(component))
        plain = [module for module in modules if _is_canonical(read_shape(module))]
    except ValueError:
        return None
    if len(plain) != 1 or len(modules) > _MOST:
        return None
    others = (module for module in modules if module is not plain[0])
    return plain[0] if all(len(module) <= _SMALL for module in others) else None


def _is_canonical(shape: Shape) -> bool:
    """Whether it is what the airlock takes as it is: canonical names on either side, and no WASI."""
    imports = [abi.IMPORTS.get((module, name)) for module, name, _ in shape.imports]
    if not all(entry is not None and entry.capability != abi.WASI for entry in imports):
        return False
    has_hooks = any(name in HOOK_BY_EXPORT for name in shape.exports)
    return has_hooks and {"memory", "cabi_realloc"} <= shape.exports.keys()

"""The component's exports: what componentize-py looks for in the module it makes a component of."""

from __future__ import annotations

import gc
import sys
import time
from importlib import import_module
from io import TextIOBase
from typing import TYPE_CHECKING, Any, Final, NoReturn

from wasmhost_observer import delivery, log
from wasmhost_observer.events import warm_up
from wasmhost_observer.hooks import HOOKS, registered
from wasmhost_observer.serve import server

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Method: TypeAlias = Callable[[object, bytes], None]

_LONGEST: Final = 4096
"""The host cuts what is longer."""

# What the runtime itself imports after us, when nothing can be imported any more.
_RUNTIME: Final = ("os", "random", "weakref", "componentize_py_types", "wit_world.imports.types")


def exports() -> dict[str, type]:
    """Return a class for each exported interface, with its hooks as methods. The last thing to be called.

    An interface is exported as a whole, where the observer has any of its hooks; the others do nothing.
    """
    error = import_module("componentize_py_types").Err
    real = registered()
    classes: dict[str, dict[str, Method]] = {}
    for hook in HOOKS:
        if hook.interface in {other.interface for other in real}:
            method = server(hook, real[hook], error) if hook in real else _nothing
            classes.setdefault(hook.interface.capitalize(), {})[hook.name] = method
    _furnish()
    return {name: type(name, (), methods) for name, methods in classes.items()}


def _nothing(_: object, data: bytes) -> None:
    """Serve a hook that the observer does not have."""


def _furnish() -> None:
    """Put something in the place of what a sandbox does not have, and would trap without words."""
    sys.stdout, sys.stderr = _Lines(log.info), _Lines(log.warn)
    sys.excepthook = _silent
    for name in ("time", "monotonic", "perf_counter"):
        setattr(time, name, _seconds)
        setattr(time, f"{name}_ns", delivery.now)
    for name in _RUNTIME:
        import_module(name)
    warm_up()
    sys.meta_path[:] = [_NoImports()]
    # What is there now stays: the collector need not look at it ever again.
    gc.collect()
    gc.freeze()


def _seconds() -> float:
    return delivery.now() / 1_000_000_000


def _silent(*_: object) -> None:
    """Print nothing about what was not caught: the host has its words already."""


class _Lines(TextIOBase):
    """Where ``print`` writes to: lines go to the host's log. One that is not whole yet waits for its rest."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        if len(self._begun) > _LONGEST:
            lines.append(self._begun)
            self._begun = ""
        for line in lines:
            self._write(line)
        return len(text)


class _NoImports:
    """Says what is wrong where a hook imports what is not there yet."""

    def find_spec(self, name: str, *_: Any) -> NoReturn:
        raise ImportError(f"{name}: a running observer can't import; do so at the top of its module")

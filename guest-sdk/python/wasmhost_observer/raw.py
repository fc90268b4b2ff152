"""The raw ABI: functions that the component imports, as componentize-py binds them.

Outside of a component, where an author's tests run and where a build looks what a module uses, there are
none: then calls go to whatever stands in for the host (`wasmhost_observer.testing`).
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final, Protocol

IN_COMPONENT: Final = sys.platform == "wasi"

used: Final[set[str]] = set()
"""The interfaces that the observer imports, by their full names."""

_PACKAGES: Final = {"report": "wasmhost:python", "state": "wasmhost:python"}
"""Those of component/python.wit; the others are of wit/capabilities.wit."""


class Function(Protocol):
    """An import. Its types are those of the WIT; the modules above this one give them to the author."""

    def __call__(self, *arguments: Any) -> Any:
        """Call the host. What does not fit the types ends the delivery without words: check before."""


class StandIn(Protocol):
    """What stands in for the host outside of a component."""

    def call(self, interface: str, function: str, arguments: tuple[Any, ...]) -> Any:
        """Answer an import."""


stand_in: StandIn | None = None


def imported(interface: str, function: str) -> Function:
    """Return the function of an interface, both by their names in the WIT."""
    used.add(f"{_PACKAGES.get(interface, 'wasmhost:observer')}/{interface}@0.1.0")
    if IN_COMPONENT:
        module = import_module(f"wit_world.imports.{interface}")
        bound: Function = getattr(module, function.replace("-", "_"))
        return bound

    def call(*arguments: Any) -> Any:
        if stand_in is None:
            raise RuntimeError(
                f"{interface}.{function}: there is no host here, see wasmhost_observer.testing"
            )
        return stand_in.call(interface, function, arguments)

    return call


def widened(data: bytes | bytearray) -> str:
    """Return bytes as they may cross the border: a text with one character for each.

    What is handed over as bytes componentize-py would keep for ever; component/*.wat makes bytes of it again.
    """
    return data.decode("latin-1")


def narrowed(value: str) -> bytes:
    """Return the bytes that were widened: what component/*.wat does, for who stands in for the host."""
    return value.encode("latin-1")


def text(value: str) -> str:
    """Return a text as it may cross the border: half surrogate pairs can't, and become question marks."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()

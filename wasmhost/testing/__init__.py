"""For the tests of observers: the fixture ``observer_host``, events to deliver, and what came of them.

pytest finds the fixture by itself where wasmhost is installed (`plugin.py`); docs/testing.md shows how a
test looks. Nothing of the engine is loaded before a test asks for the fixture.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wasmhost.testing import events
    from wasmhost.testing.delivery import Delivery
    from wasmhost.testing.desk import Desk
    from wasmhost.testing.events import Event
    from wasmhost.testing.observer import Observer, ObserverPanicked

__all__ = ["Delivery", "Desk", "Event", "Observer", "ObserverPanicked", "events"]

_HOMES: Final = {
    "Delivery": "wasmhost.testing.delivery",
    "Desk": "wasmhost.testing.desk",
    "Event": "wasmhost.testing.events",
    "Observer": "wasmhost.testing.observer",
    "ObserverPanicked": "wasmhost.testing.observer",
}

if not TYPE_CHECKING:  # as in wasmhost itself: what is not used is not loaded

    def __getattr__(name: str) -> Any:
        if name == "events":
            return import_module("wasmhost.testing.events")
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

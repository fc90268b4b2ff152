"""What a node sends its hooks to a host with. Knows nothing of sandboxes, and loads nothing of theirs.

``docs/emitters.md`` is the guide, ``docs/wire.md`` says what goes over the socket.
"""

from typing import TYPE_CHECKING, Any

from wasmhost.emitter.address import Tls
from wasmhost.emitter.buffer import Counts, Limits
from wasmhost.emitter.emitter import Emitter

if TYPE_CHECKING:
    from wasmhost.emitter.forwarder import HookForwarder

__all__ = ["Counts", "Emitter", "HookForwarder", "Limits", "Tls"]

if not TYPE_CHECKING:  # a checker would take it for a promise of any name

    def __getattr__(name: str) -> Any:
        # Observers bring an event loop and structured logs, which an emitter does without.
        if name == "HookForwarder":
            from wasmhost.emitter.forwarder import HookForwarder

            return HookForwarder
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

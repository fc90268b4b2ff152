"""What a node sends its hooks to a host with. Knows nothing of sandboxes, and loads nothing of theirs.

``docs/emitters.md`` is the guide, ``docs/wire.md`` says what goes over the socket.
"""

from wasmhost.emitter.address import Tls
from wasmhost.emitter.buffer import Counts, Limits
from wasmhost.emitter.emitter import Emitter
from wasmhost.emitter.forwarder import HookForwarder

__all__ = ["Counts", "Emitter", "HookForwarder", "Limits", "Tls"]

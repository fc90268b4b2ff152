"""Write an observer of a node's events in Python, to run under wasmhost.

.. code-block:: python

    from wasmhost_observer import Context, Observer, PeerEvent, log, observer


    @observer
    class Greeter(Observer):
        def on_webrtc_connected(self, ctx: Context, event: PeerEvent) -> None:
            log.info(event.peer.type.name)

Hooks that keep nothing can be functions: ``@hook`` above ``def on_webrtc_connected(ctx, event)``.

The capabilities are modules: ``log``, ``delivery``, ``config``, ``state``, ``metrics``, ``report``. Those you
import, with ``from wasmhost_observer import report``, are what your observer asks to be granted.

Three layers, each on top of the one before: the imports as the component has them (`raw`), the event's bytes
and a report's (`reading`, `writing`), typed values (`records`, the capabilities, `Observer`).
"""

from wasmhost_observer.hooks import ObserverError, hook
from wasmhost_observer.observer import Observer, observer
from wasmhost_observer.panic import Panic
from wasmhost_observer.records import (
    ActrId,
    ActrType,
    BackpressureEvent,
    Context,
    CredentialEvent,
    ErrorCategory,
    ErrorEvent,
    ErrorSource,
    PeerEvent,
    PeerStatus,
    Realm,
    SignalingEvent,
    StreamInfo,
)

__all__ = [
    "ActrId",
    "ActrType",
    "BackpressureEvent",
    "Context",
    "CredentialEvent",
    "ErrorCategory",
    "ErrorEvent",
    "ErrorSource",
    "Observer",
    "ObserverError",
    "Panic",
    "PeerEvent",
    "PeerStatus",
    "Realm",
    "SignalingEvent",
    "StreamInfo",
    "hook",
    "observer",
]

__version__ = "0.1.0"

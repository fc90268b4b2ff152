"""wasmhost: run untrusted observers of a node's events as WebAssembly guests.

Everything public is here; where it lives, ``docs/architecture.md`` tells. A name is imported from
there when it is first used: the engine takes long to load, and not all who import us need it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wasmhost.config import (
        HostConfig,
        Limits,
        ObserverConfig,
        ObserverDefaults,
        Quarantine,
        Rates,
        load_config,
    )
    from wasmhost.contract.codec import Frame, RejectedEvent
    from wasmhost.contract.records import (
        ActrError,
        ActrId,
        ActrType,
        BackpressureEvent,
        CredentialEvent,
        CredentialExpiring,
        CredentialRenewed,
        DataStreamDeliveryUncertain,
        ErrorCategory,
        ErrorEvent,
        ErrorSource,
        HookEvent,
        MailboxBackpressure,
        PeerEvent,
        PeerStatus,
        Realm,
        RuntimeContext,
        SignalingConnected,
        SignalingConnectStart,
        SignalingDisconnected,
        SignalingEvent,
        StreamInfo,
        WebRtcConnected,
        WebRtcConnectStart,
        WebRtcDisconnected,
        WebSocketConnected,
        WebSocketConnectStart,
        WebSocketDisconnected,
    )
    from wasmhost.errors import (
        ConfigError,
        DatabaseError,
        GuestRefused,
        InternalError,
        SinkError,
        SourceError,
        UserError,
        WallError,
        WasmhostError,
    )
    from wasmhost.host.host import ObserverHost
    from wasmhost.host.reload import Reload
    from wasmhost.observer import ObserverGroup, WorkloadHookObserver
    from wasmhost.plumbing import build_hook_callback, call_lifecycle_hook, log_hook_event, spawn_hook

__all__ = [
    "ActrError",
    "ActrId",
    "ActrType",
    "BackpressureEvent",
    "ConfigError",
    "CredentialEvent",
    "CredentialExpiring",
    "CredentialRenewed",
    "DataStreamDeliveryUncertain",
    "DatabaseError",
    "ErrorCategory",
    "ErrorEvent",
    "ErrorSource",
    "Frame",
    "GuestRefused",
    "HookEvent",
    "HostConfig",
    "InternalError",
    "Limits",
    "MailboxBackpressure",
    "ObserverConfig",
    "ObserverDefaults",
    "ObserverGroup",
    "ObserverHost",
    "PeerEvent",
    "PeerStatus",
    "Quarantine",
    "Rates",
    "Realm",
    "RejectedEvent",
    "Reload",
    "RuntimeContext",
    "SignalingConnectStart",
    "SignalingConnected",
    "SignalingDisconnected",
    "SignalingEvent",
    "SinkError",
    "SourceError",
    "StreamInfo",
    "UserError",
    "WallError",
    "WasmhostError",
    "WebRtcConnectStart",
    "WebRtcConnected",
    "WebRtcDisconnected",
    "WebSocketConnectStart",
    "WebSocketConnected",
    "WebSocketDisconnected",
    "WorkloadHookObserver",
    "build_hook_callback",
    "call_lifecycle_hook",
    "load_config",
    "log_hook_event",
    "spawn_hook",
]

# Where each name lives: the imports above, at run time. A test holds the two together.
_HOMES: Final = {
    "wasmhost.config": "HostConfig Limits ObserverConfig ObserverDefaults Quarantine Rates load_config",
    "wasmhost.contract.codec": "Frame RejectedEvent",
    "wasmhost.contract.records": (
        "ActrError ActrId ActrType BackpressureEvent CredentialEvent CredentialExpiring "
        "CredentialRenewed DataStreamDeliveryUncertain ErrorCategory ErrorEvent ErrorSource HookEvent "
        "MailboxBackpressure PeerEvent PeerStatus Realm RuntimeContext SignalingConnected "
        "SignalingConnectStart SignalingDisconnected SignalingEvent StreamInfo WebRtcConnected "
        "WebRtcConnectStart WebRtcDisconnected WebSocketConnected WebSocketConnectStart "
        "WebSocketDisconnected"
    ),
    "wasmhost.errors": (
        "ConfigError DatabaseError GuestRefused InternalError SinkError SourceError UserError WallError "
        "WasmhostError"
    ),
    "wasmhost.host.host": "ObserverHost",
    "wasmhost.host.reload": "Reload",
    "wasmhost.observer": "ObserverGroup WorkloadHookObserver",
    "wasmhost.plumbing": "build_hook_callback call_lifecycle_hook log_hook_event spawn_hook",
}

if not TYPE_CHECKING:  # a checker would take it for a promise of any name

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names.split():
                value = globals()[name] = getattr(import_module(home), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

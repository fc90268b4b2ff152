"""The table of hooks, declared in ``wit/hooks.wit`` and checked against it by a test.

A hook is named three ways, all derived from one row: ``on_webrtc_connected`` in Python and in CBOR,
``on-webrtc-connected`` in WIT, and ``wasmhost:observer/webrtc@0.1.0#on-webrtc-connected`` as the
core export of a guest.
"""

from __future__ import annotations

from dataclasses import dataclass

PACKAGE = "wasmhost:observer"
VERSION = "0.1.0"


def interface_id(interface: str) -> str:
    """Give the full name of an interface of our package, as modules import and export it."""
    return f"{PACKAGE}/{interface}@{VERSION}"


@dataclass(frozen=True, slots=True)
class Hook:
    """One row of the table.

    ``fallible``: the hook returns ``result<_, string>``. ``payload``: the WIT record its ``event``
    map holds, or None for an empty map.
    """

    name: str
    interface: str
    fallible: bool
    payload: str | None

    @property
    def wit_name(self) -> str:
        """The name of its function in its interface."""
        return self.name.replace("_", "-")

    @property
    def export(self) -> str:
        """The core export a guest serves this hook under."""
        return f"{interface_id(self.interface)}#{self.wit_name}"


HOOKS: tuple[Hook, ...] = (
    Hook("on_start", "lifecycle", fallible=True, payload=None),
    Hook("on_ready", "lifecycle", fallible=True, payload=None),
    Hook("on_stop", "lifecycle", fallible=True, payload=None),
    Hook("on_error", "lifecycle", fallible=True, payload="error-event"),
    Hook("on_signaling_connecting", "signaling", fallible=False, payload="signaling-event"),
    Hook("on_signaling_connected", "signaling", fallible=False, payload=None),
    Hook("on_signaling_disconnected", "signaling", fallible=False, payload=None),
    Hook("on_websocket_connecting", "websocket", fallible=False, payload="peer-event"),
    Hook("on_websocket_connected", "websocket", fallible=False, payload="peer-event"),
    Hook("on_websocket_disconnected", "websocket", fallible=False, payload="peer-event"),
    Hook("on_webrtc_connecting", "webrtc", fallible=False, payload="peer-event"),
    Hook("on_webrtc_connected", "webrtc", fallible=False, payload="peer-event"),
    Hook("on_webrtc_disconnected", "webrtc", fallible=False, payload="peer-event"),
    Hook("on_credential_renewed", "credential", fallible=False, payload="credential-event"),
    Hook("on_credential_expiring", "credential", fallible=False, payload="credential-event"),
    Hook("on_mailbox_backpressure", "mailbox", fallible=False, payload="backpressure-event"),
)

HOOK_BY_NAME: dict[str, Hook] = {hook.name: hook for hook in HOOKS}
HOOK_BY_EXPORT: dict[str, Hook] = {hook.export: hook for hook in HOOKS}

EARLY_HOOKS: frozenset[str] = frozenset({"on_signaling_connecting", "on_signaling_connected"})
"""Hooks that may come without a context, because the node has no identity yet."""

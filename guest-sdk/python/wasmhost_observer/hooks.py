"""The table of hooks, and what an author's module has put into it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from wasmhost_observer import records

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Handler: TypeAlias = Callable[..., object]
    F = TypeVar("F", bound=Callable[..., object])


class Hook(NamedTuple):
    """One hook: its name, its WIT interface, and its payload's record.

    ``fallible``: it may raise an `ObserverError`. ``early``: it can come before the node has an identity,
    and then has no context.
    """

    name: str
    interface: str
    payload: type | None = None
    fallible: bool = False
    early: bool = False

    @property
    def kebab(self) -> str:
        """Its name in wit/hooks.wit."""
        return self.name.replace("_", "-")


HOOKS: Final = (
    Hook("on_start", "lifecycle", fallible=True),
    Hook("on_ready", "lifecycle", fallible=True),
    Hook("on_stop", "lifecycle", fallible=True),
    Hook("on_error", "lifecycle", records.ErrorEvent, fallible=True),
    Hook("on_signaling_connecting", "signaling", records.SignalingEvent, early=True),
    Hook("on_signaling_connected", "signaling", early=True),
    Hook("on_signaling_disconnected", "signaling"),
    Hook("on_websocket_connecting", "websocket", records.PeerEvent),
    Hook("on_websocket_connected", "websocket", records.PeerEvent),
    Hook("on_websocket_disconnected", "websocket", records.PeerEvent),
    Hook("on_webrtc_connecting", "webrtc", records.PeerEvent),
    Hook("on_webrtc_connected", "webrtc", records.PeerEvent),
    Hook("on_webrtc_disconnected", "webrtc", records.PeerEvent),
    Hook("on_credential_renewed", "credential", records.CredentialEvent),
    Hook("on_credential_expiring", "credential", records.CredentialEvent),
    Hook("on_mailbox_backpressure", "mailbox", records.BackpressureEvent),
)
"""All sixteen, as wit/hooks.wit declares them."""

_BY_NAME: Final = {hook.name: hook for hook in HOOKS}

# Gives the function to call, when it is first called: an observer is made within its first hook.
_registered: Final[dict[str, Callable[[], Handler]]] = {}


class ObserverError(Exception):
    """Raised in a lifecycle hook: its words are what the hook returns as an error. Nothing traps."""


def hook(function: F) -> F:
    """Make a function the hook that it is named after."""
    name = getattr(function, "__name__", "")
    _register(name, lambda: function)
    return function


def register_class(observer: type, inherited: type) -> None:
    """Make those methods hooks that are named like one, and do not come from the class ``inherited``."""
    instance: list[Any] = []

    def method(name: str) -> Handler:
        if not instance:
            instance.append(observer())
        bound: Handler = getattr(instance[0], name)
        return bound

    for name in dir(observer):
        if name.startswith("on_") and getattr(observer, name) is not getattr(inherited, name, None):
            _register(name, partial(method, name))


def registered() -> dict[Hook, Callable[[], Handler]]:
    """Return the hooks there are so far, in the contract's order, each with what gives its function."""
    return {hook: _registered[hook.name] for hook in HOOKS if hook.name in _registered}


def _register(name: str, provider: Callable[[], Handler]) -> None:
    if name not in _BY_NAME:
        raise NameError(f"{name} is named like a hook, but there is none of that name")
    if name in _registered:
        raise NameError(f"there are two {name}: an observer has one of each hook")
    _registered[name] = provider

"""What an author's module registers, and how its hooks are called."""
# ruff: noqa: ARG001, ARG002, S101 - tests assert, and make up hooks that do little

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from wasmhost_observer import (
    ActrId,
    ActrType,
    Context,
    Observer,
    ObserverError,
    Panic,
    PeerEvent,
    Realm,
    config,
    delivery,
    hook,
    observer,
)
from wasmhost_observer.hooks import HOOKS, registered
from wasmhost_observer.serve import server
from wasmhost_observer.writing import encode

if TYPE_CHECKING:
    from wasmhost_observer.testing import Host

CTX = Context(ActrId(Realm(7), 1, ActrType("lab", "node", "1")))
PEER = ActrId(Realm(7), 2, ActrType("lab", "peer", "1"))


class Returned(Exception):
    """Stands for the component's error result."""


def deliver(name: str, payload: Any = None, **frame: Any) -> None:
    """Call a hook as a component does, with an event's bytes."""
    found = next(hook for hook in registered() if hook.name == name)
    serve = server(found, registered()[found], Returned)
    serve(None, encode({"at": 1, "seq": 2, "ctx": CTX, "event": payload or {}} | frame))


def names() -> list[str]:
    """The hooks there are, by name."""
    return [hook.name for hook in registered()]


def test_only_the_hooks_that_a_class_overrides_are_its_hooks() -> None:
    """Also those it inherits from a class in between; in the contract's order."""

    class Base(Observer):
        def on_mailbox_backpressure(self, ctx: Context, event: Any) -> None: ...

    @observer
    class _Made(Base):
        def on_start(self, ctx: Context) -> None: ...

    assert names() == ["on_start", "on_mailbox_backpressure"]


def test_an_observer_is_made_within_its_first_hook_and_once(host: Host) -> None:
    """So that it can read its config, which is not there while a component is made."""
    host.config["key"] = "7"
    seen: list[Any] = []

    @observer
    class _Made(Observer):
        def __init__(self) -> None:
            self.key = config.number("key", 0)
            seen.append("made")

        def on_start(self, ctx: Context) -> None:
            seen.append(self.key)

        def on_webrtc_connected(self, ctx: Context, event: PeerEvent) -> None:
            seen.append((self.key, ctx, event, delivery.source()))

    assert seen == []
    deliver("on_webrtc_connected", PeerEvent(PEER, relayed=True), src="node-1")
    deliver("on_start")
    assert seen == ["made", (7, CTX, PeerEvent(PEER, relayed=True), "node-1"), 7]
    assert delivery.source() is None


def test_functions_are_hooks_by_their_names(host: Host) -> None:
    """And stay functions that a test can call."""
    seen = []

    @hook
    def on_signaling_connected(ctx: Context | None) -> None:
        seen.append(ctx)

    deliver("on_signaling_connected")
    serve = server(HOOKS[5], registered()[HOOKS[5]], Returned)
    serve(None, encode({"at": 1, "seq": 2, "event": {}}))
    on_signaling_connected(CTX)
    assert seen == [CTX, None, CTX]
    assert host.panic is None


def test_a_name_that_is_no_hook_and_one_that_is_there_twice_are_errors() -> None:
    """Loud at once, where a typo would be a hook that is never called."""
    with pytest.raises(NameError, match="on_webrtc_conected is named like a hook"):

        @hook
        def on_webrtc_conected(ctx: Context, event: PeerEvent) -> None: ...

    @hook
    def on_start(ctx: Context) -> None: ...

    with pytest.raises(NameError, match="two on_start"):

        @observer
        class _Made(Observer):
            def on_start(self, ctx: Context) -> None: ...


def test_an_observer_error_is_the_result_of_a_lifecycle_hook_and_else_a_panic(host: Host) -> None:
    """Nothing traps in the first case."""

    @observer
    class _Made(Observer):
        def on_stop(self, ctx: Context) -> None:
            raise ObserverError("not \ud800 yet")

        def on_signaling_disconnected(self, ctx: Context) -> None:
            raise ObserverError("no result here")

    with pytest.raises(Returned, match=r"not \? yet"):
        deliver("on_stop")
    assert host.panic is None
    with pytest.raises(ObserverError):
        deliver("on_signaling_disconnected")
    assert host.panic is not None
    assert host.panic.startswith("ObserverError: no result here (test_hooks.py:")


class _Wordless(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Panic("кінець 🛰"), "кінець 🛰 (test_hooks.py:"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero (test_hooks.py:"),
        (KeyError("x"), "KeyError: 'x' (test_hooks.py:"),
        (AssertionError(), "AssertionError (test_hooks.py:"),
        (SystemExit(3), "SystemExit: 3 (test_hooks.py:"),
        (_Wordless(), "_Wordless: an exception that has no words (test_hooks.py:"),
    ],
)
def test_whatever_is_raised_reaches_the_host_with_words_and_place(
    host: Host, error: BaseException, words: str
) -> None:
    """And goes on, so that the component traps."""

    @hook
    def on_start(ctx: Context) -> None:
        raise error

    with pytest.raises(type(error)):
        deliver("on_start")
    assert host.panic is not None
    assert host.panic.startswith(words)


def test_the_place_of_a_panic_is_in_the_authors_code(host: Host) -> None:
    """And not in the SDK, though it is this that raises."""

    @hook
    def on_start(ctx: Context) -> None:
        encode({1: 2})  # type: ignore[dict-item]

    with pytest.raises(TypeError):
        deliver("on_start")
    assert host.panic is not None
    assert "(test_hooks.py:" in host.panic


@pytest.mark.parametrize("frame", [{"ctx": 1}, {"event": 1}, {"at": "x"}, {"ctx": {"request-id": ""}}])
def test_a_broken_event_is_a_panic_in_exactly_these_words(host: Host, frame: dict[str, Any]) -> None:
    """The hook is not called."""

    @hook
    def on_webrtc_connected(ctx: Context, event: PeerEvent) -> None:
        raise AssertionError

    with pytest.raises(Panic):
        deliver("on_webrtc_connected", PeerEvent(PEER), **frame)
    assert host.panic == "on-webrtc-connected: the event is not what the contract says"


def test_a_missing_context_is_a_broken_event_but_in_the_early_hooks(host: Host) -> None:
    """Elsewhere it is a fault between host and guest."""

    @hook
    def on_start(ctx: Context) -> None:
        raise AssertionError

    serve = server(HOOKS[0], registered()[HOOKS[0]], Returned)
    with pytest.raises(Panic):
        serve(None, encode({"at": 1, "seq": 2, "event": {}}))
    assert host.panic == "on-start: the event is not what the contract says"

"""Counts of what one observer uses: the fields its events carry, the capabilities it calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.contract.hooks import HOOKS

if TYPE_CHECKING:
    from wasmhost.contract.codec import Frame
    from wasmhost.host.counters import Counters
    from wasmhost.sandbox.outbox import Effects

_PEER_HOOKS: Final = frozenset(hook.name for hook in HOOKS if hook.payload == "peer-event")
_CREDENTIAL_HOOKS: Final = frozenset(hook.name for hook in HOOKS if hook.payload == "credential-event")
_ERROR_HOOKS: Final = frozenset(hook.name for hook in HOOKS if hook.payload == "error-event")
# Looked for in the bytes, as nobody decodes them here. A text that looks so only makes a count too high.
_CALLER: Final = b"\x69caller-id\xa3"
_STREAM: Final = b"\x66stream\xa3"


class UseCounter:
    """Counts what an observer uses of what it is given. Used by one thread at a time."""

    def __init__(self, counters: Counters, fields: frozenset[str]) -> None:
        """``fields``: those it is given undisguised."""
        self._counters = counters
        self._peer = "peer" in fields
        self._self = "self" in fields
        self._stream = "stream" in fields
        self._credential = "credential" in fields
        self._any = bool(fields)

    def delivered(self, frame: Frame) -> None:
        """Count what an event that it was given shows."""
        if not self._any:
            return
        counters, hook = self._counters, frame.hook
        if self._self and frame.has_ctx:
            counters.saw_self += 1
        if self._peer and (hook in _PEER_HOOKS or _CALLER in frame.data):
            counters.saw_peer += 1
        if self._credential and hook in _CREDENTIAL_HOOKS:
            counters.saw_credential += 1
        if self._stream and hook in _ERROR_HOOKS and _STREAM in frame.data:
            counters.saw_stream += 1

    def asked(self, effects: Effects) -> None:
        """Note the capabilities that left something behind."""
        counters = self._counters
        if effects.reports:
            counters.used_report = 1
        if effects.metrics:
            counters.used_metrics = 1
        if effects.state is not None:
            counters.used_state = 1

    def looked(self, config: bool, state: bool) -> None:
        """Note those that only answer."""
        if config:
            self._counters.used_config = 1
        if state:
            self._counters.used_state = 1

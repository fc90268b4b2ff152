"""What a node's hooks told, in a list instead of to a host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pynode.hooks import Hooks
from pynode.identity import parse_id

if TYPE_CHECKING:
    from wasmhost import ErrorEvent, HookEvent, RuntimeContext

ME = "acme/me/1.0.0#1@7"
PEER = "acme/peer/1.0.0#2@7"


@dataclass
class Told:
    """An outlet that keeps everything: hooks by name, events as they are."""

    events: list[HookEvent] = field(default_factory=list)
    contexts: list[RuntimeContext | None] = field(default_factory=list)
    errors: list[ErrorEvent] = field(default_factory=list)
    lifecycle: list[str] = field(default_factory=list)

    def emit(self, event: HookEvent, ctx: RuntimeContext | None = None) -> None:
        """Keep an event, and its context."""
        self.events.append(event)
        self.contexts.append(ctx)

    def emit_hook(self, hook: str, ctx: RuntimeContext | None, payload: ErrorEvent | None = None) -> None:
        """Keep a lifecycle hook, and its context."""
        self.lifecycle.append(hook)
        self.contexts.append(ctx)
        if payload is not None:
            self.errors.append(payload)

    @property
    def names(self) -> list[str]:
        """The types of the events, in order."""
        return [type(event).__name__ for event in self.events]


def hooks(identity: str | None = ME) -> tuple[Hooks, Told]:
    """Hooks of a node, with an identity or without, and what they tell."""
    told = Told()
    made = Hooks(told, lambda _line: None)
    if identity is not None:
        made.identify(parse_id(identity))
    return made, told

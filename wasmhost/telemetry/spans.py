"""Spans of OpenTelemetry for what happens now and then: a start, a load, a reload, a checkpoint, a panic.

Without an SDK they are nothing. No event pays for them: see `wasmhost.telemetry.sampling` for those that do.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Span

SCOPE: Final = "wasmhost"

Attribute = str | int | float | bool


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[Span]:
    """Make what happens within this block a span; an exception that leaves it is noted.

    An attribute ``observer`` is ``wasmhost.observer`` over there, and so on.
    """
    from opentelemetry import trace  # takes a while, and a command that only shows something needs none

    named = {f"wasmhost.{key}": value for key, value in attributes.items()}
    with trace.get_tracer(SCOPE).start_as_current_span(name, attributes=named) as made:
        yield made

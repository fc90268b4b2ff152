"""Spans of OpenTelemetry for what happens now and then: a start, a load, a reload, a checkpoint, a panic.

Where there is no SDK they are nothing, and nothing is loaded for them. No event pays for them.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.panics.record import Panic

SCOPE: Final = "wasmhost"

Attribute = str | int | float | bool


@cache
def _has_sdk() -> bool:
    return find_spec("opentelemetry.sdk") is not None


def anybody_listens() -> bool:
    """Whether spans or metrics may go anywhere: there is an SDK, or a provider that somebody brought."""
    return "opentelemetry.metrics" in sys.modules or "opentelemetry.trace" in sys.modules or _has_sdk()


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[None]:
    """Make what happens within this block a span; an exception that leaves it is noted.

    An attribute ``observer`` is ``wasmhost.observer`` over there, and so on.
    """
    if not anybody_listens():
        yield
        return
    from opentelemetry import trace

    named = {f"wasmhost.{key}": value for key, value in attributes.items()}
    with trace.get_tracer(SCOPE).start_as_current_span(name, attributes=named):
        yield


class PanicSpans:
    """Tells of panics as spans of no length: the 1st, 2nd, 4th and so on of an observer, a hook and a kind.

    Whoever causes them chooses how many there are; what is sent somewhere must not grow as fast. Used by one
    thread at a time.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def tell(self, panic: Panic) -> None:
        """Tell of one, where it is its turn."""
        if not anybody_listens():
            return
        key = panic.observer, panic.hook, panic.kind.value
        self._counts[key] += 1
        count = self._counts[key]
        if count & (count - 1):
            return
        from opentelemetry import trace

        attributes: dict[str, Attribute] = {
            "wasmhost.observer.name": panic.observer,
            "wasmhost.hook.name": panic.hook,
            "wasmhost.event.src": panic.src,
            "wasmhost.event.seq": str(panic.seq),  # numbers end at 63 bits there
            "wasmhost.panic.count": count,
            "error.type": panic.kind.value,
        }
        made = trace.get_tracer(SCOPE).start_span("wasmhost.panic", attributes=attributes)
        made.add_event(
            "exception",
            {
                "exception.type": panic.kind.value,
                "exception.message": panic.message,
                "exception.stacktrace": "\n".join(panic.backtrace),
            },
        )
        made.set_status(trace.StatusCode.ERROR, panic.message)
        made.end()

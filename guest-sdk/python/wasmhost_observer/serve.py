"""From the bytes the host delivers to a call of the author's hook, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost_observer import delivery
from wasmhost_observer.events import frame_reader
from wasmhost_observer.hooks import ObserverError
from wasmhost_observer.panic import Refused, report
from wasmhost_observer.raw import text
from wasmhost_observer.reading import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost_observer.events import Frame
    from wasmhost_observer.hooks import Handler, Hook


def server(
    hook: Hook, provider: Callable[[], Handler], error: Callable[[str], Exception]
) -> Callable[[object, bytes], None]:
    """Make what a component exports for a hook: a method that takes the event's bytes.

    ``error`` makes the exception that is the hook's error result.
    """
    open_frame = _opener(hook)
    has_payload = hook.payload is not None
    handler: Handler | None = None

    def serve(_: object, data: bytes) -> None:
        nonlocal handler
        try:
            ctx, event, delivery.current_source = open_frame(data)
            if handler is None:
                handler = provider()
            if has_payload:
                handler(ctx, event)
            else:
                handler(ctx)
        except BaseException as fault:
            if not (hook.fallible and isinstance(fault, ObserverError)):
                report(fault)
                raise
            words = str(fault)
        else:
            return
        raise error(text(words))

    return serve


def _opener(hook: Hook) -> Callable[[bytes], Frame]:
    """Make the function that decodes this hook's events, and panics where one breaks the contract."""
    decode = frame_reader(hook.payload)
    needs_context = not hook.early
    broken = f"{hook.kebab}: the event is not what the contract says"

    def open_frame(data: bytes) -> Frame:
        try:
            frame = decode(data)
        except Malformed:
            raise Refused(broken) from None
        if frame[0] is None and needs_context:
            raise Refused(broken)
        return frame

    return open_frame

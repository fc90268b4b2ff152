"""From what a run came to, to its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.cli.terminal import complain

if TYPE_CHECKING:
    from wasmhost.cli.outcome import Outcome


def verdict(outcome: Outcome) -> int:
    """Name on standard error all that went wrong, a line each, and return the exit code.

    Panics are nothing that went wrong: isolating them is what a run is for.
    """
    refused = [observer for observer in outcome.summary.observers if observer.state == "refused"]
    for observer in refused:
        complain(f"observer {observer.name} refused: {observer.reason}")
    for line in (*outcome.unread.named, *outcome.failures):
        complain(line)
    if outcome.failures:
        return 2
    return 1 if refused or outcome.unread.named else 0

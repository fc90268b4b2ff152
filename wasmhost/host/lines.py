"""The host's own lines about one observer: however often something happens, one line of it in a window.

An observer chooses how often it returns an error, goes in and out of quarantine or asks for too much. So
the first of a kind is told at once, and what follows within the window is counted. It is told when the
window is over, at the observer's next event, or when the host closes: never silently.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from wasmhost.host.mishaps import tell_operator

WINDOW_S: Final = 10.0
"""By the clock of `wasmhost.host.rates`: in a lossless run, so many hundred events."""
_NEVER: Final = float("-inf")
_SUPPRESSED: Final = "observer asks for too much; suppressed"


@dataclass(slots=True)
class _Kind:
    """One kind of line: until when none is written, how many were passed over, and the latest of them."""

    shut_until: float = _NEVER
    passed: int = 0
    level: str = ""
    fields: dict[str, object] = field(default_factory=dict[str, object])


class ObserverLines:
    """Writes the lines about one observer. Used by one thread at a time.

    ``owing``: something waits to be told, and `settle` should be called as time goes on.
    """

    __slots__ = ("_kinds", "_observer", "_suppressed", "_suppressed_until", "owing")

    def __init__(self, observer: str) -> None:
        self.owing = False
        self._observer = observer
        # By message and hook: there are few of either, whatever an observer does.
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self._suppressed: Counter[str] = Counter()
        self._suppressed_until = _NEVER

    def tell(self, level: str, message: str, now: float, *, hook: str, **fields: object) -> None:
        """Write a line, or count it where one like it was written within the window."""
        kind = self._kinds.pop((message, hook), None) or _Kind()
        self._kinds[message, hook] = kind  # the latest is last, as they are told in this order
        kind.level, kind.fields = level, fields
        kind.passed += 1
        if now >= kind.shut_until:
            self._write(message, hook, kind, now)
        else:
            self.owing = True

    def suppress(self, what: str, amount: int = 1) -> None:
        """Count what an observer asked for and did not get; `settle` tells of it."""
        self._suppressed[what] += amount
        self.owing = True

    def settle(self, now: float) -> None:
        """Tell of what was passed over, where its window is over."""
        if self._suppressed and now >= self._suppressed_until:
            self._suppressed_until = now + WINDOW_S
            self._write_suppressed()
        self.owing = bool(self._suppressed)
        for (message, hook), kind in self._kinds.items():
            if kind.passed and now >= kind.shut_until:
                self._write(message, hook, kind, now)
            self.owing = self.owing or kind.passed > 0

    def close(self) -> None:
        """Tell of all that is left."""
        self.settle(float("inf"))

    def _write(self, message: str, hook: str, kind: _Kind, now: float) -> None:
        times = {} if kind.passed == 1 else {"times": kind.passed}
        kind.shut_until, kind.passed = now + WINDOW_S, 0
        tell_operator(kind.level, message, observer=self._observer, hook=hook, **kind.fields, **times)

    def _write_suppressed(self) -> None:
        counts, self._suppressed = self._suppressed, Counter()
        tell_operator("warning", _SUPPRESSED, observer=self._observer, **counts)

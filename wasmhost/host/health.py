"""When a hook whose observer panics too often is tried again: quarantine, as a pure state machine.

Nothing here reads a clock. ``now`` is given, in seconds of a monotonic clock, or in events where the
source is a file: there a run must come out the same each time.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasmhost.config import Quarantine


class _HookRecord:
    """One hook's latest panics, and until when it is shut. ``probing``: one event is let in."""

    __slots__ = ("panics", "probing", "shut_until")

    def __init__(self, most: int) -> None:
        self.panics: deque[float] = deque(maxlen=most)  # more are not needed to decide
        self.shut_until: float | None = None
        self.probing = False


class QuarantineGate:
    """Decides for each (observer, hook) whether an event may be delivered.

    Open, until ``panics`` happen within ``within``; then shut for ``probe``; then half open: one
    event is let through, and its outcome opens the gate or shuts it again.
    """

    def __init__(self, rule: Quarantine | None) -> None:
        """``rule`` None: never shut."""
        self._rule = rule
        self._records: dict[str, _HookRecord] = {}

    @property
    def calm(self) -> bool:
        """Whether nothing has panicked lately: then all is admitted, and no clock need be read."""
        return not self._records

    def admits(self, hook: str, now: float) -> bool:
        """Whether this event may be delivered; its outcome must be told then."""
        record = self._records.get(hook)
        if record is None or record.shut_until is None:
            self._forget_old(now)
            return True
        if now < record.shut_until:
            return False
        record.probing = True
        return True

    def succeeded(self, hook: str) -> bool:
        """Note that a delivery of this hook returned; True when that ends its quarantine."""
        record = self._records.get(hook)
        if record is None or not record.probing:
            return False
        del self._records[hook]
        return True

    def panicked(self, hook: str, now: float) -> bool:
        """Count a panic of this hook; True when that puts it in quarantine and it was not before."""
        rule = self._rule
        if rule is None:
            return False
        record = self._records.get(hook)
        if record is None:
            record = self._records[hook] = _HookRecord(rule.panics)
        record.panics.append(now)
        many = len(record.panics) == rule.panics and now - record.panics[0] <= rule.within
        if not record.probing and not many:
            return False
        entered = record.shut_until is None
        record.shut_until = now + rule.probe
        record.probing = False
        return entered

    def quarantined(self) -> frozenset[str]:
        """Return the hooks that are shut, or on trial. Safe from any thread."""
        records = list(self._records.items())  # at once: its worker may be adding one
        return frozenset(hook for hook, record in records if record.shut_until is not None)

    def _forget_old(self, now: float) -> None:
        """Forget hooks whose last panic is out of the window: all is calm again."""
        if self._rule is None:
            return
        for hook, record in list(self._records.items()):
            if record.shut_until is None and now - record.panics[-1] > self._rule.within:
                del self._records[hook]

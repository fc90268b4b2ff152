"""An observer's place in the host, where the observer itself is in a shard: its tray and its counts.

Has the face of a runner. What a shard tells of it is applied here, and trusted no further than a guest is:
it can be about this observer only, and about letters that are under way.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.host.counters import Counters, ObserverSummary
from wasmhost.host.mishaps import PanicTeller
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.traps import TrapReport
from wasmhost.shards.framing import Garbled
from wasmhost.shards.turns import (
    COUNTS,
    ConditionTold,
    Line,
    PanicTold,
    ReplyTold,
    Report,
    State,
    Told,
    Turn,
)
from wasmhost.sinks import ReportRecord

if TYPE_CHECKING:
    from wasmhost.config import ObserverConfig
    from wasmhost.contract.codec import Frame
    from wasmhost.grants.profiles import Profile
    from wasmhost.host.mailbox import HandedOver, Letter
    from wasmhost.host.services import Services
    from wasmhost.shards.tray import Tray

_GUEST_LINE: Final = "guest log"  # what `wasmhost.host.effects` says of every line of a guest
_REMEMBERED: Final = 256  # panics, to tell the next shard of
_FULL_S: Final = 0.001
_MOST_LOST: Final = 1 << 48  # that a shard may say; they are summed up in 64 bits

_guest_log: Final = structlog.stdlib.get_logger("wasmhost.guest")
_host_log: Final = structlog.stdlib.get_logger("wasmhost.host")


class Desk:
    """One observer as the host knows it. Its shard's thread tells it things; anyone may ask it."""

    def __init__(
        self,
        observer: ObserverConfig,
        module_sha256: str,
        profile: Profile | None,
        services: Services,
        counters: Counters | None = None,
    ) -> None:
        """``profile``: what it may see of its events. ``counters``: of an earlier one in its place."""
        self.name = observer.name
        self.observer = observer
        self.module_sha256 = module_sha256
        self.profile = profile
        self.hooks: frozenset[str] = frozenset()
        self.refused: str | None = None
        """Why it never ran, where it did not."""
        self.mailbox: Tray
        self.counters = counters or Counters()
        self.entered = threading.Event()
        """Set when it was loaded for the first time, or never will be."""
        self.rested = threading.Event()
        """Set when it has nothing in hand, while its tray is held."""
        self.dismissed = False
        """Whether it is to be unloaded."""
        self.gone = threading.Event()
        """Set when it was."""
        self.condition = ConditionTold(False, (), (), 0)
        self.panics: deque[tuple[str, float]] = deque(maxlen=_REMEMBERED)
        """Which hook panicked when, for the next shard's quarantine."""
        self.deaths_loading = 0
        """How often in a row its process died as it was loaded."""
        self._services = services
        self._teller = PanicTeller(observer.name, module_sha256, services.panics)
        self._failed = False

    @property
    def out(self) -> bool:
        """Whether it runs no more, or never did."""
        return self._failed or self.dismissed or self.refused is not None

    def came_in(self, hooks: frozenset[str]) -> None:
        """It was loaded, for the first time or by another process, and has these hooks."""
        self.hooks = self.hooks or hooks
        self.deaths_loading = 0
        self.entered.set()

    def turned_away(self, *, bug: bool, reason: str) -> None:
        """It could not be loaded."""
        if bug:
            reason = f"wasmhost failed to load it, which is a bug: {reason}"
        if self.entered.is_set():
            self.fail(reason)
            return
        self.refused = reason
        self.entered.set()

    def hand_over(self) -> HandedOver:
        """Give away what waits for it; see `posts.Runner`."""
        return self.mailbox.hand_over(self.untold())

    def state(self) -> bytes | None:
        """Its latest state, for a fresh sandbox."""
        granted = "state" in self.observer.grant
        return self._services.states.load(self.name) if granted else None

    def take(self, turn: Turn) -> None:
        """Apply what a turn left behind, before its letters are counted as done.

        :raises Garbled: it tells of letters that are not under way.
        """
        for told in turn.told:
            self._hear(told)
        counters = self.counters
        for name, count in zip(COUNTS, turn.counts, strict=True):
            if count:
                setattr(counters, name, getattr(counters, name) + count)
        for hook, numbers, fuel in turn.hooks:
            counters.of(hook).grow(numbers, fuel)

    def _hear(self, told: Told) -> None:
        match told:
            case Report():
                self._report(told)
            case Line():
                self._line(told)
            case PanicTold():
                self._panic(told)
            case State():
                self._must_be_granted("state")
                self._services.states.save(self.name, told.blob)
            case ReplyTold():
                self._reply(told)
            case ConditionTold():
                self._note(told)

    def _letter(self, number: int) -> Letter:
        letter = self.mailbox.under_way.get(number)
        if letter is None:
            raise Garbled(f"a turn tells of letter {number}, which is not under way")
        return letter

    def _must_be_granted(self, capability: str) -> None:
        """In a sound shard the sandbox sees to that already."""
        if capability not in self.observer.grant:
            raise Garbled(f"an observer uses {capability}, which it is not granted")

    def may_hear(self, hooks: frozenset[str]) -> None:
        """Make sure that these are none but those that the operator lets it hear.

        :raises Garbled: there are others.
        """
        allowed = self.observer.hooks
        if allowed is not None and not hooks <= allowed:
            raise Garbled("an observer hears hooks that it is not to hear")

    def untold(self) -> int:
        """How many events it was not told of that are lost; its process is gone, so that is said once."""
        lost = min(self.condition.lost, _MOST_LOST)
        self.condition = self.condition._replace(lost=0)
        return lost

    def _report(self, told: Report) -> None:
        self._must_be_granted("report")
        reports = self._services.reports
        while self._services.lossless and reports.full:
            if self.mailbox.closed:  # the host closes, and must not wait for a sink that stalls
                self.counters.reports -= 1
                self.counters.reports_dropped += 1
                return
            time.sleep(_FULL_S)  # our shard waits meanwhile, as its socket fills up
        frame = self._letter(told.number).frame
        record = ReportRecord(self.name, frame.src or "", frame.seq, frame.at, told.topic, told.body)
        if not reports.put(record):
            self.counters.reports -= 1  # the shard knew of no queue that was full
            self.counters.reports_dropped += 1

    def _line(self, told: Line) -> None:
        fields = {**told.fields, "observer": self.name}
        log = _guest_log if told.event == _GUEST_LINE else _host_log
        with suppress(Exception):  # a log that can't be written costs the line, and not the shard
            getattr(log, told.level)(told.event, **fields)

    def _panic(self, told: PanicTold) -> None:
        letter = self._letter(told.number) if told.number else None
        trap = TrapReport(told.kind, told.message, told.backtrace)
        frame = self._seen(letter) if letter is not None else None
        self._teller.record(trap, told.hook, told.fuel_budget, frame, told.lost)
        self._remember(told.hook, letter)

    def _seen(self, letter: Letter) -> Frame:
        """The event as the observer saw it, but of its true source: the panic log is the operator's."""
        return letter.view(self.profile)._replace(src=letter.frame.src)

    def _remember(self, hook: str, letter: Letter | None) -> None:
        lossless = self._services.lossless
        if letter is not None or not lossless:
            now = float(letter.number) if lossless and letter is not None else time.monotonic()
            self.panics.append((hook, now))

    def _reply(self, told: ReplyTold) -> None:
        reply = self._letter(told.number).reply
        if reply is not None and told.error is None:
            reply.done()
        elif reply is not None and told.error is not None:
            reply.raised(told.error)

    def _note(self, told: ConditionTold) -> None:
        if told.metrics:
            self._must_be_granted("metrics")
        healed = set(self.condition.quarantined) - set(told.quarantined)
        if healed:
            kept = [entry for entry in self.panics if entry[0] not in healed]
            self.panics.clear()
            self.panics.extend(kept)
        self.condition = told

    def convict(self, letter: Letter, words: str) -> None:
        """Its process died while it had this letter in hand: that is a panic, and costs this letter."""
        hook = letter.frame.hook
        trap = TrapReport(PanicKind.OTHER, f"its process died: {words}", ())
        self._teller.tell(trap, hook, self.observer.limits.fuel, self._seen(letter), letter.lost)
        self.counters.panics += 1
        self.counters.of(hook).panicked(trap.kind)
        self.counters.restarts += 1
        self._remember(hook, letter)
        if letter.reply is not None:
            letter.reply.panicked(trap.message)

    def fail(self, reason: str) -> None:
        """It could not be restarted: give it up."""
        self._failed = True
        _host_log.error("observer given up", observer=self.name, reason=reason)
        self.close()

    def close(self) -> None:
        """Give up what waits."""
        self.mailbox.close()

    def summary(self, unheard: int) -> ObserverSummary:
        """Make its line in the summary; ``unheard`` events never came into its mailbox."""
        condition = self.condition
        return ObserverSummary.of(
            self.name,
            self.module_sha256,
            self.counters,
            failed=self._failed or condition.failed,
            unheard=unheard,
            given_up=self.mailbox.dropped,
            quarantined=condition.quarantined,
            metrics=condition.metrics,
        )

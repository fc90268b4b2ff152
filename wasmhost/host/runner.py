"""One guest at its place in the host: its mailbox, its sandbox, its health, its counts."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.backoff import Backoff
from wasmhost.config.model import GRANTABLE_FIELDS
from wasmhost.errors import GuestRefused
from wasmhost.host.counters import Counters, ObserverSummary
from wasmhost.host.effects import EffectApplier
from wasmhost.host.health import QuarantineGate
from wasmhost.host.lines import ObserverLines
from wasmhost.host.mailbox import Letter, Mailbox
from wasmhost.host.mishaps import PanicTeller, tell_operator
from wasmhost.host.rates import EVENTS_A_SECOND
from wasmhost.host.scheduler import OVERRUN_NS
from wasmhost.host.seeds import SourceSeeds
from wasmhost.host.usage import UseCounter
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.instance import Sandbox, refused_start
from wasmhost.sandbox.outbox import NO_EFFECTS
from wasmhost.sandbox.traps import TrapReport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmhost.config import ObserverConfig
    from wasmhost.contract.codec import Frame
    from wasmhost.grants.profiles import Profile
    from wasmhost.host.hook_tally import DropReason
    from wasmhost.host.mailbox import HandedOver
    from wasmhost.host.ports import Ports
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest
    from wasmhost.sandbox.instance import Outcome

_TURN: Final = 32  # letters before the next observer has its turn
_REPORTS_FULL_S: Final = 0.001
_RESTART_S: Final = 0.01  # at least, after a restart that failed: else a live host does nothing but try
_INITIALIZE: Final = "_initialize"
_KIB: Final = 1024

_now: Final = time.monotonic_ns
_monotonic: Final = time.monotonic


class Condition(NamedTuple):
    """How a runner is, beside its counts; ``lost`` events it has not been told of yet."""

    failed: bool
    quarantined: tuple[str, ...]
    metrics: tuple[tuple[str, float], ...]
    lost: int


class GuestRunner:
    """Serves one guest's mailbox, in order, on whichever thread has its turn (`scheduler.Task`).

    Each letter taken from the mailbox is counted once, as the last thing that can fail: delivered,
    panicked, skipped or dropped.
    """

    def __init__(
        self,
        config: ObserverConfig,
        engine: SandboxEngine,
        guest: Guest,
        ports: Ports,
        mailbox: Mailbox | None = None,
        profile: Profile | None = None,
        counters: Counters | None = None,
    ) -> None:
        """Make its first sandbox and initialise it; ``mailbox`` is one of its own by default.

        ``profile``: what it may see of the events in its mailbox; None for all that is in them.
        ``counters``: of an earlier one in its place, who has stopped counting.

        :raises GuestRefused: it would not start.
        """
        self.name = config.name
        self.module_sha256 = guest.sha256
        self.hooks = frozenset(hook.name for hook in guest.hooks)
        self.counters = counters or Counters()
        self.mailbox = mailbox or Mailbox(config.mailbox, config.overflow, self.counters.drops)
        self.profile = profile
        self._config = config
        self._engine = engine
        self._guest = guest
        self._lossless = ports.lossless
        self._reports = ports.reports
        self._teller = PanicTeller(config.name, guest.sha256, ports.panics)
        self._index = guest.hook_index()
        self._event_bytes = config.limits.event_kib * _KIB
        self._lines = ObserverLines(config.name)
        self._effects = EffectApplier(
            config.name, self.counters, ports.reports, ports.states, config.rates, self._lines
        )
        self._gate = QuarantineGate(config.quarantine)
        first, longest = (0.0, 0.0) if ports.lossless else config.backoff_ms
        self._backoff = Backoff(first / 1e3, longest / 1e3, random.Random())  # noqa: S311 - jitter
        self._use = UseCounter(self.counters, guest.given.fields)
        self._masked = not guest.given.fields >= GRANTABLE_FIELDS
        self._seeds = SourceSeeds(guest.sha256, config.name)
        self._resume_at = 0.0
        self._served_at = 0  # the clock when the latest letter was; one look at it a letter is enough
        self._failed = False
        self._troubled = False  # it panicked lately: the gate and the backoff have to be asked
        self._refused_any = False
        self._lost = 0  # events it has not been told of yet, beside those its next letter tells
        self._sandbox: Sandbox | None = None
        trap = self._start(0.0 if self._lossless else _monotonic())
        if trap is not None:
            raise refused_start(trap)

    def turn(self) -> float | bool:
        """Deliver some letters; see `scheduler.Task.turn`. A bug of ours costs the letter, no more."""
        until = _now() + OVERRUN_NS
        for _ in range(_TURN):
            if self._lossless and self._reports.full:
                return _monotonic() + _REPORTS_FULL_S
            if not self.mailbox.waiting:
                self._look()  # now: once `take` finds nothing, another worker may have the next turn
            letter = self.mailbox.take()
            if letter is None:
                return False
            if self._sandbox is None and self._resume_at > _monotonic():
                self.mailbox.put_back(letter)
                return self._resume_at
            try:
                self._serve(letter)
            except Exception as error:  # the worker serves the other observers too
                self._lose(letter, error)
            if self._served_at > until:
                return True
        return True

    def _serve(self, letter: Letter) -> None:
        if self._lines.owing:
            self._effects.settle(self._clock(letter))
        if self._troubled and not self._gate.admits(letter.frame.hook, self._time(letter)):
            self._skip(letter)
            return
        frame = letter.view(self.profile)
        data = frame.data
        if self._masked and (letter.disguised or frame is not letter.frame):
            self.counters.of(frame.hook).disguised()
        if len(data) > self._event_bytes:
            self._refuse(letter, len(data))
            return
        sandbox = self._sandbox or self._restart(letter)
        if sandbox is None:
            return
        seed = self._seeds[frame.src or ""]
        lost, self._lost = letter.lost + self._lost, 0
        outcome = sandbox.deliver(self._index[frame.hook], data, frame.at, frame.seq, lost, seed)
        self._served_at = _now()
        took = self._served_at - sandbox.began
        self._use.delivered(frame)
        if outcome.trap is None:
            self._returned(letter, outcome, took)
        else:
            self._panicked(letter, outcome, outcome.trap, frame, lost)

    def _returned(self, letter: Letter, outcome: Outcome, took_ns: int) -> None:
        hook, reply, counters = letter.frame.hook, letter.reply, self.counters
        if outcome.effects is not NO_EFFECTS:
            self._use.asked(outcome.effects)
            self._effects.apply(outcome.effects, hook, letter.frame, self._clock(letter))
        counters.delivered += 1
        tally = counters.hooks.get(hook) or counters.of(hook)
        tally.fuel.add(outcome.fuel)
        tally.times[took_ns.bit_length()] += 1
        tally.time_sum += took_ns
        if self._troubled:
            self._recover(hook, letter)
        if reply is not None:
            if outcome.error is None:
                reply.done()
            else:
                reply.failed(outcome.error)
        elif outcome.error is not None:
            now = self._clock(letter)
            self._lines.tell("warning", "observer returned an error", now, hook=hook, error=outcome.error)

    def _panicked(self, letter: Letter, outcome: Outcome, trap: TrapReport, seen: Frame, lost: int) -> None:
        """Throw the sandbox away, remember why, and decide when there is another.

        ``seen`` is the event as the guest saw it: what happened is to happen again of the same bytes.
        """
        hook = letter.frame.hook
        self._discard()
        self._effects.apply(outcome.effects, hook, letter.frame, self._clock(letter))
        told = seen._replace(src=letter.frame.src)  # the log is the operator's, who is to know the source
        self._teller.tell(trap, hook, self._config.limits.fuel, told, lost)
        self._count_panic(hook, trap.kind)
        self._resume_at = _monotonic() + self._backoff.failed()
        self._book_panic(hook, letter)
        if letter.reply is not None:
            letter.reply.panicked(trap.message)

    def _recover(self, hook: str, letter: Letter) -> None:
        self._backoff.succeeded()
        if self._gate.succeeded(hook):
            self._lines.tell("info", "observer hook left quarantine", self._clock(letter), hook=hook)
        self._troubled = not self._gate.calm

    def _book_panic(self, hook: str, letter: Letter) -> None:
        self._troubled = True
        if self._gate.panicked(hook, self._time(letter)):
            self._lines.tell("warning", "observer hook is in quarantine", self._clock(letter), hook=hook)

    def _skip(self, letter: Letter) -> None:
        """Pass over a letter in quarantine; what was lost before it is still to be told."""
        self._served_at = _now()
        self._lost += letter.lost
        self.counters.skipped += 1
        self.counters.of(letter.frame.hook).skipped()
        if letter.reply is not None:
            letter.reply.done()

    def _count_panic(self, hook: str, kind: str) -> None:
        self.counters.panics += 1
        self.counters.of(hook).panicked(kind)

    def _give_up(self, letter: Letter, why: DropReason) -> None:
        self._lost += letter.lost + 1
        self._count_drop(letter, why)

    def _count_drop(self, letter: Letter, why: DropReason) -> None:
        self._served_at = _now()
        self.counters.dropped += 1
        self.counters.of(letter.frame.hook).dropped(why)

    def _refuse(self, letter: Letter, size: int) -> None:
        """Give up an event over the observer's event_kib, and say so the first time."""
        self._give_up(letter, "too_large")
        if not self._refused_any:
            self._refused_any = True
            what = {"observer": self.name, "hook": letter.frame.hook, "bytes": size}
            tell_operator("warning", "event over event_kib", **what)
        if letter.reply is not None:
            letter.reply.too_large()

    def _lose(self, letter: Letter, error: Exception) -> None:
        """Go on after a bug of ours: the letter counts as a panic, and the sandbox is trusted no more."""
        what = "wasmhost failed to serve an observer; this is a bug"
        self._lines.tell("error", what, self._clock(letter), hook=letter.frame.hook, exc_info=error)
        self._served_at = _now()
        self._count_panic(letter.frame.hook, "bug")
        if letter.reply is not None:
            letter.reply.panicked(f"wasmhost failed: {error!r}")
        with suppress(Exception):
            self._discard()

    def crashed(self, error: BaseException) -> None:
        """Give up for good: see `scheduler.Task.crashed`."""
        self._failed = True
        tell_operator("error", "observer given up", observer=self.name, reason=repr(error))
        self.mailbox.close()
        self.mailbox.take()  # off duty

    # Its sandboxes.

    def _start(self, now: float) -> TrapReport | None:
        """Make a sandbox and initialise it; why that trapped, where it did. ``now``: by `_clock`.

        :raises GuestRefused: there is none to be had.
        """
        self._sandbox = sandbox = Sandbox(
            self._engine,
            self._guest,
            self._config.limits,
            config=self._config.config,
            state=self._effects.state if "state" in self._config.grant else None,
            seed=self._seeds[""],
        )
        trap = sandbox.init.trap
        if trap is not None:
            self._discard()
        self._effects.apply(sandbox.init.effects, _INITIALIZE, None, now)
        return trap

    def _restart(self, letter: Letter) -> Sandbox | None:
        """Make a fresh sandbox; None, and the letter seen to, where there is none to be had.

        A file is read at once and to its end: there, what can't be served is given up, and after a
        few restarts that fail only an event now and then is tried.
        """
        gate, now = self._gate, self._time(letter)
        if self._lossless and not gate.admits(_INITIALIZE, now):
            self._unserved(letter, "it could not be restarted")
            return None
        self.counters.restarts += 1
        try:
            trap, where = self._start(self._clock(letter)), _INITIALIZE
        except GuestRefused as refused:
            trap, where = TrapReport(PanicKind.OTHER, str(refused), ()), "start"
        self._failed = trap is not None
        self.counters.restarts_failed += trap is not None
        self._troubled = True
        if trap is None:
            gate.succeeded(_INITIALIZE)
            return self._sandbox
        self._teller.tell(trap, where, self._config.limits.init_fuel)
        if self._lossless:
            self._book_panic(_INITIALIZE, letter)
        else:
            self._resume_at = _monotonic() + max(_RESTART_S, self._backoff.failed())
        self._unserved(letter, trap.message)
        return None

    def _unserved(self, letter: Letter, why: str) -> None:
        """See to a letter that no sandbox is there for: wait for one, where time is no object.

        Who awaits a result is told at once, though: a node must be able to stop beside us.
        """
        if self._lossless or letter.reply is not None:
            self._give_up(letter, "no_sandbox")
            awaited = [letter]
        else:
            self._served_at = _now()
            self.mailbox.put_back(letter)
            awaited = self.mailbox.take_awaited()
            for each in awaited:
                self._count_drop(each, "no_sandbox")
        for each in awaited:
            if each.reply is not None:
                each.reply.panicked(why)

    def _discard(self) -> None:
        self._look()
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            sandbox.close()

    def _look(self) -> None:
        """Note what the guest has asked for without a trace but in its box."""
        if self._sandbox is not None:
            self._use.looked(*self._sandbox.asked)

    def _time(self, letter: Letter) -> float:
        return float(letter.number) if self._lossless else _monotonic()

    def _clock(self, letter: Letter) -> float:
        """Seconds, by the clock of `wasmhost.host.rates`."""
        return letter.number / EVENTS_A_SECOND if self._lossless else _monotonic()

    def settle(self) -> None:
        """Write and tell what waits to be. While it has no turn."""
        self._effects.close()
        self._look()

    def hand_over(self) -> HandedOver:
        """Give away what waits in its mailbox; see `posts.Runner`."""
        lost, self._lost = self._lost, 0
        self._use = UseCounter(Counters(), frozenset())  # who goes on with our counters counts alone
        self.mailbox.lose_in_front(lost)
        return self.mailbox.hand_over()

    def close(self) -> None:
        """Free the sandbox and give up what waits. When no worker serves it any more."""
        self.mailbox.close()
        self._effects.close()
        self._discard()

    def remember(self, panics: Iterable[tuple[str, float]]) -> None:
        """Take over what is known of an earlier life: which hook panicked when, by the clock of `health`."""
        for hook, when in panics:
            self._troubled = True
            self._gate.panicked(hook, when)

    def condition(self) -> Condition:
        """How it is. Safe from any thread."""
        return Condition(
            self._failed,
            tuple(sorted(self._gate.quarantined())),
            tuple(sorted(self._effects.metrics.items())),
            self._lost,
        )

    def summary(self, unheard: int) -> ObserverSummary:
        """Make its line in the summary; ``unheard`` events never came into its mailbox."""
        condition = self.condition()
        return ObserverSummary.of(
            self.name,
            self.module_sha256,
            self.counters,
            failed=condition.failed,
            unheard=unheard,
            given_up=self.mailbox.dropped,
            quarantined=condition.quarantined,
            metrics=condition.metrics,
        )

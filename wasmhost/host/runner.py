"""One guest at its place in the host: its mailbox, its sandbox, its health, its counts."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.errors import GuestRefused
from wasmhost.host.counters import Counters, ObserverSummary
from wasmhost.host.effects import EffectApplier
from wasmhost.host.health import Backoff, QuarantineGate
from wasmhost.host.mailbox import Letter, Mailbox
from wasmhost.panics.record import Panic, PanicKind
from wasmhost.sandbox.instance import Sandbox, stream_seed
from wasmhost.sandbox.outbox import NO_EFFECTS
from wasmhost.sandbox.traps import TrapReport

if TYPE_CHECKING:
    from wasmhost.config import ObserverConfig
    from wasmhost.contract.codec import Frame
    from wasmhost.host.counters import ObserverState
    from wasmhost.host.reports import ReportQueue
    from wasmhost.host.state import StateStore
    from wasmhost.panics.store import PanicLog
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest
    from wasmhost.sandbox.instance import Outcome

_TURN: Final = 32  # letters before the next observer has its turn
_SOURCES_REMEMBERED: Final = 1024
_REPORTS_FULL_S: Final = 0.001

_WASMTIME: Final = metadata.version("wasmtime")

_log: Final = structlog.stdlib.get_logger("wasmhost.host")
_monotonic: Final = time.monotonic


@dataclass(frozen=True, slots=True)
class Services:
    """What all runners of a host share. ``lossless``: no backoff, and time is counted in events."""

    panics: PanicLog
    states: StateStore
    reports: ReportQueue
    lossless: bool


class GuestRunner:
    """Serves one guest's mailbox, in order, on whichever thread has its turn (`scheduler.Task`)."""

    def __init__(
        self, config: ObserverConfig, engine: SandboxEngine, guest: Guest, services: Services
    ) -> None:
        """Make its first sandbox and initialise it.

        :raises GuestRefused: it would not start.
        """
        self.name = config.name
        self.module_sha256 = guest.sha256
        self.hooks = frozenset(hook.name for hook in guest.hooks)
        self.mailbox = Mailbox(config.mailbox, config.overflow)
        self.counters = Counters()
        self._config = config
        self._engine = engine
        self._guest = guest
        self._services = services
        self._index = guest.hook_index()
        self._effects = EffectApplier(config.name, self.counters, services.reports, services.states)
        self._gate = QuarantineGate(config.quarantine)
        first, longest = (0.0, 0.0) if services.lossless else config.backoff_ms
        self._backoff = Backoff(first / 1e3, longest / 1e3, random.Random())  # noqa: S311 - jitter
        self._seeds: dict[str, int] = {}
        self._resume_at = 0.0
        self._failed = False
        self._sandbox: Sandbox | None = self._make_sandbox()
        trap = self._sandbox.init.trap
        if trap is not None:
            self._sandbox.close()
            raise GuestRefused(f"its _initialize trapped ({trap.kind}): {trap.message}")
        self._effects.apply(self._sandbox.init.effects, "_initialize", None)

    def turn(self) -> float | bool:
        """Deliver some letters; see `scheduler.Task.turn`. A fault of ours costs the letter, no more."""
        for _ in range(_TURN):
            if self._services.lossless and self._services.reports.full:
                return _monotonic() + _REPORTS_FULL_S
            if self._sandbox is None and self._resume_at > _monotonic():
                return self._resume_at
            letter = self.mailbox.take()
            if letter is None:
                return False
            try:
                self._serve(letter)
            except Exception as error:  # the worker serves the other observers too
                self._lose(letter, error)
        return True

    def _lose(self, letter: Letter, error: Exception) -> None:
        """Go on after a bug of ours: this letter is lost, and the sandbox is not trusted any more."""
        _log.exception("wasmhost failed to serve an observer; this is a bug", observer=self.name)
        self.counters.panics += 1
        sandbox, self._sandbox = self._sandbox, None
        if letter.reply is not None:
            letter.reply.panicked(f"wasmhost failed: {error!r}")
        if sandbox is not None:
            sandbox.close()

    def _serve(self, letter: Letter) -> None:
        frame = letter.frame
        gate = self._gate
        if not gate.calm and not gate.admits(frame.hook, self._time(letter)):
            self.counters.skipped += 1
            if letter.reply is not None:
                letter.reply.done()
            return
        sandbox = self._sandbox or self._restart(letter)
        if sandbox is None:
            return
        src = frame.src or ""
        seed = self._seeds.get(src) or self._seed(src)
        outcome = sandbox.deliver(
            self._index[frame.hook], frame.data, frame.at, frame.seq, letter.lost, seed
        )
        if outcome.trap is not None:
            self._effects.apply(outcome.effects, frame.hook, frame)
            self._panicked(letter, outcome.trap)
        else:
            self._returned(letter, outcome)

    def _returned(self, letter: Letter, outcome: Outcome) -> None:
        hook = letter.frame.hook
        self.counters.delivered += 1
        self.counters.fuel.add(outcome.fuel)
        if outcome.effects is not NO_EFFECTS:
            self._effects.apply(outcome.effects, hook, letter.frame)
        self._backoff.succeeded()
        if not self._gate.calm and self._gate.succeeded(hook):
            _log.info("observer hook left quarantine", observer=self.name, hook=hook)
        if outcome.error is not None and letter.reply is None:
            _log.warning("observer returned an error", observer=self.name, hook=hook, error=outcome.error)
        if letter.reply is not None:
            if outcome.error is None:
                letter.reply.done()
            else:
                letter.reply.failed(outcome.error)

    def _panicked(self, letter: Letter, trap: TrapReport) -> None:
        """Throw the sandbox away, remember why, and decide when there is another."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None
        hook = letter.frame.hook
        self.counters.panics += 1
        self._record(trap, hook, letter.frame, letter.lost, self._config.limits.fuel)
        self._resume_at = _monotonic() + self._backoff.panicked()
        if self._gate.panicked(hook, self._time(letter)):
            _log.warning("observer hook is in quarantine", observer=self.name, hook=hook)
        if letter.reply is not None:
            letter.reply.panicked(trap.message)

    def _record(self, trap: TrapReport, hook: str, frame: Frame | None, lost: int, fuel: int) -> None:
        """To the panic log; and to the log, ever more rarely: at the 1st, 2nd, 4th, 8th… panic."""
        count = self.counters.panics
        if count & (count - 1) == 0:
            _log.error(
                "observer panicked; isolated",
                observer=self.name,
                hook=hook,
                kind=trap.kind.value,
                panic=trap.message,
                count=count,
            )
        self._services.panics.record(
            Panic(
                observer=self.name,
                module_sha256=self.module_sha256,
                hook=hook,
                src=(frame.src or "") if frame is not None else "",
                seq=frame.seq if frame is not None else 0,
                at=frame.at if frame is not None else 0,
                kind=trap.kind,
                message=trap.message,
                backtrace=trap.backtrace,
                fuel_budget=fuel,
                event=frame.data if frame is not None else b"",
                lost=lost,
                wasmtime=_WASMTIME,
                happened_at=time.time_ns(),
            )
        )

    def _restart(self, letter: Letter) -> Sandbox | None:
        """A fresh sandbox; None, and the letter seen to, where there is none to be had."""
        self.counters.restarts += 1
        try:
            sandbox = self._make_sandbox()
            trap = sandbox.init.trap
            if trap is None:
                self._failed = False
                self._sandbox = sandbox
                self._effects.apply(sandbox.init.effects, "_initialize", None)
                return sandbox
            sandbox.close()
            where = "_initialize"
        except GuestRefused as refused:
            trap, where = TrapReport(PanicKind.OTHER, str(refused), ()), "start"
        self._failed = True
        self._record(trap, where, None, 0, self._config.limits.init_fuel)
        self._resume_at = _monotonic() + self._backoff.panicked()
        if self._services.lossless or letter.reply is not None:
            # A file is read at once and to its end: what can't be served is given up.
            self.counters.dropped += 1
            if letter.reply is not None:
                letter.reply.panicked(trap.message)
        else:
            self.mailbox.put_back(letter)
        return None

    def _make_sandbox(self) -> Sandbox:
        return Sandbox(
            self._engine,
            self._guest,
            self._config.limits,
            config=self._config.config,
            state=self._effects.state if "state" in self._config.grant else None,
            seed=stream_seed(self.module_sha256, self.name, ""),
        )

    def _seed(self, src: str) -> int:
        if len(self._seeds) >= _SOURCES_REMEMBERED:
            self._seeds.clear()
        seed = self._seeds[src] = stream_seed(self.module_sha256, self.name, src)
        return seed

    def _time(self, letter: Letter) -> float:
        return float(letter.number) if self._services.lossless else _monotonic()

    def close(self) -> None:
        """Free the sandbox and give up what waits. When no worker serves it any more."""
        for letter in self.mailbox.empty_out():
            if letter.reply is not None:
                letter.reply.given_up()
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def summary(self, unheard: int) -> ObserverSummary:
        """Its line in the summary; ``unheard`` events were of hooks it has not, or without a context."""
        quarantined = tuple(sorted(self._gate.quarantined()))
        state: ObserverState = "failed" if self._failed else "quarantined" if quarantined else "running"
        counters = self.counters
        return ObserverSummary(
            name=self.name,
            module_sha256=self.module_sha256,
            state=state,
            delivered=counters.delivered,
            skipped=counters.skipped + unheard,
            panics=counters.panics,
            dropped=counters.dropped + self.mailbox.dropped,
            fuel=counters.fuel.quantiles(),
            logs=counters.logs,
            logs_dropped=counters.logs_dropped,
            reports=counters.reports,
            reports_dropped=counters.reports_dropped,
            quarantined=quarantined,
            metrics=tuple(sorted(self._effects.metrics.items())),
        )

"""An observer under test: deliver events to it, and see what it leaves.

As in a host: a panic costs the sandbox, and the next event goes to a fresh one that is given the state
saved last. Unlike there, nothing is ever put in quarantine, and the same deliveries always end the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.authoring.tryout import Tryout, heard
from wasmhost.contract.codec import Frame
from wasmhost.testing.checks import Checks
from wasmhost.testing.delivery import Delivery, Report
from wasmhost.testing.events import Event, read_events

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wasmhost.config import Limits
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest
    from wasmhost.sandbox.instance import Outcome, Sandbox
    from wasmhost.sandbox.traps import TrapReport


class ObserverPanicked(AssertionError):
    """An observer panicked where the test did not ask for it; ``panic`` says why and where."""

    def __init__(self, hook: str, panic: TrapReport) -> None:
        trace = "".join(f"\n  {frame}" for frame in panic.backtrace)
        super().__init__(f"{hook} panicked ({panic.kind}): {panic.message}{trace}")
        self.panic = panic


class Observer(Checks):
    """One observer, and all that it has left since it was made.

    ``reports``, ``logs``, ``metrics``, ``panics``, ``errors`` are in the order they came; ``fuel`` is what
    each call that returned did cost. ``state`` is the blob saved last.
    """

    def __init__(
        self,
        engine: SandboxEngine,
        guest: Guest,
        limits: Limits,
        *,
        config: Mapping[str, str] | None = None,
        state: bytes | None = None,
    ) -> None:
        super().__init__(state)
        self.limits = limits
        self.fuel: list[int] = []
        self._tryout = Tryout(engine, guest, limits, config=config, state=state)
        self._next = 0

    @property
    def guest(self) -> Guest:
        """What it runs: the module as it was let in. To be changed before the first event only."""
        return self._tryout.guest

    @guest.setter
    def guest(self, guest: Guest) -> None:
        self._tryout.guest = guest

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks that it hears."""
        return self._tryout.hooks

    def deliver(self, event: Event | Frame, *, lost: int = 0) -> Delivery:
        """Give it one event. ``lost``: how many it is told were lost before.

        :raises ObserverPanicked: it did.
        :raises LookupError: it does not hear that hook.
        """
        __tracebackhide__ = True
        delivery = self.attempt(event, lost=lost)
        if delivery.panic is not None:
            raise ObserverPanicked(event.hook, delivery.panic)
        return delivery

    def attempt(self, event: Event | Frame, *, lost: int = 0) -> Delivery:
        """Give it one event, which may make it panic.

        :raises LookupError: it does not hear that hook.
        """
        if event.hook not in self.hooks:
            raise LookupError(f"it does not hear {event.hook}, but {', '.join(self.hooks)}")
        frame = event.frame(self._next) if isinstance(event, Event) else event
        self._next = frame.seq + 1
        self._start()
        return self._keep(self._tryout.deliver(frame, lost))

    def deliver_bytes(
        self, hook: str, data: bytes, *, at: int = 0, seq: int = 0, lost: int = 0, src: str = ""
    ) -> Delivery:
        """Give a hook any bytes; a host gives it an event of the contract, encoded deterministically."""
        return self.attempt(Frame(hook, seq, at, src, has_ctx=True, data=data), lost=lost)

    def replay(self, path: str | Path) -> None:
        """Give it a file of events, ``….cborseq`` or ``….events.ndjson``, as a host would.

        Hooks it does not hear are passed over, and so are events that should have a context and do not; of
        those that are missing it is told how many.

        :raises ObserverPanicked: it did.
        """
        __tracebackhide__ = True
        for frame, lost in heard(read_events(path), self.hooks):
            self.deliver(frame, lost=lost)

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox it lives in; made anew where there is none.

        :raises GuestRefused: it does not start.
        """
        self._start()
        assert self._tryout.sandbox is not None  # noqa: S101 - started
        return self._tryout.sandbox

    def restart(self) -> None:
        """Throw the sandbox away, as when the host is started anew: the state is all it keeps."""
        self.close()

    def close(self) -> None:
        """Free the sandbox."""
        self._tryout.close()

    def _start(self) -> None:
        started = self._tryout.start()
        if started is not None:
            self.logs += started.effects.logs

    def _keep(self, outcome: Outcome) -> Delivery:
        effects = outcome.effects
        reports = tuple(Report(report.topic, report.body) for report in effects.reports)
        self.logs += effects.logs
        self.reports += reports
        self.metrics += effects.metrics
        if outcome.trap is not None:
            self.panics.append(outcome.trap)
        else:
            self.fuel.append(outcome.fuel)
        if outcome.error is not None:
            self.errors.append(outcome.error)
        self.state = self._tryout.state
        return Delivery(
            outcome.fuel, effects.logs, reports, effects.metrics, effects.state, outcome.error, outcome.trap
        )

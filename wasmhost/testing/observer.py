"""An observer under test: deliver events to it, and see what it leaves.

As in a host: a panic costs the sandbox, and the next event goes to a fresh one that is given the state
saved last. Unlike there, nothing is ever put in quarantine, and the same deliveries always end the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cbor2

from wasmhost.contract.hooks import EARLY_HOOKS
from wasmhost.sandbox.instance import Sandbox, refused_start, stream_seed
from wasmhost.testing.checks import Checks
from wasmhost.testing.events import Event, read_events

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wasmhost.config import Limits
    from wasmhost.contract.codec import Frame
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest
    from wasmhost.sandbox.instance import Outcome
    from wasmhost.sandbox.outbox import CounterAdd, GaugeSet, LogLine
    from wasmhost.sandbox.traps import TrapReport


class ObserverPanicked(AssertionError):
    """An observer panicked where the test did not ask for it; ``panic`` says why and where."""

    def __init__(self, hook: str, panic: TrapReport) -> None:
        trace = "".join(f"\n  {frame}" for frame in panic.backtrace)
        super().__init__(f"{hook} panicked ({panic.kind}): {panic.message}{trace}")
        self.panic = panic


@dataclass(frozen=True, slots=True)
class Report:
    """A finding, and its body as the bytes that were sent."""

    topic: str
    data: bytes

    @property
    def body(self) -> Any:  # Any: whatever the author puts into it
        """The body, decoded."""
        return cbor2.loads(self.data)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one event brought about. After a panic only logs are there, and the whole budget is spent."""

    fuel: int
    logs: tuple[LogLine, ...]
    reports: tuple[Report, ...]
    metrics: tuple[CounterAdd | GaugeSet, ...]
    state: bytes | None
    error: str | None
    panic: TrapReport | None


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
        self.guest = guest
        self.limits = limits
        self.config = dict(config or {})
        self.fuel: list[int] = []
        self._engine = engine
        self._index = guest.hook_index()
        self._sandbox: Sandbox | None = None
        self._next = 0

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks that it hears."""
        return tuple(self._index)

    def deliver(self, event: Event | Frame, *, lost: int = 0) -> Delivery:
        """Give it one event. ``lost``: how many it is told were lost before.

        :raises ObserverPanicked: it did.
        """
        __tracebackhide__ = True
        delivery = self.attempt(event, lost=lost)
        if delivery.panic is not None:
            raise ObserverPanicked(event.hook, delivery.panic)
        return delivery

    def attempt(self, event: Event | Frame, *, lost: int = 0) -> Delivery:
        """Give it one event, which may make it panic."""
        frame = event.frame(self._next) if isinstance(event, Event) else event
        return self.deliver_bytes(
            frame.hook, frame.data, at=frame.at, seq=frame.seq, lost=lost, src=frame.src or ""
        )

    def deliver_bytes(
        self, hook: str, data: bytes, *, at: int = 0, seq: int = 0, lost: int = 0, src: str = ""
    ) -> Delivery:
        """Give a hook any bytes; a host gives it an event of the contract, encoded deterministically."""
        self._next = seq + 1
        seed = stream_seed("", "", src)
        return self._keep(self.sandbox.deliver(self._index[hook], data, at, seq, lost, seed))

    def replay(self, path: str | Path) -> None:
        """Give it a file of events, ``….cborseq`` or ``….events.ndjson``, as a host would.

        Hooks it does not hear are passed over, and so are events that should have a context and do not.

        :raises ObserverPanicked: it did.
        """
        __tracebackhide__ = True
        for frame in read_events(path):
            if frame.hook in self._index and (frame.has_ctx or frame.hook in EARLY_HOOKS):
                self.deliver(frame)

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox it lives in; made anew where there is none.

        :raises GuestRefused: it does not start.
        """
        if self._sandbox is None:
            made = Sandbox(
                self._engine,
                self.guest,
                self.limits,
                config=self.config,
                state=self.state,
                seed=stream_seed("", "", ""),
            )
            if made.init.trap is not None:
                made.close()
                raise refused_start(made.init.trap)
            self.logs += made.init.effects.logs
            self._sandbox = made
        return self._sandbox

    def restart(self) -> None:
        """Throw the sandbox away, as when the host is started anew: the state is all it keeps."""
        self.close()

    def close(self) -> None:
        """Free the sandbox."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def _keep(self, outcome: Outcome) -> Delivery:
        effects = outcome.effects
        reports = tuple(Report(report.topic, report.body) for report in effects.reports)
        self.logs += effects.logs
        self.reports += reports
        self.metrics += effects.metrics
        if outcome.trap is not None:
            self.panics.append(outcome.trap)
            self.close()
        else:
            self.fuel.append(outcome.fuel)
        if outcome.error is not None:
            self.errors.append(outcome.error)
        if effects.state is not None:
            self.state = effects.state
        return Delivery(
            outcome.fuel, effects.logs, reports, effects.metrics, effects.state, outcome.error, outcome.trap
        )

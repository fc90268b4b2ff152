"""What is counted of one observer, and the summary made of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal

from wasmhost.host.fuel import FuelSummary, FuelTally
from wasmhost.host.hook_tally import DropCounts, HookTally

ObserverState = Literal["running", "quarantined", "failed", "refused", "removed"]


@dataclass(slots=True)
class Counters:
    """Counts of one observer; each is written by one thread at a time.

    ``skipped`` here are the events of hooks it has that were in quarantine; those of hooks it has
    not, the host counts. ``dropped`` here are those given up after the mailbox had handed them out;
    what the mailbox dropped, the mailbox counts, and notes in ``drops``.

    ``suppressed_…``: what its rates did not let pass. Lines, reports and metrics among it are counted as
    dropped too; a suppressed write of state is made later, or by a later one.

    ``used_…``: not 0 once a capability was called. ``saw_…``: events that carried a field undisguised.
    ``hooks``: the same events, hook by hook.
    """

    delivered: int = 0
    panics: int = 0
    skipped: int = 0
    dropped: int = 0
    logs: int = 0
    logs_dropped: int = 0
    reports: int = 0
    reports_dropped: int = 0
    state_refused: int = 0
    restarts: int = 0
    suppressed_logs: int = 0
    suppressed_log_bytes: int = 0
    suppressed_reports: int = 0
    suppressed_report_bytes: int = 0
    suppressed_state: int = 0
    suppressed_metrics: int = 0
    used_config: int = 0
    used_metrics: int = 0
    used_report: int = 0
    used_state: int = 0
    saw_credential: int = 0
    saw_peer: int = 0
    saw_self: int = 0
    saw_stream: int = 0
    restarts_failed: int = 0
    drops: DropCounts = field(default_factory=DropCounts)
    hooks: dict[str, HookTally] = field(default_factory=dict[str, HookTally])

    @property
    def fuel(self) -> FuelTally:
        """That of all hooks together. Safe from any thread."""
        fuel = FuelTally()
        for tally in self.hooks.copy().values():
            fuel.include(tally.fuel)
        return fuel

    def of(self, hook: str) -> HookTally:
        """Return a hook's own tally."""
        return self.hooks.get(hook) or self.hooks.setdefault(hook, HookTally())


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What an observer asked for beyond its rates; ``metrics``: beyond the number of names it may have."""

    logs: int = 0
    log_bytes: int = 0
    reports: int = 0
    report_bytes: int = 0
    state: int = 0
    metrics: int = 0

    @classmethod
    def of(cls, counters: Counters) -> Suppressed:
        """Take it from an observer's counters."""
        return cls(*(getattr(counters, f"suppressed_{item.name}") for item in fields(cls)))

    @property
    def things(self) -> int:
        """How many lines, reports, writes and metrics that is."""
        return self.logs + self.reports + self.state + self.metrics


@dataclass(frozen=True, slots=True)
class ObserverSummary:
    """One observer's line in the summary of a run. `docs/cli.md` says what each count means."""

    name: str
    module_sha256: str | None
    state: ObserverState
    delivered: int = 0
    skipped: int = 0
    panics: int = 0
    dropped: int = 0
    fuel: FuelSummary | None = None
    logs: int = 0
    logs_dropped: int = 0
    reports: int = 0
    reports_dropped: int = 0
    quarantined: tuple[str, ...] = ()
    metrics: tuple[tuple[str, float], ...] = ()
    reason: str | None = None
    suppressed: Suppressed = Suppressed()

    @classmethod
    def of(
        cls,
        name: str,
        module_sha256: str | None,
        counters: Counters,
        *,
        failed: bool,
        unheard: int,
        given_up: int,
        quarantined: tuple[str, ...] = (),
        metrics: tuple[tuple[str, float], ...] = (),
    ) -> ObserverSummary:
        """Make it from an observer's counters.

        ``failed``: it runs no more. ``unheard`` events never came into its mailbox, ``given_up`` ones never
        out of it again.
        """
        state: ObserverState = "failed" if failed else "quarantined" if quarantined else "running"
        return cls(
            name=name,
            module_sha256=module_sha256,
            state=state,
            delivered=counters.delivered,
            skipped=counters.skipped + unheard,
            panics=counters.panics,
            dropped=counters.dropped + given_up,
            fuel=counters.fuel.quantiles(),
            logs=counters.logs,
            logs_dropped=counters.logs_dropped,
            reports=counters.reports,
            reports_dropped=counters.reports_dropped,
            quarantined=quarantined,
            metrics=metrics,
            suppressed=Suppressed.of(counters),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to. ``duplicates``: events that came again, and were not taken; None: nobody looked."""

    events: int
    rejected: int
    observers: tuple[ObserverSummary, ...]
    duplicates: int | None = None

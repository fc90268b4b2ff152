"""One live sandbox: make it, deliver events to it, throw it away."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.errors import GuestRefused, InternalError
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.engine import TICK_MS, ticks
from wasmhost.sandbox.native.cell import Cell, Plan
from wasmhost.sandbox.native.component_cell import ComponentCell
from wasmhost.sandbox.native.store import budget
from wasmhost.sandbox.native.trap import Trapped
from wasmhost.sandbox.outbox import NO_EFFECTS, Effects, LogLine, read_box
from wasmhost.sandbox.traps import TrapReport, report_trap

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from wasmhost.config import Limits
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest

_TICK_NS: Final = TICK_MS * 1_000_000
_now: Final = time.monotonic_ns
_tuple: Final = tuple.__new__  # how a NamedTuple is made, without the call in between


class Outcome(NamedTuple):
    """How one delivery went.

    ``fuel``: what it cost, airlock included; the whole budget after a trap, because the engine's
    counter is stale then. ``error``: what the hook returned as an error. ``trap``: why it trapped;
    the sandbox is closed then, and only logs are in ``effects``.
    """

    fuel: int
    effects: Effects
    error: str | None
    trap: TrapReport | None


class Sandbox:
    """A guest, alive. Used by one thread at a time.

    A trap closes it: an instance that trapped is half-way through something, and would go on from
    there. After that, or after `close`, using it raises an `InternalError`.
    """

    __slots__ = (
        "_armed_at",
        "_asked",
        "_budget",
        "_cell",
        "_closed",
        "_fuel",
        "_ticker",
        "_ticks",
        "began",
        "guest",
        "init",
    )

    def __init__(
        self,
        engine: SandboxEngine,
        guest: Guest,
        limits: Limits,
        *,
        config: Mapping[str, str] | None = None,
        state: bytes | None = None,
        seed: int = 0,
    ) -> None:
        """Instantiate and initialise, under init_fuel and init_deadline_ms.

        ``state`` is the blob last saved, ``seed`` what the random stream of initialisation starts
        from. ``self.init`` is how the initialisation went: check its ``trap``.

        :raises GuestRefused: the engine would not instantiate it, or its start function trapped.
        """
        self.guest = guest
        self.began = 0
        """When the latest delivery began, in nanoseconds of the monotonic clock."""
        self._ticker = engine.ticker
        self._fuel = limits.fuel
        self._budget = budget(limits.fuel)
        self._ticks = ticks(limits.deadline_ms)
        self._armed_at = 0
        self._asked = False, False
        self._closed = False
        init_ticks = ticks(limits.init_deadline_ms)
        with self._ticker.held():
            try:
                self._cell = _cell(engine, guest, limits.init_fuel, init_ticks)
            except Trapped as trapped:
                report = report_trap(trapped.raw, phase=abi.Phase.IDLE, said="", exit_code=0)
                code = trapped.raw.code
                where = "it does not instantiate" if code is None else "its start function trapped"
                raise GuestRefused(f"{where}: {report.message}") from None
            try:
                without = guest.given.without
                _furnish(
                    self._cell.box,
                    {} if config is None or "config" in without else config,
                    None if "state" in without else state,
                )
                self.init = self._initialize(limits.init_fuel, init_ticks, seed)
            except BaseException:
                self._cell.close()
                raise

    def _initialize(self, fuel: int, init_ticks: int, seed: int) -> Outcome:
        cell = self._cell
        if not cell.has_initialize:
            return Outcome(0, NO_EFFECTS, None, None)
        cell.arm(init_ticks)
        try:
            spent = fuel - cell.initialize(fuel, seed)
        except Trapped as trapped:
            return self._trapped(trapped, fuel)
        return self._full(spent)

    def deliver(
        self, hook: int, event: bytes, at: int = 0, seq: int = 0, lost: int = 0, seed: int = 0
    ) -> Outcome:
        """Deliver one event to one of the guest's hooks.

        ``hook`` is an index into ``guest.hooks``; ``event`` the CBOR bytes, at most 64 KiB; ``at``
        Unix nanoseconds; ``lost`` events lost since the last delivery; ``seed`` of the random stream.
        """
        self.began = now = _now()
        # Arming costs as much as reading fuel. Within a tick of the last time the epoch has moved by
        # one at most, which `ticks` allows for.
        if now - self._armed_at >= _TICK_NS:
            self._ticker.arm()
            self._cell.arm(self._ticks)
            self._armed_at = now
        cell = self._cell
        try:
            fuel = self._fuel - cell.deliver(hook, event, at, seq, lost, seed, self._budget)
        except Trapped as trapped:
            return self._trapped(trapped, self._fuel)
        if cell.result[0]:
            return self._full(fuel)
        return _tuple(Outcome, (fuel, NO_EFFECTS, None, None))

    def _full(self, fuel: int) -> Outcome:
        left = read_box(self._cell.box)
        effects = left.effects
        if self.guest.given.without:
            effects = _less(effects, self.guest.given.without)
        if left.panic:  # and then it returned: its words are still worth a line
            effects = effects._replace(logs=(*effects.logs, LogLine("error", left.panic)))
        return Outcome(fuel, effects, left.error, None)

    def _trapped(self, trapped: Trapped, budget: int) -> Outcome:
        left = read_box(self._cell.box)
        said = left.panic or left.stderr  # a Go program writes its panic to standard error
        report = report_trap(trapped.raw, phase=left.phase, said=said, exit_code=left.exit_code)
        self._look()
        self.close()
        logs_only = Effects(logs=left.effects.logs, logs_dropped=left.effects.logs_dropped)
        return Outcome(budget, logs_only, None, report)

    @property
    def asked(self) -> tuple[bool, bool]:
        """Whether the guest has asked for its config, and for its state: what leaves nothing else behind."""
        if not self._closed:
            self._look()
        return self._asked

    def _look(self) -> None:
        box = self._cell.box
        with suppress(ValueError):  # an interrupt may have closed the cell
            self._asked = bool(box[abi.KEPT_CONFIG_USED]), bool(box[abi.KEPT_STATE_USED])

    def close(self) -> None:
        """Free it. Safe to call again; refused while a delivery runs."""
        self._cell.close()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _cell(engine: SandboxEngine, guest: Guest, fuel: int, ticks: int) -> Cell | ComponentCell:
    """Instantiate a guest: in the airlock where it is a core module, else with callbacks."""
    plan = guest.plan
    if isinstance(plan, Plan):
        return Cell(engine.engine, plan, fuel, ticks)
    return ComponentCell(engine.engine, plan, fuel, ticks)


def _less(effects: Effects, without: frozenset[str]) -> Effects:
    """Leave out what it may ask for and is not granted: counted, as if there had been no room for it."""
    reports = () if "report" in without else effects.reports
    metrics = () if "metrics" in without else effects.metrics
    unsaved = effects.state is not None and "state" in without
    return effects._replace(
        reports=reports,
        metrics=metrics,
        state=None if unsaved else effects.state,
        dropped=effects.dropped + len(effects.reports) - len(reports) + len(effects.metrics) - len(metrics),
        state_refused=effects.state_refused + unsaved,
    )


def refused_start(trap: TrapReport) -> GuestRefused:
    """Make the reason to refuse a guest whose initialisation trapped."""
    return GuestRefused(f"its _initialize trapped ({trap.kind}): {trap.message}")


def stream_seed(module_sha256: str, observer: str, src: str) -> int:
    """The u64 that the random streams of one observer's deliveries from one source start from."""
    digest = hashlib.blake2b(digest_size=8)
    for part in (module_sha256, observer, src):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4, "little") + encoded)
    return int.from_bytes(digest.digest(), "little")


def _furnish(box: memoryview, config: Mapping[str, str], state: bytes | None) -> None:
    """Put what the guest may ask for into a new box."""
    entries = bytearray()
    for key, value in config.items():
        key_bytes, value_bytes = key.encode(), value.encode()
        entries += abi.CONFIG_ENTRY.pack(len(key_bytes), len(value_bytes)) + key_bytes + value_bytes
    blob = state or b""
    if len(entries) > abi.CONFIG_BYTES or len(blob) > abi.AREA_BYTES:
        raise InternalError("the config table or the state is larger than its area of the box")
    box[abi.CONFIG : abi.CONFIG + len(entries)] = entries
    box[abi.STATE : abi.STATE + len(blob)] = blob
    abi.U32.pack_into(box, abi.KEPT_CONFIG_LENGTH, len(entries))
    abi.U32.pack_into(box, abi.KEPT_STATE_LENGTH, len(blob))
    abi.U32.pack_into(box, abi.KEPT_STATE_PRESENT, state is not None)

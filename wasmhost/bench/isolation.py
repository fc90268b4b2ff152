"""What isolation is worth: neighbours beside a guest that spins, deadlines, and what sandboxes weigh."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import wasmtime

from wasmhost.bench.emitting import an_event
from wasmhost.bench.subjects import HOOK, PAYLOAD, small_guest
from wasmhost.config import HostConfig, Limits, ObserverDefaults
from wasmhost.contract.hooks import HOOK_BY_NAME, interface_id
from wasmhost.host.host import ObserverHost
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import load_guest
from wasmhost.sandbox.instance import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from wasmhost.sinks import ReportRecord

_NEIGHBOURS: Final = 9
_ROUNDS: Final = 5
_EVENTS: Final = 500
_PAUSE_S: Final = 0.002
_LIVE: Final = 1000
_CYCLES: Final = 10_000
_BUSY_THREADS: Final = 4
_PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024

_EXPORT: Final = HOOK_BY_NAME[HOOK].export

_REPORTING_WAT: Final = f"""(module
  (import "{interface_id("report")}" "send" (func $send (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\\f6")  ;; CBOR null
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "{_EXPORT}") (param i32 i32)
    (call $send (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 1))))"""

_SPINNING_WAT: Final = f"""(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "{_EXPORT}") (param i32 i32) (loop $for_ever (br $for_ever))))"""


@dataclass(frozen=True, slots=True)
class IsolationFigures:
    """Latencies in microseconds from `emit` to the report in the sink: medians of five rounds."""

    neighbour_p50_us: float
    neighbour_p99_us: float
    neighbour_p50_beside_spinner_us: float
    neighbour_p99_beside_spinner_us: float
    deadline_100_ms_fired_after_ms: float
    resident_kib_per_live_sandbox: float
    resident_kib_grown_by_10_000_sandboxes: float
    threads_grown_by_10_000_sandboxes: int
    descriptors_grown_by_10_000_sandboxes: int

    def as_json(self) -> dict[str, float | int]:
        """Give the keys of ``wasmhost bench --isolation --json``."""
        return asdict(self)


def run_isolation() -> IsolationFigures:
    """Measure everything; takes some twenty seconds."""
    alone, beside = _neighbours()
    per_sandbox = _resident_per_sandbox()
    grown, threads, descriptors = _growth()
    return IsolationFigures(
        neighbour_p50_us=alone[0],
        neighbour_p99_us=alone[1],
        neighbour_p50_beside_spinner_us=beside[0],
        neighbour_p99_beside_spinner_us=beside[1],
        deadline_100_ms_fired_after_ms=_deadline(),
        resident_kib_per_live_sandbox=per_sandbox,
        resident_kib_grown_by_10_000_sandboxes=grown,
        threads_grown_by_10_000_sandboxes=threads,
        descriptors_grown_by_10_000_sandboxes=descriptors,
    )


def _neighbours() -> tuple[tuple[float, float], tuple[float, float]]:
    """The median and the 99th percentile, without and with a spinner: medians of rounds in turn."""
    rounds: dict[bool, list[list[float]]] = {False: [], True: []}
    for _ in range(_ROUNDS):
        for spinner, found in rounds.items():
            found.append(asyncio.run(_latencies(spinner=spinner)))
    alone, beside = (
        tuple(median(_percentile(latencies, percent) for latencies in found) for percent in (50, 99))
        for found in rounds.values()
    )
    return (alone[0], alone[1]), (beside[0], beside[1])


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 1)


class _Stopwatch:
    """A sink that notes how long ago each report's event was emitted."""

    written = invalid = dropped = 0
    failed: str | None = None

    def __init__(self) -> None:
        self.emitted: list[int] = []
        self.latencies: list[float] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def write(self, batch: Sequence[ReportRecord]) -> None:
        """Note the time of a batch of reports."""
        now = time.perf_counter_ns()
        self.latencies += [(now - self.emitted[record.seq]) / 1e3 for record in batch]


async def _latencies(*, spinner: bool) -> list[float]:
    """Latencies of the neighbours' events, with or without a tenth observer that spins on each."""
    with tempfile.TemporaryDirectory(prefix="wasmhost-bench-") as folder:
        good, bad = Path(folder, "good.wasm"), Path(folder, "bad.wasm")
        good.write_bytes(wasmtime.wat2wasm(_REPORTING_WAT))
        bad.write_bytes(wasmtime.wat2wasm(_SPINNING_WAT))
        observers = [ObserverDefaults().observer(f"good-{number}", good) for number in range(_NEIGHBOURS)]
        if spinner:
            never_rests = replace(ObserverDefaults(), quarantine=None, backoff_ms=(0, 0))
            observers.append(never_rests.observer("bad", bad))
        watch = _Stopwatch()
        async with ObserverHost(HostConfig(observers=tuple(observers), db=None), sink=watch) as host:
            for number in range(_EVENTS):
                event, ctx = an_event(number)
                watch.emitted.append(time.perf_counter_ns())
                host.emit(event, ctx)
                await asyncio.sleep(_PAUSE_S)
    return watch.latencies


def _deadline() -> float:
    """After how many milliseconds a deadline of 100 fires, beside four busy Python threads."""
    limits = Limits(fuel=10**15, deadline_ms=100)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            sum(range(1000))

    threads = [threading.Thread(target=busy, daemon=True) for _ in range(_BUSY_THREADS)]
    with SandboxEngine() as engine:
        guest = load_guest(engine, bytes(wasmtime.wat2wasm(_SPINNING_WAT)), limits, grant=())
        with Sandbox(engine, guest, limits) as sandbox:
            for thread in threads:
                thread.start()
            begun = time.perf_counter_ns()
            sandbox.deliver(0, PAYLOAD)
            took = (time.perf_counter_ns() - begun) / 1e6
            stop.set()
            for thread in threads:
                thread.join()
    return round(took, 1)


def _resident_kib() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KIB


def _resident_per_sandbox() -> float:
    with SandboxEngine() as engine:
        guest, limits = small_guest(engine), Limits()
        Sandbox(engine, guest, limits).close()
        before = _resident_kib()
        live = [Sandbox(engine, guest, limits) for _ in range(_LIVE)]
        for sandbox in live:
            sandbox.deliver(0, PAYLOAD)
        weight = (_resident_kib() - before) / _LIVE
        for sandbox in live:
            sandbox.close()
    return round(weight, 1)


def _growth() -> tuple[float, int, int]:
    """What 10,000 sandboxes, made, used and closed, leave behind: KiB, threads, descriptors."""
    with SandboxEngine() as engine:
        guest, limits = small_guest(engine), Limits()

        def cycle(times: int) -> None:
            for _ in range(times):
                with Sandbox(engine, guest, limits) as sandbox:
                    sandbox.deliver(0, PAYLOAD)

        cycle(_CYCLES // 10)  # until what is made once has been made
        before = _resident_kib(), threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        cycle(_CYCLES)
        after = _resident_kib(), threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    return float(after[0] - before[0]), after[1] - before[1], after[2] - before[2]

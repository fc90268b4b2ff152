"""What an emitter costs a node, and that a host in trouble makes it no dearer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from wasmhost.bench.emitting import an_event
from wasmhost.bench.subjects import HOOK
from wasmhost.contract.encode import encode_event
from wasmhost.contract.records import PeerEvent
from wasmhost.emitter import Emitter
from wasmhost.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wasmhost.contract.records import RuntimeContext, WebRtcConnected

_A = TypeVar("_A")
_B = TypeVar("_B")

HOSTS: Final = ("up", "down", "slow", "flapping")
_BURST: Final = 10
_PAUSE_S: Final = 0.002
_BATCH: Final = 5_000
_PATIENCE_S: Final = 20.0
_ENCODE: Final = partial(encode_event, HOOK, 14, time.time_ns())


def run_emitter(rounds: int = 10, events: int = 2_000) -> dict[str, float]:
    """Measure all of it, the hosts in turn within each round; nanoseconds, and ratios.

    An event's cost to the node is the time until ``emit`` returns, with bursts of ten events 2 ms apart; and
    beside it the processor time of the whole process per event, the sending thread's included, until the
    host has acknowledged all of a burst of 5,000. The reference is the encoding alone, in the same way.
    """
    paced: dict[str, list[int]] = defaultdict(list)
    processor: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="wasmhost-bench-") as folder, _far_host(Path(folder)):
        for _ in range(rounds):
            paced["encode"] += _paced(_ENCODE, _encodings(events))
            for host in HOSTS:
                with Emitter(f"unix:{folder}/{host}", on_trouble=_ignore) as emitter:
                    paced[host] += _paced(emitter.emit, _emissions(events))
                    emitter.close(0)
            processor["encode"].append(_processor(_ENCODE, _encodings(_BATCH), lambda: False))
            with Emitter(f"unix:{folder}/up", on_trouble=_ignore) as emitter:
                waits = partial(_waits, emitter)
                processor["emit"].append(_processor(emitter.emit, _emissions(_BATCH), waits))
    return _figures(paced, processor)


def _figures(paced: dict[str, list[int]], processor: dict[str, list[float]]) -> dict[str, float]:
    medians = {name: statistics.median(times) for name, times in paced.items()}
    tails = {name: float(statistics.quantiles(times, n=100)[98]) for name, times in paced.items()}
    spent = {name: statistics.median(times) for name, times in processor.items()}
    hosts = [tails[host] for host in HOSTS]
    return {
        "encode_ns": medians["encode"],
        "emit_ns": medians["up"],
        "emit_to_encode": medians["up"] / medians["encode"],
        "encode_processor_ns": spent["encode"],
        "emit_processor_ns": spent["emit"],
        "emit_to_encode_processor": spent["emit"] / spent["encode"],
        **{f"emit_p50_{host}_ns": medians[host] for host in HOSTS},
        **{f"emit_p99_{host}_ns": tails[host] for host in HOSTS},
        "emit_p99_worst_to_best": max(hosts) / min(hosts),
        "encode_p99_ns": tails["encode"],
    }


def _encodings(count: int) -> list[tuple[RuntimeContext, PeerEvent]]:
    """What there is to encode in any case."""
    made = map(an_event, range(count))
    return [(ctx, PeerEvent(event.peer_id, event.relayed, event.status)) for event, ctx in made]


def _emissions(count: int) -> list[tuple[WebRtcConnected, RuntimeContext]]:
    return [an_event(number) for number in range(count)]


def _paced(call: Callable[[_A, _B], object], work: list[tuple[_A, _B]]) -> list[int]:
    """Nanoseconds of each call, in bursts."""
    found: list[int] = []
    clock = time.perf_counter_ns
    for start in range(0, len(work), _BURST):
        for first, second in work[start : start + _BURST]:
            begun = clock()
            call(first, second)
            found.append(clock() - begun)
        time.sleep(_PAUSE_S)
    return found


def _processor(
    call: Callable[[_A, _B], object], work: list[tuple[_A, _B]], waits: Callable[[], bool]
) -> float:
    """Nanoseconds of processor time per call, of all threads, until nothing waits any more."""
    begun = time.process_time_ns()
    for first, second in work:
        call(first, second)
    give_up_at = time.monotonic() + _PATIENCE_S
    while waits():
        if time.monotonic() > give_up_at:
            raise InternalError("the host does not take what was emitted")
        time.sleep(0.1)
    return (time.process_time_ns() - begun) / len(work)


def _waits(emitter: Emitter) -> bool:
    return emitter.counts.pending > 0


def _ignore(_trouble: str) -> None:
    """That hosts are down is what is measured."""


@contextmanager
def _far_host(folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "wasmhost.bench.far_host", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:  # noqa: S603 - ours
        if host.stdout is None or host.stdout.readline() != b"ready\n":
            raise InternalError("the host that stands in for others did not start")
        yield
        host.communicate()  # which closes its standard input, and it ends

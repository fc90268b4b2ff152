"""Run all subjects in turn, round by round."""

from __future__ import annotations

import asyncio
import gc
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import TYPE_CHECKING, Final

from wasmhost.bench import emitting, subjects
from wasmhost.bench.figures import Figures
from wasmhost.sandbox.engine import SandboxEngine

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS: Final = 15
_ROUND_NS: Final = 15_000_000  # how long one round of one subject is to take
_PACKAGES: Final = ("wasmhost", "wasmtime", "extism", "extism-sys", "cbor2", "structlog")


def run_bench(rounds: int = ROUNDS) -> Figures:
    """Measure everything; takes some ten seconds.

    On a thread of its own: a call through Extism's SDK cost twice as much from deep inside of a
    command line framework as from a shallow stack (28 against 14 µs, extism 1.1.1), and the
    comparison is to be fair.
    """
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(_run, rounds).result()


def _run(rounds: int) -> Figures:
    with SandboxEngine() as engine:
        measured = _in_turn(
            {
                "airlock": subjects.airlock(engine),
                "component": subjects.component(engine),
                "wasmtime_py": subjects.wasmtime_py(),
                "extism": subjects.extism(),
                "sandbox": subjects.sandbox(engine),
                "python": subjects.python(),
                "structlog": subjects.structlog_line(),
                "encode": emitting.encoding(),
            },
            rounds,
        )
    return Figures(
        airlock_ns=measured["airlock"],
        component_ns=measured["component"],
        wasmtime_py_ns=measured["wasmtime_py"],
        extism_ns=measured.get("extism"),
        sandbox_ns=measured["sandbox"],
        emit_to_delivered_ns=_emitting(rounds, disguised=False),
        emit_to_delivered_disguised_ns=_emitting(rounds, disguised=True),
        python_ns=measured["python"],
        structlog_ns=measured["structlog"],
        encode_ns=measured["encode"],
        versions=_versions(),
    )


def _emitting(rounds: int, *, disguised: bool) -> float:
    return round(asyncio.run(emitting.emit_to_delivered(rounds, disguised=disguised)), 1)


def _in_turn(named: dict[str, Callable[[], object] | None], rounds: int) -> dict[str, float]:
    """Nanoseconds per call of each subject: its best round."""
    there = {name: subject for name, subject in named.items() if subject is not None}
    calls = {name: _calls_in_a_round(subject) for name, subject in there.items()}
    best = dict.fromkeys(there, float("inf"))
    gc.disable()  # a collection would fall on whichever subject is at it
    try:
        for _ in range(rounds):
            for name, subject in there.items():
                best[name] = min(best[name], _time(subject, calls[name]) / calls[name])
            gc.collect()
    finally:
        gc.enable()
    return {name: round(ns, 1) for name, ns in best.items()}


def _calls_in_a_round(subject: Callable[[], object]) -> int:
    """How many calls make a round; warms up on the way."""
    calls = 1
    while (took := _time(subject, calls)) < _ROUND_NS // 4:
        calls *= 2
    return max(1, calls * _ROUND_NS // took)


def _time(subject: Callable[[], object], calls: int) -> int:
    each = range(calls)
    begun = time.perf_counter_ns()
    for _ in each:
        subject()
    return time.perf_counter_ns() - begun


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version(), "machine": platform.machine()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found

"""What the cache of compiled modules is worth: a guest's first start on a machine, and every one after."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from wasmhost.config import GRANTABLE, Limits
from wasmhost.config.model import GRANTABLE_FIELDS
from wasmhost.sandbox.artifacts import ArtifactCache
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import load_guest
from wasmhost.sandbox.instance import Sandbox

_LIMITS: Final = Limits()
_AGAIN: Final = 5


@dataclass(frozen=True, slots=True)
class Starting:
    """Milliseconds from a module's bytes to a sandbox that can be given events.

    ``first``: nothing is cached; ``second``: the median of five starts after it, each with an engine of
    its own. ``sandbox``: what of it is the sandbox alone. ``ratio`` is first to second.
    """

    module_bytes: int
    artifact_bytes: int
    first_ms: float
    second_ms: float
    sandbox_ms: float
    ratio: float

    def as_json(self) -> dict[str, float]:
        """Give the keys of ``wasmhost bench --start MODULE --json``."""
        return asdict(self)


def run_starting(wasm: bytes) -> Starting:
    """Start a module for the first time, with a cache of its own, and then again.

    :raises GuestRefused: a host would refuse it.
    """
    with tempfile.TemporaryDirectory(prefix="wasmhost-bench-") as name:
        folder = Path(name) / "artifacts"
        first, _ = _start(wasm, folder)
        again = [_start(wasm, folder) for _ in range(_AGAIN)]
        kept = sum(path.stat().st_size for path in folder.glob("*.artifact")) if folder.exists() else 0
    second = statistics.median(whole for whole, _ in again)
    sandbox = statistics.median(alone for _, alone in again)
    return Starting(len(wasm), kept, first, second, sandbox, first / second)


def _start(wasm: bytes, folder: Path) -> tuple[float, float]:
    """Milliseconds for all of it, and for the sandbox alone."""
    with SandboxEngine(_LIMITS.stack_kib, ArtifactCache(folder)) as engine:
        begun = time.perf_counter_ns()
        guest = load_guest(engine, wasm, _LIMITS, grant=GRANTABLE | GRANTABLE_FIELDS)
        loaded = time.perf_counter_ns()
        with Sandbox(engine, guest, _LIMITS):
            ended = time.perf_counter_ns()
    return (ended - begun) / 1e6, (ended - loaded) / 1e6

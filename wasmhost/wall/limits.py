"""What a child may use, and what it died of."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Held by the system, from a child's first moment on; None is no limit.

    ``cpu_s``: seconds of processor time, of all its threads. ``address_mib``: address space, that is,
    also what is only reserved. ``data_mib``: memory that is its own to write to. ``files``: open
    descriptors.
    """

    cpu_s: int | None = None
    address_mib: int | None = None
    data_mib: int | None = None
    files: int = 64


_BECAUSE: Final = {
    signal.SIGXCPU: ": over its CPU time",
    signal.SIGSYS: ": it made a system call that is none of ours",
}


def death_words(code: int) -> str:
    """Say how a process ended by its exit code, negative for a signal."""
    if code >= 0:
        return f"exited with {code}"
    try:
        known = signal.Signals(-code)
    except ValueError:
        return f"killed by signal {-code}"
    return f"killed by {known.name}{_BECAUSE.get(known, '')}"

"""What an audit runs on: versions, the processor, the walls that are in force, and memory."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wasmhost.config.model import Isolation

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MIB: Final = 1024 * 1024


def versions() -> dict[str, str]:
    """Versions of what does the work, and the processor it does it on."""
    return {
        "wasmhost": metadata.version("wasmhost"),
        "wasmtime": metadata.version("wasmtime"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.processor() or 'unknown'}, {os.cpu_count()} seen"


def walls(isolation: Isolation) -> dict[str, str | bool | None]:
    """Which walls stand between a guest and what it could break; None: nobody can tell."""
    return {
        "sandbox": True,
        "process": isolation == "process",
        "seccomp": False if isolation == "thread" else None,
    }


def resident_mib() -> float:
    """Memory of this process that is resident, in MiB; 0 where the system does not tell."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc's: what it keeps for later is no leak
        ctypes.CDLL(None).malloc_trim(0)
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / _MIB
    except (OSError, IndexError, ValueError):
        return 0.0

"""What an audit runs on: versions, the processor, the walls that are in force, and memory."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wasmhost.config.model import Isolation

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MIB: Final = 1024 * 1024
_PATIENCE_S: Final = 60.0
_SEALING: Final = """
import json
from dataclasses import asdict
from wasmhost.wall.confine import confine, seal
from wasmhost.wall.limits import ChildLimits
confine(ChildLimits())
state = asdict(seal())
print(json.dumps(state if state["why_not"] else {name: state[name] for name in ("no_new_privs", "seccomp")}))
"""


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
    """Which walls stand between a guest and what it could break.

    Of those of a shard process it is found out in a child that raises them as a shard does; None: nobody
    can tell. ``why_not``: why there is no filter of system calls.
    """
    if isolation == "thread":
        return {"sandbox": True, "process": False, "no_new_privs": False, "seccomp": False}
    command = [sys.executable, "-c", _SEALING]
    done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)  # noqa: S603 - ours
    found: dict[str, str | bool | None] = {"no_new_privs": None, "seccomp": None}
    if done.returncode == 0:
        found = json.loads(done.stdout)
    return {"sandbox": True, "process": True, **found}


def resident_mib() -> float:
    """Memory of this process that is resident, in MiB; 0 where the system does not tell."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc's: what it keeps for later is no leak
        ctypes.CDLL(None).malloc_trim(0)
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / _MIB
    except (OSError, IndexError, ValueError):
        return 0.0

"""How many connections this process may have open, and asking for more where that can be had."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.errors import SourceError

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

DEFAULT_CONNECTIONS: Final = 10_000
OTHER_FILES: Final = 256
"""What a host has open besides connections, at most: databases, shards, sinks."""


def room_for(wanted: int | None, stack: AsyncExitStack) -> int:
    """Let this process have ``wanted`` connections open, and return how many they may be.

    None stands for `DEFAULT_CONNECTIONS`, or as many as there can be: that there are fewer is logged. What is
    changed of the process, ``stack`` undoes. Raises SourceError where a number was wanted that cannot be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = (wanted or DEFAULT_CONNECTIONS) + OTHER_FILES
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if most < needed and wanted is not None:
        raise SourceError(
            f"connections = {wanted} takes {needed} open files, and this process may have {hard}"
            " (RLIMIT_NOFILE): raise that limit (ulimit -Hn, or LimitNOFILE= of the systemd unit),"
            " or lower the number"
        )
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        stack.callback(_restore, soft)
    if most < needed:
        structlog.get_logger().warning(
            "fewer connections than by default: this process may not have more open files",
            connections=max(1, most - OTHER_FILES),
            rlimit_nofile=hard,
            default=DEFAULT_CONNECTIONS,
        )
    return max(1, most - OTHER_FILES)


def _restore(soft: int) -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

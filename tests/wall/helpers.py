"""Children of tests: compile jobs that wait for a request which does not come."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it has none

from wasmhost.wall.zygote import ChildLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wasmhost.wall.zygote import Child, Zygote

NO_LIMITS = ChildLimits()


@contextlib.contextmanager
def waiting_child(zygote: Zygote, limits: ChildLimits = NO_LIMITS) -> Iterator[tuple[Child, socket.socket]]:
    """A child that waits for a module to compile, and our end of its socket."""
    ours, theirs = socket.socketpair()
    with ours:
        read, write = os.pipe()
        try:
            child = zygote.fork("compile", theirs, extra_fds=[write], limits=limits)
        finally:
            theirs.close()
            os.close(write)
            os.close(read)
        try:
            yield child, ours
        finally:
            child.kill()


def helper(child: Child) -> psutil.Process:
    """The helper process that made a child."""
    parent = psutil.Process(child.pid).parent()
    assert parent is not None
    return parent


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def soon(done: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True

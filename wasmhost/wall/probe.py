"""What a sealed child really can't do, tried by one: for `wasmhost audit`, and for whoever doubts it.

Each attempt is one that code of a stranger's would make, had it got out of the engine.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.errors import WallError
from wasmhost.wall.confine import Seal, seal
from wasmhost.wall.limits import ChildLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.wall.zygote import Zygote

ALLOWED: Final = "allowed"
_PATIENCE_S: Final = 60.0
_ANSWER_BYTES: Final = 64 * 1024
_PTRACE_ATTACH: Final = 16
_LOOKED_AT: Final = 1024  # descriptors


@dataclass(frozen=True, slots=True)
class Finding:
    """``attempts``: by what was tried, the name of the error that it met, or "allowed". EPERM is a refusal.

    ``environment``: how many variables it has; ``descriptors``: those that are open in it, its socket
    among them.
    """

    seal: Seal
    attempts: dict[str, str]
    environment: int
    descriptors: tuple[int, ...]

    @property
    def open_doors(self) -> tuple[str, ...]:
        """What was not refused."""
        return tuple(what for what, met in self.attempts.items() if met != "EPERM")


def probe(zygote: Zygote) -> Finding:
    """Have a child try.

    :raises WallError: there is no child, or it did not come to an answer.
    """
    ours, theirs = socket.socketpair()
    with closing(ours):
        with closing(theirs):
            child = zygote.fork("probe", theirs, limits=ChildLimits(cpu_s=10))
        try:
            ours.settimeout(_PATIENCE_S)
            answer = bytearray()
            while part := ours.recv(_ANSWER_BYTES):
                answer += part
            found = json.loads(answer)
        except (OSError, ValueError) as error:
            raise WallError(f"a child that was to try what it can do did not answer: {error}") from None
        finally:
            child.kill()
    return Finding(
        Seal(**found["seal"]), found["attempts"], found["environment"], tuple(found["descriptors"])
    )


def main(end: socket.socket, _extra_fds: list[int]) -> None:
    """Inside the child: be sealed, try, and tell."""
    state = seal()
    attempts = {what: _try(attempt) for what, attempt in _ATTEMPTS.items()}
    found = {
        "seal": {
            "no_new_privs": state.no_new_privs,
            "seccomp": state.seccomp,
            "why_not": state.why_not,
        },
        "attempts": attempts,
        "environment": len(os.environ),
        "descriptors": [fd for fd in range(_LOOKED_AT) if _is_open(fd)],
    }
    end.sendall(json.dumps(found).encode())


def _try(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return ALLOWED


def _is_open(fd: int) -> bool:
    return _try(lambda: fcntl.fcntl(fd, fcntl.F_GETFD)) == ALLOWED


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _write_file() -> None:
    path = f"/tmp/wasmhost-probe-{os.getpid()}"  # noqa: S108 - its being made is what must not happen
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    Path(path).unlink()


def _trace_parent() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_PTRACE_ATTACH, os.getppid(), None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


_ATTEMPTS: Final[dict[str, Callable[[], object]]] = {
    "read a file": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "write a file": _write_file,
    "list a folder": lambda: os.scandir("/"),
    "look for a file": Path("/").stat,
    "remove a file": Path("/no-such-file").unlink,
    "read its own environment": lambda: os.open("/proc/self/environ", os.O_RDONLY),
    "make an internet socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "make a local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "start a program": lambda: os.execv("/no-such-program", ["x"]),  # noqa: S606
    "start a process": _fork,
    "signal its parent": lambda: os.kill(os.getppid(), 0),
    "signal everybody": lambda: os.kill(-1, 0),
    "look into its parent": _trace_parent,
    "change its user": lambda: os.setuid(65534),
    "raise its limits": lambda: os.nice(-1),
    "take memory that no limit counts": lambda: mmap.mmap(-1, mmap.PAGESIZE),
}
"""Everything here must be refused. What names a thing that is not there meets ENOENT where it is not."""

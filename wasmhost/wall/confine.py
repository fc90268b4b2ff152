"""Taking a process's rights away, for good: limits of the system, no new privileges, and few system calls.

`confine` comes first, as long as the process is ours alone. `seal` comes when its job has imported all that
it needs, before it touches anything of a stranger's. Threads may be started after that; processes may not.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmhost.wall import syscalls

if TYPE_CHECKING:
    from pyseccomp import SyscallFilter

    from wasmhost.wall.limits import ChildLimits

_MIB: Final = 1024 * 1024
_PR_SET_NO_NEW_PRIVS: Final = 38
_FILTERED: Final = 2  # what PR_GET_SECCOMP answers where there is a filter
_ALL_BITS: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Seal:
    """What is in force in a process. ``why_not``: why there is no filter of system calls."""

    no_new_privs: bool
    seccomp: bool
    why_not: str | None


def confine(limits: ChildLimits) -> None:
    """Set the limits, and give up the right to gain rights.

    :raises OSError: the system refuses, and then nothing may be run here.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_MEMLOCK, 0)
    _limit(resource.RLIMIT_MSGQUEUE, 0)
    _limit(resource.RLIMIT_NOFILE, limits.files)
    if limits.cpu_s is not None:
        _limit(resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1)  # the first one says which limit it was
    if limits.address_mib is not None:
        _limit(resource.RLIMIT_AS, limits.address_mib * _MIB)
    if limits.data_mib is not None:
        _limit(resource.RLIMIT_DATA, limits.data_mib * _MIB)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def seal() -> Seal:
    """Leave this process, with all its threads, the system calls of `syscalls.py` only.

    Where the platform has no seccomp, the rest of `confine` stands, and the answer says why.
    """
    try:
        _load_filter()
    except (ImportError, RuntimeError) as error:  # pyseccomp raises the latter where it finds no library
        return _state(f"libseccomp is not there ({error})")
    except KeyError:
        return _state(f"there is no list of system calls for {platform.machine()}")
    except OSError as error:
        return _state(f"the system refuses it ({error.strerror or error})")
    return sealed()


def sealed() -> Seal:
    """What is in force in this process, asked of the kernel."""
    return _state("it is not sealed")


def _state(why_not: str) -> Seal:
    filtered = prctl(syscalls.PR_GET_SECCOMP) == _FILTERED
    privileges = prctl(syscalls.PR_GET_NO_NEW_PRIVS) == 1
    return Seal(privileges, filtered, None if filtered else why_not)


def prctl(option: int, argument: int = 0) -> int:
    """Tell the kernel something of this process, or ask it.

    :raises OSError: it refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.prctl(option, *map(ctypes.c_ulong, (argument, 0, 0, 0))))
    if found < 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
    return found


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    _, most = resource.getrlimit(kind)
    hard = soft if hard is None else hard
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))


def _load_filter() -> None:
    groups = syscalls.ALLOWED[platform.machine()]

    import pyseccomp

    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, True)  # for threads that run already, too
    for group in groups:
        for name in group.names:
            rules.add_rule(pyseccomp.ALLOW, name)
    _allow_uses(rules)
    rules.load()


def _allow_uses(rules: SyscallFilter) -> None:
    """Allow calls of which only some uses are harmless."""
    from pyseccomp import ALLOW, EQ, ERRNO, MASKED_EQ, Arg

    flags = _ALL_BITS & ~syscalls.THREAD_FLAGS_IGNORED
    rules.add_rule(ALLOW, "clone", Arg(0, MASKED_EQ, flags, syscalls.THREAD_FLAGS))
    rules.add_rule(ALLOW, "mmap", Arg(3, MASKED_EQ, syscalls.MAPPINGS_NOT_COUNTED, 0))
    # Its flags lie in memory, where a filter cannot look: as if the kernel were older, then clone is tried.
    rules.add_rule(ERRNO(errno.ENOSYS), syscalls.CLONE3)
    # The engine keeps what a memory starts with in such a file, and copies where there are none: a new
    # sandbox of a whole Python takes 8 ms then and not 1.3, and nothing here holds anything like a file.
    rules.add_rule(ERRNO(errno.ENOSYS), "memfd_create")
    rules.add_rule(ALLOW, "tgkill", Arg(0, EQ, os.getpid()))  # abort() is a signal to oneself
    for option in (syscalls.PR_SET_NAME, syscalls.PR_GET_SECCOMP, syscalls.PR_GET_NO_NEW_PRIVS):
        rules.add_rule(ALLOW, "prctl", Arg(0, EQ, option))
    rules.add_rule(ALLOW, "ioctl", Arg(1, EQ, syscalls.FIONBIO))  # Python's settimeout
    for command in (fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL):
        rules.add_rule(ALLOW, "fcntl", Arg(1, EQ, command))
    # What a thread's stack may be: asked of itself, and nothing set.
    rules.add_rule(ALLOW, "prlimit64", Arg(0, EQ, 0), Arg(2, EQ, 0))

"""The system calls that a sealed process may make, by processor, and why.

Everything else fails with EPERM: no file or socket is opened, no program started, no other process
touched. The processors differ only in calls that the older one has in two forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Group:
    """Calls that are allowed for one reason, whatever their arguments."""

    reason: str
    names: tuple[str, ...]


_COMMON: Final = (
    Group(
        "talk over descriptors that were handed over",
        ("read", "write", "readv", "writev", "sendto", "recvfrom", "sendmsg", "recvmsg"),
    ),
    Group("give a descriptor back, or look at it", ("close", "lseek", "fstat", "shutdown", "getsockopt")),
    Group("wait for a descriptor", ("ppoll", "pselect6", "epoll_create1", "epoll_ctl", "epoll_pwait")),
    Group("locks of threads", ("futex", "set_robust_list", "rseq", "sched_yield")),
    Group("memory, and code of guests in it", ("munmap", "mprotect", "mremap", "madvise", "brk")),
    Group("make new code seen by all processors", ("membarrier",)),
    Group("what time it is", ("clock_gettime", "clock_getres", "gettimeofday")),
    Group("sleep", ("nanosleep", "clock_nanosleep", "restart_syscall")),
    Group("the clock of deadlines", ("timer_create", "timer_settime", "timer_gettime", "timer_delete")),
    Group(
        "signals to itself; the C library's timer waits for one",
        ("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack"),
    ),
    Group(
        "who it is, and how many processors there are", ("gettid", "getpid", "sched_getaffinity", "getrusage")
    ),
    Group("random numbers, for Python's tables", ("getrandom",)),
    Group("end a thread, or all", ("exit", "exit_group")),
)
_OLDER_FORMS: Final = Group("older forms of these", ("poll", "select", "epoll_wait", "time"))

ALLOWED: Final[dict[str, tuple[Group, ...]]] = {
    "x86_64": (*_COMMON, _OLDER_FORMS),
    "aarch64": _COMMON,
}
"""By the name that `platform.machine` has for the processor."""

# Of some calls only a use is allowed, which `confine.py` states by their arguments. The numbers are the same
# on both processors.
CLONE3: Final = 435
THREAD_FLAGS: Final = 0x3D0F00
"""With which the C libraries clone to start a thread: it shares all that there is to share."""
THREAD_FLAGS_IGNORED: Final = 0x400000
"""musl's CLONE_DETACHED, which means nothing to the kernel."""
MAPPINGS_NOT_COUNTED: Final = 0x101
"""MAP_SHARED and MAP_GROWSDOWN: what is mapped so, RLIMIT_DATA does not count, so it would have no bound."""
PR_SET_NAME: Final = 15
PR_GET_SECCOMP: Final = 21
PR_GET_NO_NEW_PRIVS: Final = 39
FIONBIO: Final = 0x5421

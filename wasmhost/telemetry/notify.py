"""A word to the service manager that started us, by systemd's protocol: a datagram to a socket it named.

Where there is none, nothing happens; where it does not listen, nothing either: no run fails for that.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STATUS_LIMIT: Final = 400
_SOCKET: Final = "NOTIFY_SOCKET"
_WATCHDOG: Final = "WATCHDOG_USEC"
_WATCHDOG_PID: Final = "WATCHDOG_PID"


class ServiceManager:
    """Tells the service manager how we are. Never waits, never raises."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """``environment``: where it says that it is there; ours by default."""
        environment = os.environ if environment is None else environment
        self._address = _address(environment.get(_SOCKET, ""))
        self._monotonic_ns = monotonic_ns
        self.watchdog_s = _watchdog_s(environment)
        """How often it wants to hear of us at least; None: it does not."""

    @property
    def there(self) -> bool:
        """Whether anybody is told."""
        return self._address is not None

    def ready(self, status: str = "") -> None:
        """We serve; also at the end of a reload."""
        self._tell("READY=1", _status(status))

    def reloading(self) -> None:
        """We read our configuration anew; `ready` is next."""
        # systemd compares the time with when it asked, by the same clock.
        self._tell("RELOADING=1", f"MONOTONIC_USEC={self._monotonic_ns() // 1000}")

    def stopping(self, status: str = "") -> None:
        """We end."""
        self._tell("STOPPING=1", _status(status))

    def alive(self) -> None:
        """We are still there: due every `watchdog_s`, or we are taken for hung and killed."""
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if self._address is None:
            return
        message = "\n".join(line for line in lines if line)
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(message.encode(), self._address)


def _status(words: str) -> str:
    """A line of a message; whatever is named in it ends it nowhere else."""
    return f"STATUS={escape_untrusted(words, _STATUS_LIMIT)}" if words else ""


def _address(name: str) -> str | None:
    """The socket's address; one that begins with an @ has no file."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """How often it wants to hear of this process: what it told of another, that keeps."""
    interval, pid = environment.get(_WATCHDOG, ""), environment.get(_WATCHDOG_PID, "")
    if not (interval.isascii() and interval.isdigit()) or int(interval) == 0:
        return None
    if pid and pid != str(os.getpid()):
        return None
    return int(interval) / 1e6

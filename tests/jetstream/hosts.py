"""Hosts of a pool as users run them: processes, which are killed, stopped and looked at by their ids."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import psutil  # type: ignore[import-untyped]

from tests.cli.helpers import environment

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_END_S: Final = 60

CONFIG: Final = """
[host]
drain_s = 20.0
[jetstream]
lease_s = {lease_s}
batch = {batch}
[[observer]]
name = "counting"
module = "counting.wasm"
grant = ["report", "state"]
"""


class Host:
    """One ``wasmhost run --from nats://…``, in a folder with a configuration."""

    def __init__(self, folder: Path, number: int, url: str) -> None:
        self.log = folder / f"host-{number}.log"
        self._errors = self.log.open("wb")
        command = ["run", "--from", url, "--config", "wasmhost.toml", "--db", f"host-{number}.db", "--json"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wasmhost", *command],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.kill()
        self.process.communicate()
        self._errors.close()

    def stop(self) -> None:
        """Ask it to end."""
        self.process.send_signal(signal.SIGTERM)

    @property
    def has_partitions(self) -> bool:
        """Whether it has taken any yet."""
        return b"partition taken" in self.log.read_bytes()

    def summary(self) -> dict[str, Any] | None:
        """Wait for its end, which must be a good one, and give its summary; None: it had not begun yet."""
        out, _ = self.process.communicate(timeout=_END_S)
        self._errors.close()
        said = self.log.read_text()
        if self.process.returncode == -signal.SIGTERM and not said:
            return None
        assert self.process.returncode == 0, said[-4000:]
        assert "Traceback" not in said, said[-4000:]
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found


class Hosts:
    """Several hosts on one stream. Those that still run in the end are killed."""

    def __init__(self, folder: Path, url: str, *, lease_s: float = 2.0, batch: int = 256) -> None:
        self.running: list[Host] = []
        self._folder = folder
        self._url = url
        self._started = 0
        (folder / "wasmhost.toml").write_text(CONFIG.format(lease_s=lease_s, batch=batch))

    def add(self) -> Host:
        """Start one more."""
        self._started += 1
        host = Host(self._folder, self._started, self._url)
        self.running.append(host)
        return host

    def mend(self) -> None:
        """Start another for each that ended by itself, as a service manager does."""
        for host in [host for host in self.running if host.process.poll() is not None]:
            self.kill(host)
            self.add()

    def kill(self, host: Host) -> None:
        """End one by SIGKILL."""
        self.running.remove(host)
        host.kill()

    def pause(self) -> None:
        """Have the hosts themselves stand still, wherever they are."""
        for host in self.running:
            host.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        for host in self.running:
            host.process.send_signal(signal.SIGCONT)

    def processor_s(self) -> float:
        """Processor time of all that run, with their shards."""
        mains = [psutil.Process(host.process.pid) for host in self.running]
        all_of_them = [*mains, *(child for main in mains for child in main.children(recursive=True))]
        return sum(sum(process.cpu_times()[:2]) for process in all_of_them)

    def end(self) -> list[dict[str, Any]]:
        """Stop all, and give their summaries."""
        for host in self.running:
            host.stop()
        ended, self.running = self.running, []
        return [summary for host in ended if (summary := host.summary()) is not None]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for host in self.running:
            host.kill()

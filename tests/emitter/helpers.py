"""A real host that live nodes speak to: started, stopped for a while, killed, started again."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

from tests.cli.helpers import COMMAND, checked, environment, eventually, recorder
from wasmhost import ActrId, ActrType, Realm, RuntimeContext, SignalingConnected

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from tests.cli.helpers import Result
    from wasmhost.emitter import Counts, Emitter

ME = ActrId(Realm(7), 1, ActrType("acme", "echo", "1.0.0"))
PEER = ActrId(Realm(7), 2, ActrType("acme", "caller", "1.0.0"))
CTX = RuntimeContext(ME, request_id="r-1")
EVENT = SignalingConnected()
PLENTY_S = 30.0


class LiveHost:
    """``wasmhost run`` on a socket in a folder, with an observer that reports each event's number.

    ``address`` is where to emit to. ``source`` is what stands under ``[source]`` in its configuration.
    """

    def __init__(self, folder: Path, *, address: str | None = None, source: str = "") -> None:
        self.folder = folder
        self.address = address or f"unix:{folder}/h.sock"
        self._source = source
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._starts += 1
        module = recorder(self.folder / "recorder.wasm")
        config = self.folder / "wasmhost.toml"
        config.write_text(
            f'[host]\ndb = "{self._starts}.db"\n{self._source}\n[[observer]]\nmodule = "{module.name}"\n'
            "mailbox = 100_000\nrates = false\n"
        )
        options = ("run", "--config", config, "--from", self.address, "--isolation", "thread", "--json")
        log = self.folder / f"{self._starts}.log"
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [*COMMAND, *map(str, options), "--reports", str(self._reports)],
                cwd=self.folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        process = self._process
        eventually(lambda: b"listening" in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once; what it had taken is gone with it."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self._process = None

    def stop(self) -> Result:
        """End it in good order."""
        self.signal(signal.SIGTERM)
        assert self._process is not None
        out, _ = self._process.communicate(timeout=60)
        result = checked(self._process.returncode, out, (self.folder / f"{self._starts}.log").read_bytes())
        assert result.code == 0, result.err
        self._process = None
        return result

    @property
    def _reports(self) -> Path:
        return self.folder / f"{self._starts}.ndjson"

    @property
    def heard(self) -> list[tuple[str, int]]:
        """What the observer of the last start was told: each event's src and number, in order."""
        lines = map(json.loads, self._reports.read_text().splitlines())
        return [(line["src"], line["body"]) for line in lines]

    @property
    def has_reported(self) -> bool:
        """Whether its observer was told of anything by now."""
        return self._reports.exists() and self._reports.stat().st_size > 0

    @property
    def hooks(self) -> list[str]:
        """The hooks it was called for."""
        return [json.loads(line)["topic"] for line in self._reports.read_text().splitlines()]


def numbers(heard: list[tuple[str, int]], emitter: Emitter) -> list[int]:
    """What of it is of this emitter."""
    return [seq for src, seq in heard if src == emitter.src]


def settled(emitter: Emitter, timeout: float = PLENTY_S) -> None:
    """Wait until nothing is pending."""
    eventually(lambda: emitter.counts.pending == 0, timeout)


def add_up(counts: Counts) -> bool:
    """Whether every event is in one count."""
    return counts.emitted == counts.delivered + counts.dropped + counts.pending


def summed(result: Result) -> dict[str, Any]:
    """The summary of a host that ended, once it is seen that it dropped nothing itself."""
    summary: dict[str, Any] = result.json
    (observer,) = summary["observers"]
    assert (observer["dropped"], observer["panics"], summary["rejected"]) == (0, 0, 0)
    return summary

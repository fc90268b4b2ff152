"""The example with real Actor-RTC nodes: built once into the user's cache, each node a process of its own."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.cli.helpers import ROOT, eventually
from tests.guests.helpers import require_cargo
from wasmhost.authoring.caches import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACTR_NODE = ROOT / "examples" / "actr-node"
PATIENCE_S = 60
"""How long a node may take to do what it is waited for: it is no optimised build, and not alone."""


def cargo(*arguments: str) -> str:
    """Run cargo on the example; what it printed.

    Its crates ask for protoc while they are built, which another crate brings along.
    """
    target = os.environ.get("CARGO_TARGET_DIR") or str(cache_folder("actr") / "target")
    environment = {**os.environ, "CARGO_TARGET_DIR": target}
    if "--package" not in arguments:
        environment["PROTOC"] = cargo("run", "--quiet", "--package", "protoc-path").strip()
    done = subprocess.run(
        [require_cargo(), *arguments],
        cwd=ACTR_NODE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(folder: Path) -> Path:
    """Build the example, and put a link to the program into a folder."""
    with (cache_folder("actr") / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # cargo waits for others in silence; so do we
        cargo("build", "--quiet")
    target = os.environ.get("CARGO_TARGET_DIR") or str(cache_folder("actr") / "target")
    program = folder / "actr-node"
    program.symlink_to(f"{target}/debug/actr-node")
    return program


class Part:
    """One process of the example, with what it printed."""

    def __init__(self, program: Path, *options: str | Path, folder: Path) -> None:
        self._output = folder / f"{options[0]}.{len(list(folder.glob('*.out')))}.out"
        with self._output.open("wb") as out:
            self.popen = subprocess.Popen(
                [program, *map(str, options)], cwd=folder, stdout=out, stderr=subprocess.STDOUT
            )

    @property
    def printed(self) -> str:
        """All that it printed by now."""
        return self._output.read_text()

    def wait_for(self, words: str) -> str:
        """Wait until it has printed something; the line with it."""
        eventually(lambda: words in self.printed or self.popen.poll() is not None, PATIENCE_S)
        assert words in self.printed, f"no word of {words!r} in: {self.printed}"
        return next(line for line in self.printed.splitlines() if words in line)

    def kill(self) -> None:
        """End it as a crash or the kernel would."""
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(PATIENCE_S)

    def stop(self) -> str:
        """End it in good order; the last line that it printed."""
        self.popen.send_signal(signal.SIGTERM)
        assert self.popen.wait(PATIENCE_S) == 0, self.printed
        return self.printed.splitlines()[-1]


class Nodes:
    """A mock of actrix, and the nodes that find each other by it."""

    def __init__(self, program: Path, folder: Path, to: str) -> None:
        self._program = program
        self._folder = folder
        self._parts: list[Part] = []
        self.actrix = self._start("actrix")
        port = self.actrix.wait_for("listens on port").split()[-1]
        self._place = ("--actrix", port, "--to", to)

    def _start(self, *options: str) -> Part:
        part = Part(self._program, *options, folder=self._folder)
        self._parts.append(part)
        return part

    def serve(self, *options: str) -> Part:
        """Start the node that answers; it is ready when this returns."""
        part = self._start("serve", *self._place, *options)
        part.wait_for("and ready")
        return part

    def call(self, *options: str) -> Part:
        """Start a node that calls it."""
        return self._start("call", *self._place, *options)

    def end(self) -> None:
        """Make an end, however they stand."""
        for part in self._parts:
            part.kill()


@contextmanager
def nodes(program: Path, folder: Path, to: str) -> Iterator[Nodes]:
    """Start a mock of actrix; it and all nodes are killed in the end, if they still run."""
    place = Nodes(program, folder, to)
    try:
        yield place
    finally:
        place.end()


if __name__ == "__main__":
    # Too long for a test: for the lints, all that the example is made of is compiled once more.
    cargo("clippy", "--quiet", "--all-targets", "--", "-D", "warnings")

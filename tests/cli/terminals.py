"""A command on a terminal of a given width: what it shows there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cli.helpers import COMMAND, TIMEOUT_S, environment

if TYPE_CHECKING:
    from pathlib import Path

_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Shown:
    """What a terminal was sent."""

    code: int
    raw: str

    @property
    def text(self) -> str:
        """Without colours."""
        return _SEQUENCE.sub("", self.raw)

    @property
    def lines(self) -> list[str]:
        """Line by line, without colours."""
        return self.text.splitlines()


def on_a_terminal(
    *arguments: str | Path, cwd: Path, width: int, env: dict[str, str] | None = None, piped: bool = False
) -> Shown:
    """Run a command with all its streams on a terminal; ``piped``: but for standard output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(TERM="xterm-256color", **(env or {})),
        stdin=theirs,
        stdout=subprocess.DEVNULL if piped else theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        sent = _all_of(ours)
        code = process.wait(timeout=TIMEOUT_S)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    shown = Shown(code, sent.decode().replace("\r\n", "\n"))
    assert "Traceback" not in shown.raw
    return shown


def _all_of(terminal: int) -> bytes:
    sent = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            return sent
        if not piece:
            return sent
        sent += piece

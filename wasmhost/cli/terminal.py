"""The two streams a command has: data to standard output, talk to standard error."""

from __future__ import annotations

import os
import select
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wasmhost.errors import UserError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from typing import TextIO

_STDOUT = 1
_LINE_LIMIT = 1000
_NARROWEST = 20
_USUAL = 80


class ReaderGone(Exception):
    """Whoever read our standard output has closed it: a pager that was left, ``head``."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """How to write for whoever reads a stream. ``width`` is in columns, None where lines may be long."""

    width: int | None
    colour: bool

    @property
    def plain(self) -> bool:
        """Whether no person at a terminal reads: then no frames, no colours, no line is folded."""
        return self.width is None


def terminal(stream: TextIO | None) -> Terminal:
    """Look at a stream, and at NO_COLOR, TERM and COLUMNS."""
    if stream is None or stream.closed or not stream.isatty():
        return Terminal(None, colour=False)
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in {None, "", "dumb"}
    return Terminal(max(_NARROWEST, _columns(stream)), colour)


def _columns(stream: TextIO) -> int:
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked) > 0:
        return int(asked)
    # This stream's own terminal: shutil.get_terminal_size() looks at standard output, a pipe perhaps.
    return os.get_terminal_size(stream.fileno()).columns or _USUAL


def put(text: str) -> None:
    """Write data to standard output, ``text`` being whole lines.

    Raises ReaderGone where nobody reads any more, UserError where it can't be written.
    """
    if sys.__stdout__ is None:
        raise UserError("cannot write to standard output: it is closed")
    data = memoryview(text.encode("utf-8", "backslashreplace"))
    try:
        while data:
            try:
                data = data[os.write(_STDOUT, data) :]
            except BlockingIOError:  # somebody who shares it made it non-blocking
                select.select([], [_STDOUT], [])
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        raise unwritable(error) from error


def unwritable(error: OSError) -> UserError:
    """Return the error for a standard output that refused what we wrote."""
    reason = (error.strerror or str(error)).lower()
    return UserError(f"cannot write to standard output: {reason}")


def say(text: str) -> None:
    """Write talk to standard error, whole lines. Where that fails there is nobody left to tell."""
    if sys.stderr is None or sys.stderr.closed:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        forget(sys.stderr)


def complain(message: str) -> None:
    """Tell a person what is wrong, in one line. ``message`` may contain what strangers wrote."""
    say(f"wasmhost: error: {escape_untrusted(message, _LINE_LIMIT)}\n")


def forget(stream: TextIO | None) -> None:
    """Let a stream that failed lead nowhere: what it still holds would fail again when Python ends."""
    if stream is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)

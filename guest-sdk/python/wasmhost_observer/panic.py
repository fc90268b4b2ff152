"""From an exception that nobody caught to the panic's words, and the last call to the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost_observer import raw

if TYPE_CHECKING:
    from types import TracebackType

_report: Final = raw.imported("panic", "report")
_OURS: Final = __name__.partition(".")[0]


class Panic(Exception):
    """Give up, with these words and no type in front of them; the place is added."""


class Refused(Panic):
    """Give up with these words exactly: what is wrong is not at a place in the code."""


def report(error: BaseException) -> None:
    """Tell the host why, just before trapping."""
    _report(raw.text(words(error)))


def words(error: BaseException) -> str:
    """Say what an exception says: ``KeyError: 'x' (watch.py:12)``."""
    said = _said(error)
    if isinstance(error, Refused):
        return said
    message = said if isinstance(error, Panic) else _with_type(error, said)
    place = _place(error.__traceback__)
    return f"{message} ({place})" if place else message


def _with_type(error: BaseException, said: str) -> str:
    name = type(error).__name__
    return f"{name}: {said}" if said else name


def _said(error: BaseException) -> str:
    """The exception in its own words, whatever these do."""
    try:
        return str(error)
    except Exception:
        return "an exception that has no words"


def _place(trace: TracebackType | None) -> str:
    """``watch.py:12``: the innermost line that is not of this SDK, as that is where an author looks first."""
    place = ""
    while trace is not None:
        frame = trace.tb_frame
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] != _OURS:
            place = f"{frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place

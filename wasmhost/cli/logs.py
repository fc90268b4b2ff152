"""The log on standard error: guests' lines and the host's own, through structlog.

Made for people at a terminal, as ``key=value`` elsewhere. Most of what is logged was worded by
strangers; everything passes :func:`~wasmhost.text.escape_untrusted` once more here, and a value that
could be taken for several is quoted.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from wasmhost.cli.terminal import forget, terminal
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import TextIO

    from structlog.typing import EventDict, Processor, WrappedLogger

    from wasmhost.cli.loglevel import LogLevel

_VALUE_LIMIT: Final = 8192  # of a value: the longest a guest may log is half of that
_BARE: Final = re.compile(r"[^\s\"'=\\]+")
_NOTHING: Final = logging.CRITICAL  # nothing of ours is that important


def configure_logs(level: LogLevel | None, stream: TextIO | None = None) -> None:
    """Send the log to standard error, or to ``stream``, from a level on; None for nothing of it.

    Call it before anything logs: loggers are made at their first use.
    """
    stream = stream or sys.stderr
    screen = terminal(stream)
    lines = _Lines(stream)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso" if screen.plain else "%H:%M:%S", utc=screen.plain),
            _name_exception,
            _escape,
            _render_plain if screen.plain else _console(colour=screen.colour),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.value if level is not None else _NOTHING),
        logger_factory=lambda *_names: lines,
        cache_logger_on_first_use=True,
    )
    _take_over_reports()


def _console(*, colour: bool) -> Processor:
    return structlog.dev.ConsoleRenderer(colors=colour, sort_keys=False, pad_event_to=0)


def _name_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put an exception on one line, with the place it came from: a log is no place for a traceback."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception_type"] = type(error).__name__
        event["error"] = str(error)
        frames = traceback.extract_tb(error.__traceback__)
        if frames:
            event["where"] = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return event


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = escape_untrusted(value, _VALUE_LIMIT)
    return event


def _render_plain(_logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]) -> str:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return " ".join(f"{key}={_plain(value)}" for key, value in {**first, **event}.items())


def _plain(value: object) -> str:
    """Write a value so that it can't be taken for two, nor for the next key."""
    text = value if isinstance(value, str) else escape_untrusted(str(value), _VALUE_LIMIT)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class _Lines:
    """A logger that writes lines to standard error, or nowhere once that fails.

    A log that can't be written must not stop what it tells of.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        with self._lock:
            if self._stream is None:
                return
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                failed, self._stream = self._stream, None
                forget(failed)

    debug = info = warning = error = critical = msg


class _Forward(logging.Handler):
    """Takes what libraries log through the standard library to where ours goes."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger()
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _take_over_reports() -> None:
    """Have what Python itself would tell with a traceback told in a line of the log."""
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)

    def thread_died(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread is not None else "?"
        structlog.get_logger().error("a thread died; this is a bug", thread=name, exc_info=args.exc_value)

    def ignored(args: sys.UnraisableHookArgs) -> None:
        structlog.get_logger().error("an error could not be raised; this is a bug", exc_info=args.exc_value)

    threading.excepthook = thread_died
    sys.unraisablehook = ignored

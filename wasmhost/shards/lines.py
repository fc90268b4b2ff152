"""The log of a shard: every line goes to the host, which writes it among its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import EventDict, WrappedLogger

    Tell = Callable[[str, str, Mapping[str, object]], None]


def send_lines(tell: Tell, level: int) -> None:
    """Have every line from a level on told as level, event and fields; for the whole process."""

    def send(_logger: WrappedLogger, method: str, event: EventDict) -> NoReturn:
        text = str(event.pop("event", ""))
        error = event.pop("exc_info", None)
        if error is True:
            error = sys.exc_info()[1]
        if isinstance(error, BaseException):
            event["exception_type"], event["error"] = type(error).__name__, str(error)
        tell("warning" if method == "warn" else method, text, event)
        raise structlog.DropEvent

    structlog.configure(
        processors=[send],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=True,
    )

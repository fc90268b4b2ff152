"""Lines for the operator's log. Always granted; ``print`` ends here as well."""

from __future__ import annotations

from enum import Enum
from typing import Final

from wasmhost_observer import raw

_write: Final = raw.imported("log", "write")


class Level(Enum):
    """How much a line matters."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4


def write(level: Level, message: str) -> None:
    """Write one line. What is over 4,096 bytes is cut."""
    _write(level, raw.text(message))


def debug(message: str) -> None:
    """Write a line for who looks for a fault."""
    write(Level.DEBUG, message)


def info(message: str) -> None:
    """Write a line worth knowing."""
    write(Level.INFO, message)


def warn(message: str) -> None:
    """Write a line worth a look."""
    write(Level.WARN, message)


def error(message: str) -> None:
    """Write a line about what failed."""
    write(Level.ERROR, message)

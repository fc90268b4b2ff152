"""What ``--log-level`` takes."""

from enum import StrEnum


class LogLevel(StrEnum):
    """What is as important as this, or more, is shown."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"

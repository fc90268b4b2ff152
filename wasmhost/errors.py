"""Every error this package raises for a reason of its own.

Two families, never mixed: a :class:`UserError` is about something the caller gave us, says what,
where and what to do, and is shown as one line; an :class:`InternalError` is our own bug.
"""

from __future__ import annotations


class WasmhostError(Exception):
    """The root of everything wasmhost raises."""


class UserError(WasmhostError):
    """Something given to wasmhost cannot be used. Its message is one line for a person."""


class ConfigError(UserError):
    """A configuration file, or an option, says something that cannot be meant."""


class SourceError(UserError):
    """A source of events cannot be opened, or ended before its input did."""


class SinkError(UserError):
    """A sink of reports cannot be opened or written."""


class DatabaseError(UserError):
    """The panic log cannot be opened, read or written."""


class GuestRefused(UserError):
    """A module is not let in; the message is the reason, without the module's name."""


class WallError(UserError):
    """A process of the second wall cannot be made: the system refuses it, or is of another kind."""


class InternalError(WasmhostError):
    """A promise wasmhost makes to itself was broken: a bug in wasmhost."""

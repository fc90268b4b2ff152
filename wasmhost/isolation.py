"""Runs a hook that trusted Python wrote, so that what it raises hurts nobody else.

A hook fails in two ways: a fallible one returns its error by raising
:class:`~wasmhost.contract.records.ActrError`, and any hook can *panic*, by raising anything else.
Cancellation and the interpreter's exit are neither; they are never held up here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from wasmhost.contract.records import ActrError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextvars import Context
    from typing import Any

_log = structlog.get_logger("wasmhost.hooks")

_NO_PANIC = (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)

# The event loop holds its tasks weakly: without this a detached hook could vanish half way.
_running: set[asyncio.Task[None]] = set()


def spawn_hook(
    label: str, coro: Coroutine[Any, Any, object], *, context: Context | None = None
) -> asyncio.Task[None]:
    """Run a hook detached, on the running loop; returns at once.

    A panic is logged at error, under ``label``, and goes no further. The task may be ignored; it is
    there to wait for, or to cancel. ``context`` holds the context variables the hook is to see, the
    caller's by default.
    """
    task = asyncio.get_running_loop().create_task(_isolated(label, coro), name=label, context=context)
    _running.add(task)
    task.add_done_callback(_running.discard)
    # Cancelled before its first step the task never gets to await the coroutine, which would then
    # be reported as forgotten. Closing one that has ended does nothing.
    task.add_done_callback(lambda _task: coro.close())
    return task


async def call_lifecycle_hook(label: str, coro: Coroutine[Any, Any, object]) -> None:
    """Run a fallible hook inline, for a caller that acts on its result.

    Raises the hook's own ActrError as it is; a panic becomes an ActrError of kind "internal" that
    names ``label``, with the panic as its cause.
    """
    try:
        await coro
    except ActrError:
        raise
    except BaseException as error:
        if not is_panic(error):
            raise
        raise ActrError("internal", f"{label} panicked: {panic_info(error)}") from error


async def _isolated(label: str, coro: Coroutine[Any, Any, object]) -> None:
    try:
        await coro
    except BaseException as error:
        if not is_panic(error):
            raise
        log_panic(label, error)


def log_panic(label: str, error: BaseException) -> None:
    """Log the record that stands for a panic nobody else will hear of."""
    _log.error("workload hook panicked; isolated", hook=label, panic=panic_info(error))


def is_panic(error: BaseException) -> bool:
    """Whether to isolate ``error``: all but cancellation and exit, also those inside of a group.

    That includes what derives from BaseException alone, as the panics of extension modules written
    in Rust do.
    """
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(_NO_PANIC) is None
    return not isinstance(error, _NO_PANIC)


def panic_info(error: BaseException) -> str:
    """Say what a panic says of itself: its text, or its type's name where that is empty."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # __str__ is the observer's code as well
        return "<non-string panic>"

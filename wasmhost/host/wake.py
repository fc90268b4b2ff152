"""The way from a worker's thread to an event loop, and waits that a cancellation cannot cut short."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import anyio

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Coroutine
    from typing import Any

T = TypeVar("T")


def call_on_loop(loop: AbstractEventLoop, callback: Callable[..., object], *arguments: object) -> None:
    """Have ``loop`` call back soon; from any thread. A loop that has ended is left in peace.

    Never raises: it is called under locks and by workers that have other observers to serve.
    """
    try:
        loop.call_soon_threadsafe(callback, *arguments)
    except RuntimeError:  # the loop is closed: nobody waits there any more
        return


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end, whoever cancels the caller meanwhile, and however often.

    The cancellation is raised afterwards, so ``work`` must itself leave behind what is to be kept. It
    runs in a task of its own: nothing else can keep asyncio's cancellation from it. The scope keeps
    off anyio's, which would come again at every step.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait((task,))
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not report it as forgotten
    raise cancelled

"""How the result of an awaited lifecycle hook comes back from a worker's thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wasmhost.contract.records import ActrError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future


class Reply:
    """One result, told once from any thread, awaited on the loop that made it."""

    def __init__(self, label: str) -> None:
        """``label`` is the hook's name, for the words of a panic."""
        self._label = label
        self._loop: AbstractEventLoop = asyncio.get_running_loop()
        self._future: Future[ActrError | None] = self._loop.create_future()

    def done(self) -> None:
        """The hook returned without an error, or the observer has no such hook."""
        self._tell(None)

    def failed(self, message: str) -> None:
        """The hook returned an error."""
        self._tell(ActrError("internal", message))

    def raised(self, error: ActrError) -> None:
        """The hook raised its error, in Python."""
        self._tell(error)

    def panicked(self, info: str) -> None:
        """The hook trapped."""
        self._tell(ActrError("internal", f"{self._label} panicked: {info}"))

    def given_up(self) -> None:
        """The host closed before the hook could run."""
        self._tell(ActrError("unavailable", f"{self._label} was not delivered: the host is closing"))

    async def error(self) -> ActrError | None:
        """Wait for the result."""
        return await self._future

    def _tell(self, error: ActrError | None) -> None:
        self._loop.call_soon_threadsafe(self._set, error)

    def _set(self, error: ActrError | None) -> None:
        if not self._future.done():
            self._future.set_result(error)

"""How the result of an awaited lifecycle hook comes back from a worker's thread."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from wasmhost.contract.records import ActrError
from wasmhost.host.wake import call_on_loop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future


class Reply(ABC):
    """One result, told from any thread. Telling never raises, also when nobody waits any more."""

    def __init__(self, label: str) -> None:
        """``label`` is the hook's name, for the words of a panic."""
        self._label = label

    def done(self) -> None:
        """Tell that the hook returned without an error, or that it is not called these days."""
        self._tell(None)

    def failed(self, message: str) -> None:
        """Tell that the hook returned an error."""
        self._tell(ActrError("internal", message))

    def raised(self, error: ActrError) -> None:
        """Tell that the hook raised its error, in Python."""
        self._tell(error)

    def panicked(self, info: str) -> None:
        """Tell that the hook trapped."""
        self._tell(ActrError("internal", f"{self._label} panicked: {info}"))

    def too_large(self) -> None:
        """Tell that the event is larger than the observer may be given."""
        self._tell(ActrError("unavailable", f"{self._label} was not delivered: the event is over event_kib"))

    def given_up(self) -> None:
        """Tell that the hook did not run, or not to its end: the host closed, or gave the observer up."""
        self._tell(ActrError("unavailable", f"{self._label} was given up: its observer is no longer served"))

    @abstractmethod
    def _tell(self, error: ActrError | None) -> None: ...


class LoopReply(Reply):
    """A result that is awaited on the loop that made it. The first one told counts."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self._loop: AbstractEventLoop = asyncio.get_running_loop()
        self._future: Future[ActrError | None] = self._loop.create_future()

    async def error(self) -> ActrError | None:
        """Wait for the result."""
        return await self._future

    def _tell(self, error: ActrError | None) -> None:
        call_on_loop(self._loop, self._set, error)

    def _set(self, error: ActrError | None) -> None:
        if not self._future.done():
            self._future.set_result(error)

"""The node's mailbox: bounded, served by one handler, one letter after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wasmhost import ErrorCategory, MailboxBackpressure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pynode.hooks import Hooks
    from wasmhost import ActrId


@dataclass(frozen=True, slots=True)
class Letter:
    """A request of a peer, and the way for the answer."""

    sender: ActrId
    request_id: str
    text: str
    answer: Callable[[str], None]
    refuse: Callable[[str], None]


class Mailbox:
    """Holds what peers ask until the handler gets to it.

    Pressure is told of once, when the queue has grown to ``threshold``, and again only after it was below in
    between. What comes into a full box is refused, so that its sender knows.
    """

    def __init__(
        self,
        hooks: Hooks,
        handler: Callable[[Letter], Awaitable[str]],
        *,
        threshold: int = 4,
        capacity: int = 64,
    ) -> None:
        self._hooks = hooks
        self._handler = handler
        self._threshold = threshold
        self._pressed = False
        self._letters: asyncio.Queue[Letter] = asyncio.Queue(capacity)

    def put(self, letter: Letter) -> None:
        """Take a letter in, or refuse it; never waits."""
        try:
            self._letters.put_nowait(letter)
        except asyncio.QueueFull:
            letter.refuse("the mailbox is full")
            return
        waiting = self._letters.qsize()
        if waiting >= self._threshold and not self._pressed:
            self._pressed = True
            self._hooks.emit(
                MailboxBackpressure(waiting, self._threshold),
                caller=letter.sender,
                request_id=letter.request_id,
            )

    async def serve(self) -> None:
        """Hand letters to the handler, until cancelled."""
        while True:
            letter = await self._letters.get()
            self._pressed = self._pressed and self._letters.qsize() >= self._threshold
            try:
                letter.answer(await self._handler(letter))
            except Exception as error:  # the application's: it is told, and ends nothing
                self._hooks.error(
                    ErrorCategory.HANDLER_ERROR,
                    ("internal", str(error)),
                    f"handling {letter.request_id}",
                    caller=letter.sender,
                    request_id=letter.request_id,
                )
                letter.refuse(str(error))

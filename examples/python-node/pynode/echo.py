"""The application of these nodes: it gives back what it is asked, a little later."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynode.mailbox import Letter


@dataclass(frozen=True, slots=True)
class Echo:
    """A handler that takes ``pause_s`` seconds for each letter, and fails at ``fail``."""

    pause_s: float

    async def __call__(self, letter: Letter) -> str:
        """Answer a letter."""
        """Answer a letter."""
        await asyncio.sleep(self.pause_s)
        if letter.text == "fail":
            raise ValueError("this handler fails when it is told to")
        return letter.text

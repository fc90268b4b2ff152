"""nats-py's client, ending as it should: the one module that needs nats-py to be imported at all."""

from __future__ import annotations

from nats.aio.client import Client


class OneLife(Client):
    """A client whose end is always told.

    Closing, nats-py sends what still lies in its buffer; where the connection is broken that raises, and
    the rest is left undone, its callbacks among it.
    """

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        try:
            await super()._close(status, do_cbs)
        except OSError:  # the buffer is empty now, so what is left to do can be done
            self._status = Client.DISCONNECTED
            await super()._close(status, do_cbs)

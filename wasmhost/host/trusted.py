"""One observer in Python at its place in the host: trusted code, served on the host's event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.contract.codec import decode_event
from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.records import ActrError
from wasmhost.host.counters import Counters, ObserverSummary
from wasmhost.host.mailbox import Letter, Mailbox
from wasmhost.isolation import is_panic, log_panic, panic_info
from wasmhost.observer import call_hook

if TYPE_CHECKING:
    from wasmhost.config import HostConfig
    from wasmhost.observer import WorkloadHookObserver

_log: Final = structlog.stdlib.get_logger("wasmhost.host")


class TrustedRunner:
    """Serves one Python observer's mailbox, one hook at a time, each under a timeout."""

    def __init__(self, name: str, observer: WorkloadHookObserver, config: HostConfig) -> None:
        """Make it on the event loop that it will run on."""
        self.name = name
        self.hooks = frozenset(hook.name for hook in HOOKS)
        self.mailbox = Mailbox(config.defaults.mailbox, config.defaults.overflow)
        self.counters = Counters()
        self._observer = observer
        self._timeout_s = config.trusted_timeout_s
        self._loop = asyncio.get_running_loop()
        self._called = asyncio.Event()

    def call(self) -> None:
        """Serve what is there; from any thread, once per `Mailbox.put` that says so."""
        self._loop.call_soon_threadsafe(self._called.set)

    async def serve(self) -> None:
        """Serve for ever, until cancelled."""
        while True:
            await self._called.wait()
            self._called.clear()
            while (letter := self.mailbox.take()) is not None:
                await self._deliver(letter)

    async def _deliver(self, letter: Letter) -> None:
        hook, reply = letter.frame.hook, letter.reply
        try:
            event = decode_event(letter.frame.data)
            async with asyncio.timeout(self._timeout_s):
                await call_hook(self._observer, hook, event.ctx, event.payload)
        except ActrError as error:
            self.counters.delivered += 1
            if reply is not None:
                reply.raised(error)
            else:
                _log.warning(f"workload {hook} returned Err", observer=self.name, error=str(error))
        except TimeoutError as error:
            self.counters.panics += 1
            _log.error("workload hook took too long; cancelled", observer=self.name, hook=hook)  # noqa: TRY400
            if reply is not None:
                reply.panicked(panic_info(error))
        except BaseException as error:
            if not is_panic(error):
                raise
            self.counters.panics += 1
            log_panic(hook, error)
            if reply is not None:
                reply.panicked(panic_info(error))
        else:
            self.counters.delivered += 1
            if reply is not None:
                reply.done()

    def close(self) -> None:
        """Give up what waits."""
        for letter in self.mailbox.empty_out():
            if letter.reply is not None:
                letter.reply.given_up()

    def summary(self, unheard: int) -> ObserverSummary:
        """Its line in the summary; ``unheard`` events came without the context their hook needs."""
        return ObserverSummary(
            name=self.name,
            module_sha256=None,
            state="running",
            delivered=self.counters.delivered,
            skipped=unheard,
            panics=self.counters.panics,
            dropped=self.mailbox.dropped,
        )

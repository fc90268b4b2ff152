"""One observer in Python at its place in the host: trusted code, served on the host's event loop."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wasmhost.contract.codec import decode_event
from wasmhost.contract.hooks import HOOK_BY_NAME, HOOKS
from wasmhost.contract.records import ActrError
from wasmhost.host.counters import Counters, ObserverSummary
from wasmhost.host.mailbox import Letter, Mailbox
from wasmhost.host.mishaps import tell_operator
from wasmhost.host.wake import call_on_loop
from wasmhost.isolation import log_panic, panic_info
from wasmhost.observer import call_hook

if TYPE_CHECKING:
    from wasmhost.config import HostConfig
    from wasmhost.host.mailbox import HandedOver
    from wasmhost.observer import WorkloadHookObserver

_TURN: Final = 32  # letters before the loop's other tasks have their turn


class TrustedRunner:
    """Serves one Python observer's mailbox, one hook at a time, each under a timeout.

    As a guest's traps do, its panics hurt nobody else; but it runs on the loop, and a hook that
    computes for long, or ignores its cancellation, holds up what it likes.
    """

    def __init__(self, name: str, observer: WorkloadHookObserver, config: HostConfig) -> None:
        """Make it on the event loop that it will run on."""
        self.name = name
        self.hooks = frozenset(hook.name for hook in HOOKS)
        self.counters = Counters()
        self.mailbox = Mailbox(config.defaults.mailbox, config.defaults.overflow, self.counters.drops)
        self._observer = observer
        self._timeout_s = config.trusted_timeout_s
        self._loop = asyncio.get_running_loop()
        self._called = asyncio.Event()

    def call(self) -> None:
        """Serve what is there; from any thread, once per `Mailbox.put` that says so."""
        call_on_loop(self._loop, self._called.set)

    async def serve(self) -> None:
        """Serve until cancelled; a hook may swallow that, so also until the mailbox is closed."""
        while not self.mailbox.closed:
            await self._called.wait()
            self._called.clear()
            served = 0
            while (letter := self.mailbox.take()) is not None:
                await self._deliver(letter)
                served += 1
                if served % _TURN == 0:  # hooks that never wait would hold the loop
                    await asyncio.sleep(0)

    async def _deliver(self, letter: Letter) -> None:
        """Call the hook, and count how it went: each letter once, also where we are cancelled."""
        hook, reply = letter.frame.hook, letter.reply
        began = time.monotonic_ns()
        limit = asyncio.timeout(self._timeout_s)
        try:
            event = decode_event(letter.frame.data)
            async with limit:
                await call_hook(self._observer, hook, event.ctx, event.payload)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit) or _is_cancelled(error):
                self.counters.dropped += 1
                self.counters.of(hook).dropped("closing")
                if reply is not None:
                    reply.given_up()
                raise
            if isinstance(error, ActrError) and HOOK_BY_NAME[hook].fallible:
                self._delivered(hook, began)
                self._returned_error(letter, error)
            else:
                self._panicked(letter, error, too_long=limit.expired())
        else:
            self._delivered(hook, began)
            if reply is not None:
                reply.done()

    def _delivered(self, hook: str, began_ns: int) -> None:
        self.counters.delivered += 1
        self.counters.of(hook).delivered(0, time.monotonic_ns() - began_ns)

    def _returned_error(self, letter: Letter, error: ActrError) -> None:
        if letter.reply is not None:
            letter.reply.raised(error)
            return
        message = f"workload {letter.frame.hook} returned Err"
        tell_operator("warning", message, observer=self.name, error=panic_info(error))

    def _panicked(self, letter: Letter, error: BaseException, *, too_long: bool) -> None:
        hook = letter.frame.hook
        too_long = too_long and isinstance(error, TimeoutError)
        self.counters.panics += 1
        self.counters.of(hook).panicked("deadline" if too_long else "exception")
        if too_long:
            info = f"it took longer than {self._timeout_s:g} s"
            tell_operator("error", "workload hook took too long; cancelled", observer=self.name, hook=hook)
        else:
            info = panic_info(error)
            with suppress(Exception):  # a log that can't be written ends no observer
                log_panic(hook, error)
        if letter.reply is not None:
            letter.reply.panicked(info)

    def hand_over(self) -> HandedOver:
        """Give away what waits."""
        return self.mailbox.hand_over()

    def close(self) -> None:
        """Give up what waits."""
        self.mailbox.close()

    def summary(self, unheard: int) -> ObserverSummary:
        """Make its line in the summary; ``unheard`` events never came into its mailbox."""
        return ObserverSummary(
            name=self.name,
            module_sha256=None,
            state="running",
            delivered=self.counters.delivered,
            skipped=unheard,
            panics=self.counters.panics,
            dropped=self.counters.dropped + self.mailbox.dropped,
        )


def _is_cancelled(error: BaseException) -> bool:
    """Whether it is our own cancellation, and not one that the hook raised or let through."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0

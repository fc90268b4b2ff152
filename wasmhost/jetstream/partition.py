"""One partition at work: events in, checkpoints out, until it is given up or lost.

A batch is fed to the observers, and all of it is served before anything leaves this process. Then, in this
order, reports and panics are published, the states are written together with how far they are, and the events
are acknowledged. A crash between two of these steps costs nothing: what was not written is done again from
the last checkpoint, and its reports are known by their numbers.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wasmhost.contract.codec import ingest
from wasmhost.contract.schema import RejectedEvent
from wasmhost.errors import UserError
from wasmhost.host.mishaps import is_worth_a_line, tell_operator
from wasmhost.host.reload import Reload
from wasmhost.jetstream.common import fitted
from wasmhost.jetstream.found import ReportMessages, panic_messages
from wasmhost.jetstream.harvest import Panics, Reports, States
from wasmhost.jetstream.holding import Lost
from wasmhost.jetstream.link import NoAnswer, Refused
from wasmhost.jetstream.publishing import publish_all
from wasmhost.jetstream.reading import Reading
from wasmhost.jetstream.seen import Seen

if TYPE_CHECKING:
    from wasmhost.config import HostConfig
    from wasmhost.contract.codec import Frame
    from wasmhost.host.host import ObserverHost
    from wasmhost.jetstream.common import Common
    from wasmhost.jetstream.holding import Holding
    from wasmhost.jetstream.reading import Taken

_PAUSE_S: Final = 0.2
_REFUSED_S: Final = 1.0
_SAFE: Final = 0.8  # of a lease


class Partition:
    """A partition that this host holds. ``stop`` it, or wait until it is lost; then `run` returns."""

    def __init__(self, holding: Holding, config: HostConfig, common: Common) -> None:
        self.number = holding.number
        self.duplicates = 0
        self.left: int | None = None
        """How many messages wait in the stream, as far as is known."""
        self._holding = holding
        self._config = config
        self._common = common
        self._stopping = asyncio.Event()
        self._open: tuple[ObserverHost, States] | None = None
        self._changed = asyncio.Event()  # it is open now, or has ended
        self._seen = Seen()
        self._messages = ReportMessages(common.names)
        self._taken = holding.lease.seq
        # Behind it when it begins: it looks back, to know what came. Else they are the same.
        self._read = max(0, self._taken - common.config.window)

    def stop(self) -> None:
        """Have it finish what it has in hand, and give the partition up."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until it is to stop, then release the partition; or until it is lost.

        Cancelled, it gives up what it has in hand: whoever takes the partition does that again.
        """
        common = self._common
        try:
            states = States(await self._holding.states([each.name for each in self._config.observers]))
            reports, panics = Reports(), Panics(common.panics)
            host = common.host(self._config, states, reports, panics)
            async with host:
                self._open = (host, states)
                self._changed.set()
                if common.watcher is not None:
                    common.watcher.watch(host)
                try:
                    await self._serve(host, states, reports, panics)
                finally:
                    counters = host.counters()
                    common.totals.add(host.summary(), counters, self._messages.invalid)
                    common.totals.duplicates += self.duplicates
                    if common.watcher is not None:
                        common.watcher.forget(host)
            for each in counters.values():
                common.usage.forget(each)
            await self._holding.release()
        except Lost:
            tell_operator("warning", "partition lost to another host", partition=self.number)
        finally:
            self._open = None
            self._changed.set()

    async def reload(self, config: HostConfig) -> Reload:
        """Go over to another configuration, as `ObserverHost.reload` does, once it is open.

        An observer that comes begins with the state that it had here when it was there before.
        """
        await self._changed.wait()
        if self._open is None or self._stopping.is_set():
            return Reload()
        host, states = self._open
        new = [each.name for each in config.observers if not states.knows(each.name)]
        for name, blob in (await self._holding.states(new)).items():
            states.adopt(name, blob)
        try:
            return await host.reload(fitted(config))
        except UserError:  # it closes: whoever has the partition next has the configuration
            return Reload()

    async def _serve(self, host: ObserverHost, states: States, reports: Reports, panics: Panics) -> None:
        while not self._stopping.is_set():
            life = await self._common.link.life()
            reading = Reading(life, self._common.names, self.number, self._common.config.batch)
            try:
                await reading.open(self._read + 1)
                while (batch := await self._next(reading)) is not None:
                    before = self._taken
                    last = await self._feed(host, batch)
                    if self._taken > before:
                        await host.drain()
                        await self._checkpoint(states, reports, panics)
                    if last is not None:
                        await reading.acknowledge(last)
            except NoAnswer:
                await asyncio.sleep(_PAUSE_S)
            finally:
                with suppress(NoAnswer, Refused):
                    await reading.close()

    async def _next(self, reading: Reading) -> list[Taken] | None:
        """Wait for a batch; None when it is time to stop."""
        batch = asyncio.ensure_future(reading.next())
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((batch, stop), return_when=asyncio.FIRST_COMPLETED)
            return None if self._stopping.is_set() else batch.result()
        finally:
            stop.cancel()
            if not batch.done():
                batch.cancel()
            elif not batch.cancelled():
                batch.exception()  # it was heard of

    async def _feed(self, host: ObserverHost, batch: list[Taken]) -> Taken | None:
        """Give a batch to the observers; the last message that is taken now, or was before."""
        last = None
        for message in batch:
            frame = self._frame(host, message)
            if message.seq <= self._taken:  # looked at again after a change of hands, to know what came
                if frame is not None and frame.src is not None:
                    self._seen.is_new(frame.src, frame.seq)
                    host.note_taken(frame)
                last, self._read = message, message.seq
                continue
            if self._stopping.is_set():
                break
            if frame is not None and frame.src is not None:
                if self._seen.is_new(frame.src, frame.seq):
                    await host.feed_frame(frame)
                else:
                    self._repeated(frame)
            last, self._taken, self._read, self.left = message, message.seq, message.seq, message.left
        return last

    def _frame(self, host: ObserverHost, message: Taken) -> Frame | None:
        """Read an event; one that is none is counted, once, and taken like any other."""
        try:
            frame = ingest(message.data)
        except RejectedEvent as error:
            reason = str(error)
        else:
            if frame.src is not None:
                return frame
            reason = 'it has no "src", by which it would be known should it come twice'
        if message.seq > self._taken:
            host.reject(message.subject, message.seq, reason)
        return None

    def _repeated(self, frame: Frame) -> None:
        self.duplicates += 1
        if is_worth_a_line(self.duplicates):
            tell_operator(
                "info", "event came again", partition=self.number, seq=frame.seq, repeated=self.duplicates
            )

    async def _checkpoint(self, states: States, reports: Reports, panics: Panics) -> None:
        """Have all that came of a batch where it outlives us. Waits for a server that is away.

        :raises Lost: the partition is another's.
        """
        names, lease_s = self._common.names, self._common.config.lease_s
        found = [*self._messages.of(reports.take()), *panic_messages(names, panics.take())]
        if found and self._common.pulse.is_older_than(_SAFE * lease_s):
            # We may have been called dead, and another at work: what we would tell is of states that are old.
            await self._holding.check()
        refusals = 0
        while found:
            try:
                await publish_all(self._common.link, found)
                break
            except Refused as refused:
                refusals += 1
                if is_worth_a_line(refusals):
                    reason = str(refused)
                    tell_operator("error", "reports not published", reason=reason, tries=refusals)
                await asyncio.sleep(_REFUSED_S)
        await self._holding.commit(self._taken, states.take())

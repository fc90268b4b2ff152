"""A host of a pool: takes its share of the partitions, gives up what is over it, and in the end all."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wasmhost.errors import WasmhostError
from wasmhost.host.mishaps import tell_operator
from wasmhost.host.reload import Reload, merged
from wasmhost.jetstream.holding import Lost
from wasmhost.jetstream.link import NoAnswer, Refused
from wasmhost.jetstream.membership import Membership
from wasmhost.jetstream.partition import Partition

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from wasmhost.config import HostConfig
    from wasmhost.jetstream.common import Common
    from wasmhost.jetstream.holding import Holding
    from wasmhost.jetstream.link import Life
    from wasmhost.jetstream.membership import View

_BEATS: Final = 4  # in a lease
_NUDGE_S: Final = 0.05  # not more often than that
_LEAVE_S: Final = 2.0
_CANCEL_S: Final = 5.0


class Pool:
    """The partitions of one host. `run` it; `stop` it from the same thread."""

    def __init__(self, config: HostConfig, common: Common) -> None:
        self.config = config
        self._common = common
        self._membership = Membership(common.link, common.names, common.config.lease_s, common.pulse)
        self._held: dict[int, tuple[Partition, Holding, asyncio.Task[None]]] = {}
        self._not_before: dict[int, float] = {}  # those that failed here
        self._stopping = asyncio.Event()
        self._news = asyncio.Event()
        self._heard_in: Life | None = None
        self._nudges: set[asyncio.Future[None]] = set()  # else they may vanish under way

    @property
    def partitions(self) -> tuple[int, ...]:
        """Which partitions are here now."""
        return tuple(sorted(self._held))

    def stop(self) -> None:
        """Give all partitions back, and end."""
        self._stopping.set()

    async def reload(self, config: HostConfig) -> Reload:
        """Go over to another configuration, one partition after the other; those to come have it, too."""
        self.config, later = merged(self.config, config)
        partitions = [partition for partition, _, _ in self._held.values()]
        done = [await partition.reload(self.config) for partition in partitions]
        return Reload(
            added=tuple(sorted({name for each in done for name in each.added})),
            replaced=tuple(sorted({name for each in done for name in each.replaced})),
            removed=tuple(sorted({name for each in done for name in each.removed})),
            refused={name: why for each in done for name, why in each.refused.items()},
            later=later,
        )

    async def run(self) -> None:
        """Take part until `stop`. Cancelled, it gives up what it has in hand."""
        looking = asyncio.create_task(self._look_after(), name="wasmhost-pool")
        stop = asyncio.create_task(self._stopping.wait())
        try:
            # Whatever it waits for, say a server that is away: to stop is heard at once.
            await asyncio.wait((looking, stop), return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()
        finally:
            looking.cancel()
            stop.cancel()
            await self._end()

    async def _look_after(self) -> None:
        while True:
            try:
                await self._hear_nudges()
                await self._look_round()
            except NoAnswer:
                await asyncio.sleep(_NUDGE_S)
                continue
            except Refused as refused:  # for want of a right, say
                tell_operator("error", "the server refuses what a host needs", reason=str(refused))
            await self._wait(self._common.config.lease_s / _BEATS)

    async def _wait(self, seconds: float) -> None:
        """Wait until there is something to look at, or time to show that we live."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()
        await asyncio.sleep(_NUDGE_S)

    async def _look_round(self) -> None:
        """Show that we live; give up what is over our share, and take what is missing from it."""
        view = await self._membership.beat(self._held, leaving=False)
        until = time.monotonic() + self._common.config.lease_s / _BEATS
        for number in view.taken & self._held.keys():
            await self._doubt(number)
        missing = self._membership.share(view) - len(self._held)
        if missing < 0:
            for number in sorted(self._held)[missing:]:
                self._held[number][0].stop()
        free = [number for number in range(self._common.names.partitions) if number not in view.taken]
        random.shuffle(free)  # not all hosts begin with the same
        took = False
        for number in free:
            if missing <= 0 or time.monotonic() > until:
                break
            if number in self._held or self._not_before.get(number, 0.0) > time.monotonic():
                continue
            if await self._take(number, view):
                missing -= 1
                took = True
        if took:
            self._news.set()  # to have it in our entry

    async def _doubt(self, number: int) -> None:
        """Another says that it has a partition that we have: see whose it is."""
        held = self._held.get(number)
        if held is None:
            return
        _, holding, task = held
        try:
            await holding.check()
        except Lost:
            if holding.lease.owner is not None:  # else we have just given it up
                tell_operator("warning", "partition lost to another host", partition=number)
                task.cancel()

    async def _take(self, number: int, view: View) -> bool:
        holding = await self._membership.claim(number, view)
        if holding is None:
            return False
        partition = Partition(holding, self.config, self._common)
        task = asyncio.create_task(partition.run(), name=f"wasmhost-partition-{number}")
        self._held[number] = (partition, holding, task)
        task.add_done_callback(lambda task: self._ended(number, task))
        tell_operator("info", "partition taken", partition=number, epoch=holding.lease.epoch)
        return True

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        del self._held[number]
        error = None if task.cancelled() else task.exception()
        if error is None:
            tell_operator("info", "partition given up", partition=number)
        else:
            self._not_before[number] = time.monotonic() + self._common.config.lease_s
            reason = str(error) if isinstance(error, WasmhostError) else None
            cause = {"reason": reason} if reason else {"exc_info": error}
            tell_operator("error", "partition failed", partition=number, **cause)
        self._news.set()
        self._nudge()

    # The end.

    async def _end(self) -> None:
        """Have what is in hand finished, for ``drain_s``; give the rest up, and all partitions back."""
        tasks = [task for _, _, task in self._held.values()]
        holdings = {number: holding for number, (_, holding, _) in self._held.items()}
        for partition, _, _ in self._held.values():
            partition.stop()
        until = time.monotonic() + self.config.drain_s
        while self._held and time.monotonic() < until:
            with suppress(NoAnswer, Refused, TimeoutError):
                beat = self._membership.beat(self._held, leaving=True)
                await asyncio.wait_for(beat, min(_LEAVE_S, max(0.0, until - time.monotonic())))
            if tasks:
                await asyncio.wait(tasks, timeout=min(1.0, max(0.0, until - time.monotonic())))
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_S)
        given_up = [number for number in holdings if number in self._held or holdings[number].lease.owner]
        if given_up:
            tell_operator("warning", "not finished in time; other hosts do it again", partitions=given_up)
        with suppress(NoAnswer, Refused, TimeoutError):
            await asyncio.wait_for(self._membership.leave(), min(_LEAVE_S, self.config.drain_s + 0.1))
            self._nudge()

    # Nudges between hosts.

    async def _hear_nudges(self) -> None:
        life = await self._common.link.life()
        if life is self._heard_in:
            return

        async def hear(message: Msg) -> None:
            if message.data != self._membership.me.encode():
                self._news.set()

        await life.call(life.client.subscribe(self._common.names.nudge, cb=hear))
        self._heard_in = life
        self._nudge()

    def _nudge(self) -> None:
        """Tell the others that there is something to look at. May be lost: they look by themselves, later."""
        task = asyncio.ensure_future(self._send_nudge())
        self._nudges.add(task)
        task.add_done_callback(self._nudges.discard)

    async def _send_nudge(self) -> None:
        with suppress(NoAnswer):
            life = await self._common.link.life()
            await life.call(life.client.publish(self._common.names.nudge, self._membership.me.encode()))

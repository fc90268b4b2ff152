"""A shard that lies about letters and what it has in hand: nothing is counted that was not looked at."""

from __future__ import annotations

import os
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests.host.helpers import FAST, MemorySink
from tests.shards.test_tray import letter
from wasmhost.grants.profiles import Profiles
from wasmhost.grants.usage import UsageLog
from wasmhost.host.counters import Counters
from wasmhost.host.reports import ReportQueue
from wasmhost.host.runner import Condition
from wasmhost.host.services import Services
from wasmhost.host.state import StateStore
from wasmhost.panics.store import PanicLog
from wasmhost.sandbox.compiling import Artifact
from wasmhost.shards.desk import Desk
from wasmhost.shards.framing import Frame, Garbled, Kind
from wasmhost.shards.household import LOADING
from wasmhost.shards.life import Notes
from wasmhost.shards.members import Member
from wasmhost.shards.outbox import Outbox
from wasmhost.shards.shard import Shard, Suspect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wasmhost.wall.zygote import Zygote


@pytest.fixture
async def shard() -> AsyncIterator[Shard]:
    """A shard of two observers whose process is not there."""
    services = Services(
        PanicLog(), StateStore(), ReportQueue(MemorySink()), False, Profiles(), UsageLog()
    )  # fmt: skip
    desks = [Desk(FAST.observer(name, Path("x.wasm")), "00", None, services) for name in "ab"]
    members = [Member(desk, b"", Artifact("core", b"")) for desk in desks]
    made = Shard(1, members, cast("Zygote", None), lossless=False)
    try:
        yield made
    finally:
        made.household.notes.close()


def turn(*done: int, delivered: int) -> Frame:
    """A turn of the first observer."""
    counters = Counters(delivered=delivered)
    for _ in range(delivered):
        counters.of("on_start").delivered(1, 1)
    outbox = Outbox(0, memoryview(array("Q", [0])), None, lossless=False)
    condition = Condition(failed=False, quarantined=(), metrics=(), lost=0)
    return Frame(Kind.TURN, b"".join(outbox.take(array("Q", done), counters, condition)))


@pytest.mark.parametrize("done", [(7, 7), (7, 9)])
async def test_letters_that_cannot_be_done_are_not_counted(shard: Shard, done: tuple[int, ...]) -> None:
    """Else each of them would be counted once more as it is delivered to the next process."""
    desk = shard.members[0].desk
    desk.mailbox.under_way = {7: letter(7), 8: letter(8)}
    with pytest.raises(Garbled, match="not under way"):
        shard._take(turn(*done, delivered=2))
    assert desk.counters.delivered == 0
    assert list(desk.mailbox.under_way) == [7, 8]
    shard._take(turn(7, 8, delivered=2))
    assert desk.counters.delivered == 2
    assert desk.mailbox.idle


async def test_who_was_being_loaded_is_known_whatever_the_shard_noted(shard: Shard) -> None:
    """One that wipes the note, or blames another, would have the host start process after process."""
    first, second = (member.desk for member in shard.members)
    shard._loading = second
    for place, number in ((0, 0), (0, LOADING)):
        shard.household.notes.numbers[place] = number
        assert shard._in_hand() == [Suspect(second, LOADING)]
    assert first is not second


async def test_a_process_that_never_serves_is_given_up(shard: Shard) -> None:
    """A host must come to start, whatever its shards die of."""
    forks = 0

    class Stillborn:
        """A life that is over at once."""

        def __init__(self, *_arguments: object) -> None:
            nonlocal forks
            forks += 1

        def bury(self) -> str:
            """Say what it died of."""
            return "nothing"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wasmhost.shards.shard.Life", Stillborn)
        patch.setattr(shard, "_pause", lambda _born: None)
        patch.setattr(shard, "_live", lambda _life, _suspects: None)
        patch.setattr(shard.household.notes, "close", lambda: None)
        shard._run()
    assert shard.started.is_set()
    assert 5 <= forks <= 20
    assert all(member.desk.refused for member in shard.members)


def test_the_notes_cannot_be_made_smaller() -> None:
    """Where no filter keeps a shard from trying: the host would die of reading what is not there any more."""
    notes = Notes(2)
    try:
        with pytest.raises(PermissionError):
            os.ftruncate(notes.descriptor, 0)
        assert notes.numbers.tolist() == [0, 0]
    finally:
        notes.close()

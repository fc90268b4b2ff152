"""Events over a socket that breaks and resends: an observer is told of what was lost, and of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sources.helpers import event, hello
from tests.sources.running import Running, at
from wasmhost.contract.codec import Frame
from wasmhost.host.gaps import GapTracker

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_is_sent_again_is_no_gap_and_what_was_dropped_is(tmp_path: Path) -> None:
    """Of each of many sources: its repetitions are left out before anybody counts."""
    running = Running(tmp_path / "s")
    async with running:
        for src in ("a", "b"):
            async with at(running) as node:
                await node.send(hello(src, ack=True), *(event(seq) for seq in (0, 1, 2, 3)))
                await node.acknowledged(3)
            async with at(running) as node:  # the answer was lost on the way; 4 to 6 were dropped
                await node.send(hello(src, ack=True), *(event(seq) for seq in (1, 2, 3, 7, 8)))
                await node.acknowledged(8)
    gaps = GapTracker()
    told = [
        (item.src, item.seq, lost)
        for item in running.items
        if isinstance(item, Frame) and (lost := gaps.lost_before(item.src or "", item.seq))
    ]
    assert told == [("a", 7, 3), ("b", 7, 3)]

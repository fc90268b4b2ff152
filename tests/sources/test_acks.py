"""Acknowledgements: what they stand for, how seldom they come, and that repetitions are taken once."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.sources.helpers import event, frames, hello, rejected
from tests.sources.running import Node, Running, at
from wasmhost.config.source import SourceConfig
from wasmhost.sources import floor as floor_module

if TYPE_CHECKING:
    from pathlib import Path


def events(*numbers: int, src: str | None = None) -> bytes:
    """Several events, one after the other."""
    return b"".join(event(seq, src) for seq in numbers)


def nothing_to_read(node: Node) -> bool:
    """Whether no answer has come."""
    node.connection.setblocking(False)
    try:
        return node.connection.recv(1, socket.MSG_PEEK) == b"never"
    except BlockingIOError:
        return True
    finally:
        node.connection.settimeout(20)


async def test_one_answer_stands_for_many_events(tmp_path: Path) -> None:
    """There are far fewer answers than events, their numbers go up, and the last one is the last event's."""
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        await node.send(hello("n", ack=True), events(*range(5_000)))
        node.connection.shutdown(socket.SHUT_WR)
        answers: list[dict[str, Any]] = []
        while (answer := await node.answer()) is not None:
            answers.append(answer)
    assert answers[0] == {"welcome": 1}
    numbers = [answer["ack"] for answer in answers[1:]]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 4_999
    assert len(numbers) < 500


async def test_an_event_is_acknowledged_when_it_was_taken(tmp_path: Path) -> None:
    """As long as the host has not come back for more, nothing is said."""
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        running.paused = anyio.Event()
        await node.send(hello("n", ack=True), event(0))
        await running.until(1)
        assert await node.answer() == {"welcome": 1}
        await anyio.sleep(4 * floor_module.ANSWER_EVERY_S)
        assert nothing_to_read(node)
        running.paused.set()
        assert await node.answer() == {"ack": 0}


async def test_the_last_answer_comes_before_the_end(tmp_path: Path) -> None:
    """Of a node that takes its leave, and of a host that is stopped, with what had arrived by then."""
    running = Running(tmp_path / "s")
    async with running, at(running) as leaving, at(running) as staying:
        await leaving.send(hello("leaving", ack=True), events(0, 1, 2))
        leaving.connection.shutdown(socket.SHUT_WR)
        await leaving.acknowledged(2)
        await leaving.ended()
        await staying.send(hello("staying", ack=True), events(*range(300)))
        running.source.stop()
        await staying.acknowledged(299)
        await staying.ended()


async def test_a_node_that_never_reads_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is heard as ever, one answer is kept for it, and when it reads at last, it gets the newest."""
    monkeypatch.setattr(floor_module, "ANSWER_EVERY_S", 0)
    running = Running(tmp_path / "s")
    async with running, at(running) as node, at(running) as neighbour:
        await node.send(hello("n", ack=True))
        for seq in range(1_500):
            await node.send(event(seq))
            if seq % 50 == 0:
                await running.until(seq + 1)
        await running.until(1_500)
        await neighbour.send(hello("m", ack=True), event(0))
        await neighbour.acknowledged(0)
        floor = running.source._floor
        assert floor is not None
        connection = next(iter(floor._connections.values()))
        assert connection._answered < 1_499
        assert 0 < len(connection._replies._rest) < 20
        await node.acknowledged(1_499)
        await anyio.sleep(0.02)
        assert nothing_to_read(node)


async def test_a_node_that_reads_nothing_and_a_host_that_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that nobody takes holds up no end."""
    monkeypatch.setattr(floor_module, "ANSWER_EVERY_S", 0)
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        await node.send(hello("n", ack=True))
        for seq in range(1_000):
            await node.send(event(seq))
            if seq % 50 == 0:
                await running.until(seq + 1)
        await running.until(1_000)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_breaks_everything_is_taken_once(tmp_path: Path, seed: int) -> None:
    """Connections break at any byte, also two at a time; what is not acknowledged is sent again."""
    choose = random.Random(seed)
    running = Running(tmp_path / "s")
    last = 400
    async with running:
        acknowledged = -1
        while acknowledged < last:
            async with at(running) as node:
                await node.send(hello("n", ack=True))
                answer = await node.answer()
                assert answer is not None
                acknowledged = answer.get("ack", -1)
                data = events(*range(acknowledged + 1, min(last, acknowledged + 150) + 1))
                await node.send(data[: choose.randint(0, len(data) + 40)])
                if choose.random() < 0.3:
                    other = at(running)
                    await other.send(hello("n", ack=True), data[: choose.randint(0, len(data))])
                    if choose.random() < 0.5:
                        await other.answer()
                    other.connection.close()
    assert frames(running.items) == [("n", seq) for seq in range(last + 1)]


async def test_two_that_speak_for_one_source_at_once(tmp_path: Path) -> None:
    """Each takes over from the other, again and again: every number once, and upwards."""
    running = Running(tmp_path / "s")

    async def speak() -> None:
        for _ in range(20):
            async with at(running) as node:
                await node.send(hello("n", ack=True), events(*range(200)))
                await node.answer()

    async with running:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak)
            tasks.start_soon(speak)
        async with at(running) as node:
            await node.send(hello("n", ack=True), events(*range(200)))
            await node.acknowledged(199)
    assert frames(running.items) == [("n", seq) for seq in range(200)]


async def test_events_of_another_source_are_neither_acknowledged_nor_known_again(tmp_path: Path) -> None:
    """They are taken as they are without a hello."""
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        await node.send(hello("n", ack=True), events(7, 7, src="other"), events(3, src="n"), event(3))
        await node.acknowledged(3)
    assert frames(running.items) == [("other", 7), ("other", 7), ("n", 3)]


async def test_a_source_belongs_to_who_opened_it(tmp_path: Path) -> None:
    """Another token's bearer cannot take it over, spoil its numbers, or speak in its name."""
    running = Running(tmp_path / "s", SourceConfig(tokens=("one", "two")))
    async with running:
        async with at(running) as owner:
            await owner.send(hello("n", "one", ack=True), event(0))
            await owner.acknowledged(0)
            for opening in (hello("n", "two", ack=True), hello("n", "two")):
                async with at(running) as other:
                    await other.send(opening, event(2**63))
                    assert await other.refused() == "taken"
            async with at(running) as other:
                await other.send(hello("m", "two"), event(2**63, src="n"), event(5, src="free"))
                await running.until(3 + 2)
            await owner.send(event(1))
            await owner.acknowledged(1)
        async with at(running) as other:  # nor when the owner is away
            await other.send(hello("n", "two", ack=True))
            assert await other.refused() == "taken"
        async with at(running) as owner:
            await owner.send(hello("n", "one", ack=True))
            assert await owner.answer() == {"ack": 1}
    assert frames(running.items) == [("n", 0), ("free", 5), ("n", 1)]
    assert [item.reason for item in rejected(running.items)] == ["its src belongs to another connection"]


async def test_a_source_that_is_forgotten_is_welcome(tmp_path: Path) -> None:
    """Of more sources than are to be remembered, the ones that left first are taken for new ones."""
    running = Running(tmp_path / "s", SourceConfig(srcs=2))

    async def first_answer(src: str) -> dict[str, Any] | None:
        async with at(running) as node:
            await node.send(hello(src, ack=True), event(0))
            first = await node.answer()
            node.connection.shutdown(socket.SHUT_WR)
            await node.ended()
            return first

    async with running:
        assert [await first_answer(src) for src in "abc"] == [{"welcome": 1}] * 3
        assert [await first_answer(src) for src in "bca"] == [{"ack": 0}, {"ack": 0}, {"welcome": 1}]


async def test_repetitions_are_counted(tmp_path: Path) -> None:
    """For whoever watches the host."""
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        await node.send(hello("n", ack=True), events(0, 1, 1, 0, 2))
        await node.acknowledged(2)
    assert frames(running.items) == [("n", 0), ("n", 1), ("n", 2)]
    assert running.source.counts.repeated == 2

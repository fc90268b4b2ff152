"""The conversations of ``wit/wire-vectors.json``, over a real socket: emitters may rely on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from tests.contract.test_wire_vectors import VECTORS, rows
from tests.sources.helpers import event, frames, hello, rejected
from tests.sources.running import Node, Running, at
from wasmhost.config.source import SourceConfig
from wasmhost.sources.answers import WELCOME, acknowledged, refused

if TYPE_CHECKING:
    from pathlib import Path


@rows("conversations")
async def test_conversations(tmp_path: Path, row: dict[str, Any]) -> None:
    """Step by step, and what came out at the end."""
    nodes: dict[int, Node] = {}
    running = Running(tmp_path / "s", SourceConfig(tokens=tuple(row["tokens"])))
    taken: list[list[Any]] = []
    async with running:
        for step in row["steps"]:
            match step:
                case {"connect": int(number)}:
                    nodes[number] = at(running)
                case {"close": int(number)}:
                    nodes.pop(number).connection.close()
                case {"send": str(data), "on": int(number)}:
                    await nodes[number].send(bytes.fromhex(data))
                case {"answer": str(data), "on": int(number)}:
                    wanted = cbor2.loads(bytes.fromhex(data))
                    if "ack" in wanted:
                        await nodes[number].acknowledged(wanted["ack"])
                    else:
                        assert await nodes[number].answer() == wanted
                case {"refused": str(word), "on": int(number)}:
                    assert await nodes[number].refused() == word
                case {"taken": list(taken)}:
                    pass
                case _:
                    pytest.fail(f"no such step: {step}")
    for node in nodes.values():
        node.connection.close()
    assert frames(running.items) == [tuple(each) for each in taken]


@rows("bad-hellos")
async def test_bad_hellos_are_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    """With the word for it, whether or not a token is asked for; nothing that follows is taken."""
    for tokens in ((), ("t",)):
        running = Running(tmp_path / "s", SourceConfig(tokens=tokens))
        async with running, at(running) as node:
            await node.send(bytes.fromhex(row["cbor"]), event(0))
            assert await node.refused() == row["error"]
        assert frames(running.items) == []


@rows("hellos")
async def test_hellos_are_accepted(tmp_path: Path, row: dict[str, Any]) -> None:
    """And answered where they ask for it."""
    token = row["value"].get("token")
    running = Running(tmp_path / "s", SourceConfig(tokens=(token,)) if token else None)
    async with running, at(running) as node:
        await node.send(bytes.fromhex(row["cbor"]), event(0))
        if row["value"].get("ack"):
            assert await node.answer() == {"welcome": 1}
            await node.acknowledged(0)
        await running.until(1)
    assert frames(running.items) == [(row["value"]["src"], 0)]


async def test_rejected_items_are_skipped(tmp_path: Path) -> None:
    """All kinds of them, and the events around are taken."""
    items = [bytes.fromhex(row["cbor"]) for row in VECTORS["rejected"]]
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        await node.send(hello("n"), event(0), *items, event(1))
        await running.until(len(items) + 2)
    assert frames(running.items) == [("n", 0), ("n", 1)]
    assert len(rejected(running.items)) == len(items)


@rows("malformed")
async def test_malformed_bytes_end_the_connection(tmp_path: Path, row: dict[str, Any]) -> None:
    """What came before is taken, and acknowledged before the end."""
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        await node.send(hello("n", ack=True), event(0), bytes.fromhex(row["cbor"]))
        assert await node.answer() == {"welcome": 1}
        assert await node.answer() == {"ack": 0}
        assert await node.refused() == "malformed"
    assert frames(running.items) == [("n", 0)]


@rows("answers")
def test_answers_are_written_as_they_stand_there(row: dict[str, Any]) -> None:
    """By the host's own encoder."""
    match row["value"]:
        case {"later": _}:
            return
        case {"ack": int(seq)}:
            written = acknowledged(seq)
        case {"error": str(why)}:
            written = refused(why)
        case _:
            written = WELCOME
    assert written.hex() == row["cbor"]

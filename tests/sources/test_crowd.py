"""Thousands of connections at once, a tenth of them bad in every way there is: the others notice nothing."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.sources.crowd import EVENTS, counted, manner
from tests.sources.helpers import descriptors, frames
from tests.sources.running import Running
from wasmhost.config.source import SourceConfig

ROOT = Path(__file__).parents[2]
COUNT = 5_000


async def test_five_thousand_connections_at_once(tmp_path: Path) -> None:
    """Every event of the good is taken and acknowledged; the bad are refused by name, or bounded."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < COUNT + 512:
        pytest.fail(f"{COUNT} connections need a hard limit of {COUNT + 512} open files: ulimit -Hn")
    before = len(descriptors())
    expected = counted(COUNT)
    settings = SourceConfig(tokens=("t",), connections=COUNT, hello_s=100)
    running = Running(tmp_path / "s", settings)
    async with running:
        crowd = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.sources.crowd", tmp_path / "s", str(COUNT)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        assert await crowd.stdout.readline() == b"connected\n"
        while running.source.counts.accepted < COUNT:  # noqa: ASYNC110 - nobody would tell us
            await asyncio.sleep(0.01)
        assert running.source.counts.open == COUNT
        crowd.stdin.write(b"\n")
        said = json.loads(await crowd.stdout.readline())
        crowd.stdin.write(b"\n")
        await crowd.communicate()
    assert said["good"] == expected[None]
    assert said["refused"].get("token") == expected["wrong token"]
    assert said["refused"].get("malformed") == expected["garbage"]
    assert said["refused"].get("hello") == expected["no hello"]
    taken = Counter(frames(running.items))
    good = [number for number in range(COUNT) if manner(number) in (None, "never reads")]
    assert all(taken[f"crowd-{number}", seq] == 1 for number in good for seq in range(EVENTS))
    halves = expected["half an event"] * (EVENTS - 1)
    assert sum(taken.values()) == len(good) * EVENTS + halves
    assert running.source.counts.open == 0
    assert len(descriptors()) <= before + 2

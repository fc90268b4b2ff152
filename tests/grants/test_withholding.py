"""No value of an event that is not granted is in the bytes that a guest gets."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.grants.telling import EVERY, Author, events
from tests.host.helpers import FAST, MemorySink, config, recorder
from wasmhost import ObserverHost
from wasmhost.config.model import DEFAULT_GRANT
from wasmhost.contract.codec import ingest
from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.manifest import FIELDS

if TYPE_CHECKING:
    from wasmhost.config import HostConfig

SUBSETS = [
    frozenset(some)
    for some in chain.from_iterable(combinations(FIELDS, size) for size in range(len(FIELDS) + 1))
]
MODULE = recorder()


def name_of(granted: frozenset[str]) -> str:
    """Name an observer after what it is granted."""
    return "-".join(("sees", *sorted(granted)))


def crowd(folder: Path) -> HostConfig:
    """Configure an observer for each set of fields; all report the very bytes they get."""
    special = {name_of(some): replace(FAST, grant=DEFAULT_GRANT | some) for some in SUBSETS}
    return config(folder, dict.fromkeys(special, MODULE), special=special)


async def received(seed: int, extra: str | None, *, emitted: bool) -> dict[str, list[bytes]]:
    """Give each observer one event of each hook; what came to it, by the observer's name."""
    sink = MemorySink()
    with tempfile.TemporaryDirectory() as folder:
        async with ObserverHost(crowd(Path(folder)), sink=sink) as host:
            for number, told in enumerate(events(seed)):
                if emitted:
                    host.emit_hook(told.hook, told.ctx, told.payload)
                else:
                    await host.feed(told.encoded(number, extra))
    found: dict[str, list[bytes]] = {}
    for record in sink.records:
        found.setdefault(record.observer, []).append(record.body)
    return found


@pytest.mark.timeout(300)
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**64), st.booleans())
def test_no_ungranted_value_is_in_the_bytes_that_a_guest_gets(seed: int, emitted: bool) -> None:
    """For every set of fields, every hook, emitted or from a source; and what is granted is there."""
    author = Author(seed + 1)
    extra = author.text(*FIELDS)
    found = asyncio.run(received(seed, extra, emitted=emitted))
    for granted in SUBSETS:
        bodies = found[name_of(granted)]
        assert len(bodies) == len(HOOKS)
        for told, data in zip(events(seed), bodies, strict=True):
            if emitted:
                told.values = [(value, fields) for value, fields in told.values if value != told.src]
            assert told.shown_in(data, granted) == []
            assert told.missing_in(data, granted) == []
            assert granted == EVERY or extra.encode() not in data
            assert ingest(data).data == data, "it is not the contract's encoding"
            assert cbor2.loads(data)["hook"] == told.hook


@pytest.mark.timeout(300)
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**64))
def test_who_is_granted_all_gets_the_very_bytes_that_were_sent(seed: int) -> None:
    """Also the keys that nobody knows."""
    found = asyncio.run(received(seed, "extra", emitted=False))
    sent = [told.encoded(number, "extra") for number, told in enumerate(events(seed))]
    assert found[name_of(EVERY)] == sent

"""Panics on their way to sinks: the first of a kind at once, then counts, which are right in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.panics.helpers import panic
from tests.sinks.helpers import delivery, lines, until
from tests.sinks.test_outbox import file
from wasmhost.config.sink import OutboxConfig
from wasmhost.database import Database
from wasmhost.panics.store import PanicLog
from wasmhost.sinks.panic_news import PanicNews

if TYPE_CHECKING:
    from pathlib import Path

RARELY = OutboxConfig(panics_every_s=86_400)
OFTEN = OutboxConfig(panics_every_s=0)


async def test_a_hundred_thousand_equal_panics_are_a_few_messages(tmp_path: Path) -> None:
    """The first is told at once, the rest when the run ends; the counts add up, and the text is escaped."""
    async with delivery(tmp_path, file(tmp_path), outbox=RARELY, drain_s=20) as sending:
        sending.panics.record(panic(seq=0, message="a \x1b[31mred\u202e word"))
        await sending.until("file", sent=1)
        for seq in range(1, 20_000):
            sending.panics.record(panic(seq=seq))
        await sending.commit()
        await sending.commit()
        assert sending.status("file")["sent"] == 1
    first, rest = lines(tmp_path / "file.ndjson")
    assert (first["what"], first["kind"], first["new"], first["count"], first["seq"]) == (
        "panic", "unreachable", 1, 1, 0,
    )  # fmt: skip
    assert first["message"] == "a \\x1b[31mred\\u202e word"
    assert first["backtrace"] == ["relay_watch::ratio", "on-webrtc-connected"]
    assert (rest["new"], rest["count"], rest["seq"]) == (19_999, 20_000, 19_999)
    assert rest["signature"] == first["signature"]
    assert "event" not in first


async def test_each_kind_is_told_at_once(tmp_path: Path) -> None:
    """However often another one was told of."""
    async with delivery(tmp_path, file(tmp_path), outbox=RARELY) as sending:
        for number, place in enumerate("abc", start=1):
            sending.panics.record(panic(backtrace=(place,)))
            await sending.until("file", sent=number)
    assert len({line["signature"] for line in lines(tmp_path / "file.ndjson")}) == 3


async def test_after_the_window_there_is_news(tmp_path: Path) -> None:
    """Without another panic to bring it."""
    soon = OutboxConfig(panics_every_s=0.3)
    async with delivery(tmp_path, file(tmp_path), outbox=soon) as sending:
        sending.panics.record(panic())
        await sending.until("file", sent=1)
        sending.panics.record(panic())
        await sending.until("file", sent=2)
    assert [line["count"] for line in lines(tmp_path / "file.ndjson")] == [1, 2]


async def test_what_a_killed_host_had_not_told_the_next_tells(tmp_path: Path) -> None:
    """Panics that were on the disk, and in no message; not those from before the first sink."""
    with Database(tmp_path / "x.db") as database:
        PanicLog(database).record(panic(observer="before"))
    async with delivery(tmp_path, file(tmp_path), outbox=RARELY, drain_s=20) as sending:
        sending.panics.record(panic(observer="during"))
        await sending.until("file", sent=1)
    with Database(tmp_path / "x.db") as database:  # a host that never came to tell
        for _ in range(4):
            PanicLog(database).record(panic(observer="during"))
            database.flush()
    async with delivery(tmp_path, file(tmp_path), outbox=RARELY) as sending:
        await sending.until("file", sent=1)
    found = [(line["observer"], line["new"], line["count"]) for line in lines(tmp_path / "file.ndjson")]
    assert found == [("during", 1, 1), ("during", 4, 5)]


async def test_who_wants_none_gets_none(tmp_path: Path) -> None:
    """By kind and by observer."""
    sinks = (
        file(tmp_path, "reports", what=frozenset({"reports"})),
        file(tmp_path, "other", observers=frozenset({"b"})),
        file(tmp_path, "all"),
    )
    async with delivery(tmp_path, *sinks, outbox=OFTEN, drain_s=20) as sending:
        sending.panics.record(panic(observer="a"))
        await until(lambda: sending.status("all")["sent"] == 1)
        sending.panics.record(panic(observer="b"))
        await until(lambda: sending.status("all")["sent"] == 2)
    assert lines(tmp_path / "reports.ndjson") == []
    assert [line["observer"] for line in lines(tmp_path / "other.ndjson")] == ["b"]


@pytest.mark.parametrize("every_s", [0.0, 10.0])
def test_news_by_any_clock(every_s: float) -> None:
    """What is owed is due once its window is over; what was told is owed again only after another panic."""
    news = PanicNews(every_s)
    assert news.next_at(5.0) == float("inf")
    news.panicked(["a", "b"])
    assert news.due(5.0) == ["a", "b"]
    news.told(["a", "b"], 5.0)
    assert news.due(100.0, all_of_it=True) == []
    news.panicked(["a"])
    assert news.next_at(5.0) == 5.0 + every_s
    assert news.due(5.0 + every_s) == ["a"]
    assert news.due(4.9 + every_s, all_of_it=True) == ["a"]
    assert bool(news.due(4.9 + every_s)) is False


def test_news_of_many_signatures_are_forgotten_when_their_windows_are_over() -> None:
    """Nothing grows for ever."""
    news = PanicNews(1.0)
    for number in range(10_000):
        news.panicked([f"s{number}"])
        news.told([f"s{number}"], float(number))
    assert len(news._shut_until) < 2_000

"""The outbox's memory, and who gives way in it: pure, whatever comes."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from wasmhost.sinks.courier import pieces
from wasmhost.sinks.entry import Keys, Message
from wasmhost.sinks.progress import matches
from wasmhost.sinks.shares import Owner, Shares
from wasmhost.sinks.stage import Stage, Staged

OWNERS = st.sampled_from("abc")
SIZES = st.integers(0, 50)
COMING = st.lists(st.tuples(OWNERS, SIZES), max_size=60)


def filled(
    coming: list[tuple[str, int]], rows: int, size: int, start: int = 0
) -> tuple[Stage[int], list[int]]:
    """Put so many numbered things on a stage; what was given up for them."""
    stage: Stage[int] = Stage(rows, size)
    lost = [
        gone
        for number, (owner, weight) in enumerate(coming, start)
        for gone in stage.add(Staged(number, owner, weight, number))
    ]
    return stage, lost


@given(COMING, st.integers(1, 20), st.integers(1, 200))
def test_nothing_is_forgotten_and_the_bounds_hold(
    coming: list[tuple[str, int]], rows: int, size: int
) -> None:
    """What came in is there in order, or was given up, each once; and what is there fits, or is one."""
    stage, lost = filled(coming, rows, size)
    there = stage.in_order()
    assert there == sorted(there)
    assert sorted(there + lost) == list(range(len(coming)))
    assert stage.rows == len(there) <= rows
    assert stage.size == sum(coming[number][1] for number in there)
    assert stage.size <= size or len(there) == 1


@given(COMING, COMING, st.integers(1, 20))
def test_a_commit_that_failed_changes_nothing(
    first: list[tuple[str, int]], later: list[tuple[str, int]], rows: int
) -> None:
    """What was to be written and what came meanwhile are together as if it had never been tried."""
    one, lost = filled(first, rows, 10_000)
    two, lost_later = filled(later, rows, 10_000, len(first))
    lost += lost_later + one.add_later(two)
    there = one.in_order()
    assert there == sorted(there)
    assert sorted(there + lost) == list(range(len(first) + len(later)))
    assert one.rows == len(there) <= rows


@given(st.integers(1, 40), st.integers(1, 3))
def test_a_flood_takes_no_place_from_who_says_little(flood: int, few: int) -> None:
    """Of two observers the one that has most gives way, its oldest first."""
    coming = [("quiet", 1)] * few + [("loud", 1)] * flood
    stage, lost = filled(coming, 2 * few, 1_000)
    assert stage.in_order()[:few] == list(range(few))
    assert lost == list(range(few, few + len(lost)))


@given(st.lists(st.tuples(OWNERS, st.integers(1, 40), st.integers(1, 5_000)), min_size=1, max_size=20))
def test_shares_come_to_an_end(counted: list[tuple[str, int, int]]) -> None:
    """Giving up what is said, again and again, ends within the bounds; each time it is of who has most."""
    shares = Shares(50, 5_000)
    shares.add_all(("report", owner, rows, size) for owner, rows, size in counted)
    steps = 0
    while (excess := shares.excess()) is not None:
        steps += 1
        by = shares.rows if shares.total_rows > 50 else shares.size
        assert by[excess.owner] == max(by.values())
        rows = shares.rows[excess.owner]
        assert 1 <= excess.rows <= rows
        gone = (
            shares.size[excess.owner] * excess.rows // rows
            if excess.rows < rows
            else shares.size[excess.owner]
        )
        shares.add(excess.owner, -excess.rows, -gone)
        assert steps < 1_000
    assert shares.total_rows <= 50
    assert shares.total_size <= 5_000 or not shares.rows


def test_panics_do_not_give_way_to_reports() -> None:
    """They are counted apart from the reports of the same observer."""
    shares = Shares(10, 10_000)
    shares.add_all([("report", "a", 9, 9), ("panic", "a", 2, 2)])
    excess = shares.excess()
    assert excess is not None
    assert excess.owner == Owner("report", "a")


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_topics_match_as_in_a_shell(pattern: str, topic: str) -> None:
    """A star is any text, and nothing else is special."""
    assert matches(topic, pattern) == fnmatchcase(topic, pattern)
    assert matches("[x]?", "[x]?")
    assert not matches("x", "?")


@given(st.lists(st.integers(0, 400_000), max_size=30), st.integers(1, 8))
def test_batches_are_all_of_it_in_order_and_small(sizes: list[int], most: int) -> None:
    """None is empty or has too many, and none is too large that could be smaller."""
    found = [Message(row, "k", "report", "o", "t", 0, bytes(size)) for row, size in enumerate(sizes)]
    batches = list(pieces(found, most))
    assert [one for batch in batches for one in batch] == found
    for batch in batches:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(len(one.data) for one in batch) <= 512 * 1024


def test_ids_are_of_a_run_and_go_up() -> None:
    """Two runs never give the same one, even where the database forgot all of the first."""
    first, second = Keys(), Keys()
    ids = [keys.next() for keys in (first, second) for _ in range(100)]
    assert len(set(ids)) == 200
    numbers = [int(one.rpartition("-")[2]) for one in ids[:100]]
    assert numbers == list(range(1, 101))
    assert not any("." in one for one in ids)

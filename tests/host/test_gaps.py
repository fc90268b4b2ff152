"""Which events of a source never arrived."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wasmhost.host.gaps import _SOURCES, MOST_LOST, GapTracker


def test_the_first_event_of_a_source_follows_nothing() -> None:
    """A node may have run for long before we heard of it."""
    assert GapTracker().lost_before("a", 1_000) == 0


def test_missing_numbers_are_counted_where_they_are_missing() -> None:
    """Each source on its own."""
    gaps = GapTracker()
    heard = [("a", 1), ("b", 1), ("a", 2), ("a", 5), ("b", 2), ("a", 6)]
    assert [gaps.lost_before(src, seq) for src, seq in heard] == [0, 0, 0, 2, 0, 0]


def test_a_number_that_does_not_go_up_is_no_gap() -> None:
    """It is a repetition, or a new start."""
    gaps = GapTracker()
    assert [gaps.lost_before("a", seq) for seq in (5, 5, 4, 0, 1)] == [0, 0, 0, 0, 0]


def test_gaps_that_nobody_can_have_do_not_overflow_their_sum() -> None:
    """Whoever feeds us chooses the numbers; two such gaps summed up were more than 64 bits hold."""
    gaps = GapTracker()
    assert [gaps.lost_before(src, seq) for src in "ab" for seq in (0, 2**64 - 1)] == [0, MOST_LOST] * 2


@given(st.lists(st.integers(1, 2**32), max_size=50))
def test_what_arrived_and_what_is_missing_add_up(steps: list[int]) -> None:
    """To the last number."""
    gaps = GapTracker()
    gaps.lost_before("a", 0)
    seq = 0
    missing = 0
    for step in steps:
        seq += step
        missing += gaps.lost_before("a", seq)
    assert missing + len(steps) == seq


def test_of_very_many_sources_the_latest_heard_are_remembered() -> None:
    """A stranger chooses how many sources there are."""
    gaps = GapTracker()
    gaps.lost_before("old", 1)
    for number in range(_SOURCES - 1):
        gaps.lost_before(str(number), 1)
        if number == 1_000:
            gaps.lost_before("old", 2)  # heard again: not the oldest any more
    gaps.lost_before("one more", 1)
    assert gaps.lost_before("old", 4) == 1
    assert gaps.lost_before("0", 4) == 0
    assert len(gaps._last) == _SOURCES


def test_names_without_end_are_told_apart_and_not_kept() -> None:
    """A stranger chooses how long they are, too."""
    gaps = GapTracker()
    one, two = "x" * 60_000, "x" * 59_999 + "y"
    heard = [(one, 1), (two, 5), (one, 3), (two, 6), (one, 4)]
    assert [gaps.lost_before(src, seq) for src, seq in heard] == [0, 0, 1, 0, 0]
    assert all(len(name) < 100 for name in gaps._last)

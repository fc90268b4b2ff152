"""Events that come again are known, and those that come late are not mistaken for them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wasmhost.jetstream import seen as seen_module
from wasmhost.jetstream.seen import Seen


@given(st.lists(st.integers(0, 30), max_size=80))
def test_one_source_in_any_order(numbers: list[int]) -> None:
    """Whatever comes behind the first one is new exactly once; what lies before that was before our time."""
    seen = Seen()
    first = numbers[0] if numbers else 0
    known: set[int] = set()
    for number in numbers:
        assert seen.is_new("a", number) == (number >= first and number not in known)
        known.add(number)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=60))
def test_sources_do_not_disturb_each_other(events: list[tuple[str, int]]) -> None:
    """What is said of a source is what would be said if it were alone."""
    seen = Seen()
    together = [(src, seen.is_new(src, seq)) for src, seq in events]
    for source in "abc":
        alone = Seen()
        expected = [alone.is_new(src, seq) for src, seq in events if src == source]
        assert [new for src, new in together if src == source] == expected


def test_memory_is_bounded() -> None:
    """Of very many sources the latest heard are remembered, and of one the latest gaps."""
    seen = Seen()
    for number in range(seen_module._SOURCES + 10):
        seen.is_new(str(number), 5)
    assert len(seen._sources) == seen_module._SOURCES
    assert seen.is_new("0", 5), "forgotten, so new again"
    for number in range(0, 1000, 2):
        seen.is_new("gaps", number)
    assert len(seen._sources["gaps"].holes) == seen_module._HOLES
    assert seen.is_new("gaps", 997)
    assert not seen.is_new("gaps", 1)

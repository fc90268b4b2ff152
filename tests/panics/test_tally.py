"""Counting panics: exact counts in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.panics.helpers import PANIC, panic
from wasmhost.panics.record import Panic, other_signature, signature
from wasmhost.panics.tally import EVENT_BYTES, KEEP, MAX_SIGNATURES, Tallies

PANICS = st.builds(
    panic,
    observer=st.sampled_from(["a", "b"]),
    hook=st.sampled_from(["on_start", "on_stop"]),
    seq=st.integers(0, 2**64 - 1),
    happened_at=st.integers(0, 10**6),
    backtrace=st.tuples(st.sampled_from("xyz")),
)


def tallied(panics: list[Panic]) -> Tallies:
    """Return ``panics``, counted one by one."""
    tallies = Tallies()
    for item in panics:
        tallies.add(item)
    return tallies


@given(panics=st.lists(PANICS, max_size=60))
def test_nothing_is_lost_but_detail(panics: list[Panic]) -> None:
    """Counts sum up, times span all, and the records kept are the newest, in order."""
    tallies = tallied(panics)
    assert sum(tally.count for tally in tallies) == len(panics)
    for tally in tallies:
        same = [item for item in panics if signature(item) == tally.signature]
        assert tally.count == len(same)
        assert list(tally.newest) == same[-KEEP:]
        assert tally.first_at == min(item.happened_at for item in same)
        assert tally.last_at == max(item.happened_at for item in same)


@given(panics=st.lists(PANICS, max_size=60), cut=st.integers(0, 60))
def test_taking_back_what_was_not_written_changes_nothing(panics: list[Panic], cut: int) -> None:
    """After a failed write, older and newer panics join as if there had been no attempt."""
    joined = tallied(panics[:cut])
    joined.add_later(tallied(panics[cut:]))
    assert {tally.signature: tally for tally in joined} == {
        tally.signature: tally for tally in tallied(panics)
    }


def test_signatures_of_one_observer_are_capped() -> None:
    """A guest that invents frames gets one more row, and its neighbour keeps all of its own."""
    hostile = [panic(observer="hostile", backtrace=(f"f{number}",)) for number in range(2_000)]
    tallies = tallied([*hostile, PANIC])
    assert len(tallies) == MAX_SIGNATURES + 2
    by_signature = {tally.signature: tally.count for tally in tallies}
    assert by_signature[other_signature("hostile")] == 2_000 - MAX_SIGNATURES
    assert by_signature[signature(PANIC)] == 1


def test_large_events_cost_records_not_memory() -> None:
    """When the events kept take too much, only the newest record of a signature stays."""
    event = bytes(65_536)
    panics = [panic(backtrace=(f"f{number % 200}",), event=event, seq=number) for number in range(1_000)]
    tallies = tallied(panics)
    held = sum(len(item.event) for tally in tallies for item in tally.newest)
    assert held <= EVENT_BYTES + 200 * len(event)
    assert sum(tally.count for tally in tallies) == 1_000
    assert max(item.seq for tally in tallies for item in tally.newest) == 999

"""How many events an observer never heard of, however it came and went."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wasmhost.host.tally import EventTally

HOOKS = ("a", "b", "c")
EVENTS = st.tuples(
    st.just("event"), st.sampled_from(HOOKS), st.booleans(), st.sampled_from([None, "one", "two"])
)
JOINS = st.tuples(st.just("join"), st.frozensets(st.sampled_from(HOOKS)))
LEAVES = st.tuples(st.just("leave"))


def count(tally: EventTally, hook: str, contextless: bool, to: str | None) -> None:
    """Count an event as a dispatcher does."""
    tally.total += 1
    tally.of[hook] += 1
    if contextless:
        tally.contextless[hook] += 1
    elif to is not None:
        tally.addressed[hook, to] += 1


@given(st.lists(EVENTS | JOINS | LEAVES, max_size=40))
def test_each_event_is_heard_of_or_it_is_counted(steps: list[tuple[object, ...]]) -> None:
    """From the first event of the run on, whether it was there or not, and whichever hooks it had then."""
    tally = EventTally()
    hooks: frozenset[str] | None = None
    heard = 0
    unheard = 0  # of those gone by when it was not there, and by `leave`
    gone_at = 0
    for step in steps:
        match step:
            case ("event", str(hook), bool(contextless), to):
                assert to is None or isinstance(to, str)
                count(tally, hook, contextless, to)
                if hooks is not None and hook in hooks and not contextless and to in {None, "one"}:
                    heard += 1
            case ("join", frozenset() as new) if hooks is None:
                hooks = new
                tally.join("one", hooks, unheard + tally.total - gone_at)
            case ("leave",) if hooks is not None:
                unheard, gone_at = tally.leave("one", hooks)
                hooks = None
            case _:
                pass
        if hooks is not None:
            assert tally.unheard("one", hooks) + heard == tally.total
    if hooks is None:
        assert unheard + tally.total - gone_at + heard == tally.total

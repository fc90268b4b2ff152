"""Who lives, and whose share is how large: without a clock of its own, and without a server."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wasmhost.jetstream.roster import Roster, share

NAMES = st.text("abcdef0123456789", min_size=1, max_size=12)


@given(st.sets(NAMES, min_size=1, max_size=40), st.integers(1, 1024))
def test_shares_come_out(hosts: set[str], partitions: int) -> None:
    """All hosts' shares are all partitions, and none is larger than another by more than one."""
    shares = [share(host, hosts, partitions) for host in hosts]
    assert sum(shares) == partitions
    assert max(shares) - min(shares) <= 1


def test_a_host_that_others_do_not_see_yet_has_a_share() -> None:
    """Who has just come counts itself."""
    assert share("b", {"a"}, 8) == 4


def test_who_changes_lives() -> None:
    """A host is dead when its entry has been the same for more than a lease."""
    roster = Roster("me", lease_s=10)
    assert roster.look({"me": 1, "a": 2, "b": 3}, 0) == {}
    assert roster.look({"me": 1, "a": 4, "b": 3}, 9) == {}
    assert roster.look({"me": 1, "a": 4, "b": 3}, 11) == {"b": 3}
    assert roster.look({"me": 1, "a": 4}, 18) == {}
    assert roster.look({"me": 1, "a": 4}, 20) == {"a": 4}


def test_nobody_calls_itself_dead() -> None:
    """However long it could not show that it lives."""
    roster = Roster("me", lease_s=1)
    roster.look({"me": 1}, 0)
    assert roster.look({"me": 1}, 100) == {}


def test_nobody_is_dead_when_we_could_not_look() -> None:
    """Who was cut off waits a lease before it says anything of others."""
    roster = Roster("me", lease_s=10)
    roster.look({"a": 1}, 0)
    roster.forgive(100)
    assert roster.look({"a": 1}, 105) == {}
    assert roster.look({"a": 1}, 111) == {"a": 1}


def test_who_comes_back_begins_anew() -> None:
    """An entry that was gone is not as old as it was."""
    roster = Roster("me", lease_s=10)
    roster.look({"a": 1}, 0)
    roster.look({}, 5)
    assert roster.look({"a": 1}, 14) == {}

"""Whose turn it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from wasmhost.sources.turns import Turns

if TYPE_CHECKING:
    from wasmhost.sources.connection import Connection


class Fake:
    """As much of a connection as the turns look at."""

    def __init__(self, *, greeted: bool = True) -> None:
        self.greeted = greeted
        self.waits = self.rests = False


def made(count: int, *, greeted: bool = True) -> list[Connection]:
    """Some connections."""
    return [cast("Connection", Fake(greeted=greeted)) for _ in range(count)]


def test_each_in_turn_and_once() -> None:
    """News of one that has a turn coming make no second one."""
    turns = Turns()
    one, two = made(2)
    for connection in (one, two, one, one):
        turns.add(connection)
    assert [turns.take(), turns.take(), turns.take()] == [one, two, None]
    turns.add(one)
    assert turns.take() is one


def test_strangers_get_every_other_turn_however_many_they_are() -> None:
    """Nobody waits for a thousand handshakes; and they are not kept waiting for ever either."""
    turns = Turns()
    known, strangers = made(3), made(100, greeted=False)
    for connection in strangers + known:
        turns.add(connection)
    order = [turns.take() for _ in range(103)]
    assert [order.index(connection) for connection in known] == [0, 2, 4]
    assert [each for each in order if each in strangers] == strangers
    turns.add(strangers[0])
    turns.add(known[0])
    assert {turns.take(), turns.take()} == {strangers[0], known[0]}


def test_who_rests_gets_none_before_its_time() -> None:
    """News or not."""
    turns = Turns()
    one, two = made(2)
    assert turns.rest(one, 5.0)
    assert turns.rest(two, 3.0)  # sooner than the other: whoever wakes them must come sooner, too
    turns.add(one)
    assert turns.take() is None
    assert turns.wake(2.9) == 3.0
    assert turns.take() is None
    assert turns.wake(3.0) == 5.0
    assert turns.take() is two
    assert turns.wake(9.0) is None
    assert turns.take() is one


def test_who_is_stirred_rests_no_longer() -> None:
    """One of them, or all."""
    turns = Turns()
    one, two, three = made(3)
    for connection in (one, two, three):
        turns.rest(connection, 5.0)
    turns.stir(two)
    assert [turns.take(), turns.take()] == [two, None]
    turns.wake_all()
    assert {turns.take(), turns.take(), turns.take()} == {one, three, None}

"""The buffer of an emitter: order, numbers, bounds, what is dropped, and counts that always add up."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal

import cbor2
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wasmhost import ConfigError
from wasmhost.contract.encode import encode_unnumbered
from wasmhost.contract.sequence import Splitter
from wasmhost.emitter.buffer import Buffer, Limits

if TYPE_CHECKING:
    from wasmhost.contract.encode import Unnumbered

Policy = Literal["oldest", "newest"]
PLENTY = 1 << 30


def an_event(number: int) -> Unnumbered:
    """An event that its time tells apart, and that has no number yet."""
    return encode_unnumbered("on_start", number, None, None)


def put(buffer: Buffer, *numbers: int) -> None:
    """Put events in, one after the other."""
    buffer.put_all(deque(map(an_event, numbers)))


def events(data: bytes) -> list[tuple[int, int]]:
    """What a host reads: the number of each event and the time that tells it apart."""
    items = [cbor2.loads(item.data or b"") for item in Splitter().push(data)]
    return [(item["seq"], item["at"]) for item in items]


def small(most: int, policy: Policy = "oldest") -> Buffer:
    """A buffer for a few events."""
    return Buffer(Limits(events=most, drop=policy))


def test_events_come_out_in_order_and_are_numbered_from_0() -> None:
    """Each is its own bytes, one after the other."""
    buffer = small(100)
    put(buffer, 7, 8, 9)
    assert events(buffer.take(PLENTY)) == [(0, 7), (1, 8), (2, 9)]
    assert buffer.take(PLENTY) == b""


@pytest.mark.parametrize(("policy", "kept"), [("oldest", [6, 7, 8, 9]), ("newest", [0, 1, 2, 3])])
def test_a_full_buffer_drops_by_its_policy_and_the_numbers_show_it(policy: Policy, kept: list[int]) -> None:
    """The host sees a gap where events are missing."""
    buffer = small(4, policy)
    put(buffer, *range(10))
    assert (buffer.emitted, buffer.dropped, buffer.pending) == (10, 6, 4)
    found = events(buffer.take(PLENTY))
    buffer.acknowledge(kept[1])
    put(buffer, 10)
    while data := buffer.take(PLENTY):
        found += events(data)
        buffer.acknowledge(found[-1][0])
    assert found == [(number, number) for number in (*kept, 10)]
    assert (buffer.delivered, buffer.dropped, buffer.pending) == (5, 6, 0)


def test_only_half_is_on_its_way_and_what_is_on_its_way_is_never_dropped() -> None:
    """The host may have it by now: only its answer tells."""
    buffer = small(4)
    put(buffer, *range(4))
    assert events(buffer.take(PLENTY)) == [(0, 0), (1, 1)]
    assert buffer.take(PLENTY) == b""
    put(buffer, *range(4, 10))
    buffer.rewind()
    assert events(buffer.take(PLENTY)) == [(0, 0), (1, 1)]
    assert buffer.acknowledge(1) == 2
    assert events(buffer.take(PLENTY)) == [(8, 8), (9, 9)]


def test_what_the_host_acknowledges_after_a_reconnect_is_not_sent_again() -> None:
    """Also where that ends within a batch: another host would take the rest of it twice."""
    buffer = small(100)
    put(buffer, *range(10))
    buffer.take(PLENTY)
    assert buffer.acknowledge(3) == 4
    buffer.rewind()
    assert events(buffer.take(PLENTY)) == [(number, number) for number in range(4, 10)]
    buffer.rewind()
    assert buffer.acknowledge(6) == 3
    assert events(buffer.take(PLENTY)) == [(number, number) for number in range(7, 10)]
    assert buffer.acknowledge(9) == 3
    assert (buffer.delivered, buffer.pending, buffer.unsent) == (10, 0, False)


def test_bytes_are_bounded_too() -> None:
    """An event that can't have room, whatever were dropped for it, is itself dropped."""
    limits = Limits(events=1000, size=131_072)
    buffer = Buffer(limits)
    large = (b"\x00" * 50_000, b"\x00" * 10_000)
    buffer.put_all(deque([large] * 3))
    assert (buffer.emitted, buffer.dropped, buffer.pending) == (3, 1, 2)
    buffer.take(PLENTY)  # both are on their way, nearly half and more
    buffer.take(PLENTY)
    buffer.put_all(deque([large]))
    assert buffer.pending <= 2
    assert buffer.emitted == buffer.dropped + buffer.pending


def test_a_closed_buffer_counts_all_as_dropped() -> None:
    """What is pending, and what is still put in."""
    buffer = small(100)
    put(buffer, 1, 2, 3)
    buffer.take(PLENTY)
    buffer.acknowledge(0)
    buffer.close()
    put(buffer, 4)
    assert (buffer.emitted, buffer.delivered, buffer.dropped, buffer.pending) == (4, 1, 3, 0)
    assert buffer.take(PLENTY) == b""
    assert buffer.acknowledge(2) == 0


@pytest.mark.parametrize(
    ("events", "size", "drop"), [(1, 1 << 20, "oldest"), (10, 100_000, "oldest"), (10, 1 << 20, "all")]
)
def test_limits_that_cannot_be_meant_are_refused(events: int, size: int, drop: Policy) -> None:
    """Each in one line."""
    with pytest.raises(ConfigError, match="an emitter"):
        Limits(events=events, size=size, drop=drop)


class Machine(RuleBasedStateMachine):
    """Beside a host that reads all of a connection, some of it, or nothing, and may be another after it."""

    @initialize(most=st.integers(2, 12), policy=st.sampled_from(["oldest", "newest"]))
    def begin(self, most: int, policy: Policy) -> None:
        """A small buffer, and a host that has nothing yet."""
        self.buffer = small(most, policy)
        self.most = most
        self.emitted = 0
        self.sent: list[int] = []  # on this connection
        self.taken: list[int] = []  # by this host
        self.acknowledged = -1
        self.counted: set[int] = set()  # acknowledged by any host

    @rule(count=st.integers(1, 8))
    def emit(self, count: int) -> None:
        """The node emits some events."""
        put(self.buffer, *range(self.emitted, self.emitted + count))
        self.emitted += count

    @rule(most=st.integers(1, 200))
    def send(self, most: int) -> None:
        """The next batch goes out."""
        found = events(self.buffer.take(most))
        assert all(seq == at for seq, at in found)  # numbers count what was emitted
        self.sent += [seq for seq, _ in found]
        assert self.sent == sorted(set(self.sent))

    @rule(most=st.integers(0, 12), answers=st.booleans())
    def read(self, most: int, answers: bool) -> None:
        """The host takes what it has not had, and acknowledges."""
        count = min(most, len(self.sent))
        self.taken += [seq for seq in self.sent[:count] if not self.taken or seq > self.taken[-1]]
        if self.taken and answers:
            news = self.buffer.acknowledge(self.taken[-1])
            fresh = {seq for seq in self.taken if seq > self.acknowledged}
            assert news == len(fresh)
            self.counted |= fresh
            self.acknowledged = max(self.acknowledged, self.taken[-1])

    @rule(another=st.booleans())
    def reconnect(self, another: bool) -> None:
        """The connection breaks; perhaps the host is a new one, which knows nothing."""
        self.buffer.rewind()
        self.sent = []
        if another:
            self.taken = []
        elif self.taken:
            self.counted |= {seq for seq in self.taken if seq > self.acknowledged}
            self.acknowledged = max(self.acknowledged, self.taken[-1])
            self.buffer.acknowledge(self.taken[-1])

    @rule()
    def settle(self) -> None:
        """A host that takes all there is: what it never gets was dropped, and only that."""
        before = set(self.counted)
        self.reconnect(another=False)
        while data := self.buffer.take(PLENTY):
            self.sent += [seq for seq, _ in events(data)]
            self.taken += [seq for seq in self.sent if not self.taken or seq > self.taken[-1]]
            self.buffer.acknowledge(self.sent[-1])
            self.acknowledged = max(self.acknowledged, self.sent[-1])
        self.counted |= set(self.sent)
        assert self.buffer.pending == 0
        assert before <= self.counted
        assert self.buffer.dropped == self.emitted - len(self.counted)

    @invariant()
    def it_adds_up(self) -> None:
        """At any instant, and within its bound."""
        buffer = self.buffer
        assert buffer.emitted == self.emitted == buffer.delivered + buffer.dropped + buffer.pending
        assert buffer.delivered == len(self.counted)
        assert 0 <= buffer.pending <= self.most


TestMachine = Machine.TestCase

"""Events on their way to a shard: all that a runner needs of them comes over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wasmhost import Frame
from wasmhost.contract.hooks import HOOKS
from wasmhost.shards.events import Sent, decode_sent, encode_places, encode_sent

U64 = st.integers(0, 2**64 - 1)
FRAMES = st.builds(
    Frame,
    st.sampled_from([hook.name for hook in HOOKS]),
    U64,
    U64,
    st.text(st.characters(), max_size=20),  # with lone surrogates: names of files may have some
    st.just(True),
    st.binary(max_size=60),
)
SENT = st.builds(
    Sent,
    st.lists(st.integers(0, 2**16 - 1), max_size=5).map(tuple),
    FRAMES,
    U64,
    U64,
    st.booleans(),
    st.booleans(),
)


def write(sent: Sent) -> bytes:
    """Write one as a shard's supervisor does."""
    places = encode_places(sent.places)
    return encode_sent(
        places, sent.frame, sent.number, sent.lost, awaited=sent.awaited, disguised=sent.disguised
    )


@given(st.lists(SENT, max_size=4))
def test_events_come_back_as_they_were_sent(events: list[Sent]) -> None:
    """Several in one body, of the types that they had."""
    found = list(decode_sent(b"".join(map(write, events))))
    assert found == events
    assert all(type(sent) is Sent and type(sent.frame) is Frame for sent in found)
    assert all(isinstance(sent.awaited, bool) and isinstance(sent.disguised, bool) for sent in found)


def test_every_hook_comes_back_by_its_name() -> None:
    """None is mistaken for another."""
    events = [Sent((0,), Frame(hook.name, 1, 2, "", True, b""), 3, 0, False, True) for hook in HOOKS]
    assert list(decode_sent(b"".join(map(write, events)))) == events


def test_an_event_without_a_source_has_an_empty_one() -> None:
    """Nobody in a shard tells the two apart."""
    (sent,) = decode_sent(
        write(Sent((1, 2), Frame(HOOKS[0].name, 1, 2, None, True, b"x"), 3, 4, True, False))
    )
    assert sent == Sent((1, 2), Frame(HOOKS[0].name, 1, 2, "", True, b"x"), 3, 4, True, False)


def test_one_with_an_event_as_large_as_may_be() -> None:
    """And to as many as may be."""
    sent = Sent(
        tuple(range(2**16 - 1)), Frame(HOOKS[0].name, 1, 2, "s", True, bytes(1024 * 1024)), 3, 4, False, False
    )
    assert list(decode_sent(write(sent))) == [sent]

"""What comes from outside, nearly right: an error that is documented, or what was meant."""

from __future__ import annotations

import string
import tracemalloc
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.strategies import plain_actr, plain_event, spell, texts, values
from tests.contract.vectors import MALFORMED, TRUNCATED
from tests.fuzz.targets import TARGETS, config, events, framing, manifest, wire
from tests.fuzz.targets.module import mutated
from wasmhost.config.load import _HOST, _LIMITS, _QUARANTINE, _SETTINGS
from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.manifest import FIELDS
from wasmhost.shards.framing import MAX_UPWARD, Garbled, Kind, encode
from wasmhost.shards.packing import Packer, Unpacker
from wasmhost.shards.turns import read_line

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

bounded = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_passes_its_own_corpus(name: str) -> None:
    """Also where there is no atheris: what `make fuzz` starts from is clean, and in small pieces too."""
    target = TARGETS[name]
    for data in target.corpus():
        target.check(data)
        for length in (0, 1, 2, len(data) // 2):
            target.check(data[:length])


def test_a_mutator_gives_the_same_for_the_same_number() -> None:
    """So that what a fuzzer found can be told by its numbers; and something for every input."""
    wasm = TARGETS["module"].corpus()[0]
    assert [mutated(wasm, seed) for seed in range(50)] == [mutated(wasm, seed) for seed in range(50)]
    assert len({mutated(wasm, seed) for seed in range(50)}) > 40
    for odd in (b"", b"\0asm", b"noise", wasm[:-3]):
        for seed in range(20):
            assert isinstance(mutated(odd, seed), bytes)


# changed in one place or a few


@st.composite
def changed(draw: DrawFn, good: object, words: tuple[str, ...]) -> object:
    """A plain value with a few of its members replaced, taken out, renamed or added, at any depth."""
    value = good
    for _ in range(draw(st.integers(0, 3))):
        value = _change(draw, value, words)
    return value


def _change(draw: DrawFn, value: object, words: tuple[str, ...]) -> object:
    inner = isinstance(value, dict | list) and len(value) > 0 and draw(st.integers(0, 3)) > 0
    if isinstance(value, dict):
        members: dict[str, object] = dict(value)
        if inner:
            key = draw(st.sampled_from(sorted(members)))
            match draw(st.integers(0, 5)):
                case 0:
                    del members[key]
                case 1:
                    members[draw(st.sampled_from(words) | texts)] = members.pop(key)
                case _:
                    members[key] = _change(draw, members[key], words)
            return members
        members[draw(st.sampled_from(words) | texts)] = draw(values)
        return members
    if isinstance(value, list) and inner:
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], _change(draw, value[place], words), *value[place + 1 :]]
    return draw(values | st.sampled_from(words))


HOOK_NAMES = tuple(hook.name for hook in HOOKS)
EVENT_WORDS = (
    *("hook", "seq", "at", "src", "ctx", "event", "self-id", "caller-id", "request-id", "realm", "realm-id"),
    *(
        "serial-number",
        "type",
        "peer",
        "status",
        "relayed",
        "category",
        "stream",
        "session-id",
        "hello",
        "token",
    ),
    *("connected", "data-chunk-delivery-uncertain", "data-stream-delivery-uncertain", *HOOK_NAMES),
)
PAYLOAD: dict[str, Any] = {
    "peer": plain_actr(),
    "relayed": True,
    "status": "connected",
    "attempt": 3,
    "source": {"kind": "internal", "message": "m"},
    "category": "data-chunk-delivery-uncertain",
    "context": "c",
    "at": 9,
    "stream": {"stream-id": "s", "session-id": 1, "reason": "r"},
    "new-expiry": 8,
    "queue-len": 7,
    "threshold": 6,
}
an_event = st.sampled_from(HOOK_NAMES).flatmap(
    lambda hook: changed(plain_event(hook, src="n-1", event=PAYLOAD), EVENT_WORDS)
)
a_hello = changed({"hello": 1, "src": "n-1", "token": "t", "ack": True}, EVENT_WORDS)


@st.composite
def streams(draw: DrawFn) -> bytes:
    """A few items in any spelling, a broken one behind them now and then, and in which pieces they come."""
    items = draw(st.lists(an_event | a_hello, min_size=1, max_size=3))
    tail = draw(st.sampled_from([b"", b"", *MALFORMED, *TRUNCATED]))
    written = b"".join(spell(draw, item) for item in items)
    return bytes([draw(st.integers(0, 255))]) + written + tail


@given(streams())
@bounded
def test_events_that_are_nearly_right(stream: bytes) -> None:
    """Taken in, or rejected by name; the pieces do not matter, and taken in again it is the same."""
    events.check(stream)


@given(streams(), st.data())
@bounded
def test_events_that_were_damaged_on_the_way(stream: bytes, data: st.DataObject) -> None:
    """Some bytes changed, added or missing."""
    events.check(_damaged(stream, data, 3))


@st.composite
def greetings(draw: DrawFn) -> bytes:
    """A hello that is nearly right, in any spelling."""
    return spell(draw, draw(a_hello))


@given(streams(), greetings(), st.integers(0, 255), st.data())
@bounded
def test_connections_that_are_nearly_right(
    stream: bytes, hello: bytes, how: int, data: st.DataObject
) -> None:
    """A hello in any spelling, events behind it, damage now and then: one end, and true answers."""
    written = bytes([how]) + hello + stream[1:]
    wire.check(_damaged(written, data, 2) if data.draw(st.booleans()) else written)


@pytest.mark.parametrize(
    "head", ["9b00000000ffffffff", "bb00000000ffffffff", "5b00000000ffffffff", "9f", "bf", "7f"]
)
def test_what_an_event_promises_takes_no_memory(head: str) -> None:
    """A length in front of an item is a promise; nothing is kept ready for it, and what came is bounded."""
    tracemalloc.start()
    try:
        events.check(b"\6" + bytes.fromhex(head) + b"\x61a" * 40_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


MANIFEST_WORDS = (
    *("manifest", "name", "version", "hooks", "capabilities", "optional", "fields", "language", "sdk"),
    *(*FIELDS, *HOOK_NAMES[:4], "report", "state"),
)
A_MANIFEST: dict[str, Any] = {
    "manifest": 1,
    "name": "watch",
    "version": "1.0",
    "hooks": ["on_start", "on_webrtc_connected"],
    "capabilities": ["report", "state"],
    "optional": ["state"],
    "fields": ["peer"],
    "language": "c",
    "sdk": "0.1.0",
}


@st.composite
def manifests(draw: DrawFn) -> bytes:
    """One that is nearly right, in a module of either kind, once or twice, or with something behind it."""
    written = spell(draw, draw(changed(A_MANIFEST, MANIFEST_WORDS)))
    tail = draw(st.sampled_from([b"", b"", b"", b"\0", b"\xf6"]))
    return bytes([draw(st.integers(2, 5))]) + written + tail


@given(manifests())
@bounded
def test_manifests_that_are_nearly_right(data: bytes) -> None:
    """Read, or refused by name."""
    manifest.check(data)


@given(st.binary(max_size=400))
@bounded
def test_modules_of_any_bytes_have_no_manifest_that_breaks(data: bytes) -> None:
    """As a whole module, and as what its manifest is."""
    for how in range(8):
        manifest.check(bytes([how]) + data)


# frames of a shard

a_number = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 2, 6, 7, 255, 65_536, 2**31])
a_value = st.one_of(
    a_number.map(lambda number: number.to_bytes(4, "little")),
    st.integers(0, 255).map(lambda byte: bytes([byte])),
    st.integers(0, 2**64 - 1).map(lambda number: number.to_bytes(8, "little")),
    (texts | st.sampled_from(["unreachable", "warning", "on_start"])).map(
        lambda text: len(text.encode()).to_bytes(4, "little") + text.encode()
    ),
    st.binary(max_size=12),
)
COUNTED = framing.corpus()[2][6:]  # the body of a turn with nothing to tell
BODIES = st.lists(a_value, max_size=12).map(b"".join)


@given(
    st.integers(0, 255),
    st.lists(st.tuples(st.sampled_from([Kind.TURN, Kind.TURN, Kind.LINES, *Kind]), BODIES), max_size=4),
    st.booleans(),
    st.binary(max_size=9),
)
@bounded
def test_frames_that_are_nearly_right(
    size: int, frames: list[tuple[Kind, bytes]], counted: bool, tail: bytes
) -> None:
    """A shard that was taken over may send anything: the host gets frames, or is told what is wrong."""
    begun = [(kind, COUNTED + body if counted and kind is Kind.TURN else body) for kind, body in frames]
    framing.check(bytes([size]) + b"".join(encode(kind, body) for kind, body in begun) + tail)


@given(st.sampled_from(framing.corpus()), st.data())
@bounded
def test_frames_that_were_damaged(frame: bytes, data: st.DataObject) -> None:
    """Real ones, with some bytes changed, added or missing."""
    framing.check(_damaged(frame, data, 4))


@pytest.mark.parametrize("name", ["event", "self", "", "a b", "x observer=other", "message=no", "é", "1"])
def test_a_line_of_a_shard_has_names_for_its_fields(name: str) -> None:
    """Told on, any other would be a second field in the host's log, or an argument that its logger has."""
    line = Packer()
    line.text("info")
    line.text("what happened")
    line.u32(1)
    line.text(name)
    line.u8(1)
    line.u64(7)
    with pytest.raises(Garbled, match="name"):
        read_line(Unpacker(bytes(line.data)))


def test_a_frame_may_promise_much_and_takes_little() -> None:
    """What is too long is an error as soon as its head is there; what is not is not reserved."""
    tracemalloc.start()
    try:
        framing.check(b"\0" + (2**32 - 1).to_bytes(4, "little") + bytes([Kind.TURN]) + bytes(1000))
        framing.check(b"\6" + MAX_UPWARD.to_bytes(4, "little") + bytes([Kind.TURN]) + bytes(1000))
        framing.check(b"\6" + encode(Kind.TURN, b"\1\0" + b"\xff" * 400))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


# configurations

SPACE = string.whitespace + "\x00\x1b\x7f\x85\u2028\u202e\ud7ff\ufeff🦀"
WORDS = st.text(alphabet=string.ascii_letters + string.digits + "._-/" + SPACE, max_size=12)
SCALARS = (
    st.integers(-(2**70), 2**70).map(str)
    | st.sampled_from(["0", "1", "-1", "5", "100", "1.5", "nan", "-inf", "1e400", "0x10", "true", "false"])
    | st.sampled_from(
        ["1979-05-27T07:32:00Z", "07:32:00", "1979-05-27", '""', "''", '"a\\u0000b"', '"\\ud800"']
    )
    | st.sampled_from(
        [f'"{name}"' for name in ("a.wasm", "drop-oldest", "thread", "report", "on_start", "-")]
    )
    | WORDS.map(lambda text: f"'{text}'")
    | WORDS.map(lambda text: "'''" + text + "'''")
    | WORDS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(["a", "panics", "within", "probe", "'b c'"]), inner, max_size=3
        ).map(lambda pairs: "{" + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + "}")
    ),
    max_leaves=6,
)
KEYS = st.sampled_from([*_HOST, *_LIMITS, *_SETTINGS, *_QUARANTINE, "name", "module", "fuell", "a.b"]) | WORDS
HEADERS = st.sampled_from(
    ["[host]", "[defaults]", "[[observer]]", "[[observer]]", "[observer]", "[x]", "", "[["]
)


@given(
    st.lists(st.tuples(HEADERS, st.lists(st.tuples(KEYS, VALUES), max_size=4)), max_size=4),
    st.sampled_from(["\n", "\r\n", "\n\n# x\n"]),
)
@bounded
def test_configurations_that_are_nearly_right(
    tables: list[tuple[str, list[tuple[str, str]]]], newline: str
) -> None:
    """Every key with every kind of value, in every table: loaded, or refused in one line that names one."""
    lines = [
        line for header, pairs in tables for line in (header, *(f"{key} = {value}" for key, value in pairs))
    ]
    config.check(newline.join(lines).encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=200))
@bounded
def test_configurations_of_any_bytes(data: bytes) -> None:
    """No text at all, as a rule."""
    config.check(data)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a" * 100_000, "a." * 5_000 + "a = 1", "a = {b = " * 2_000, "[" * 3_000]
)
def test_configurations_without_end(text: str) -> None:
    """Deep or long: one line says so."""
    config.check(text.encode())


def test_a_spelling_is_what_was_meant() -> None:
    """The strategies above start from what is right, or they would test nothing."""
    for hook in HOOK_NAMES:
        events.check_item(cbor2.dumps(plain_event(hook, event=PAYLOAD), canonical=True))
    manifest.check(b"\2" + cbor2.dumps(A_MANIFEST, canonical=True))


def _damaged(sound: bytes, data: st.DataObject, most: int) -> bytes:
    """Change, add or take away up to ``most`` bytes, in one to three places."""
    damaged = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.integers(0, most))] = data.draw(st.binary(max_size=most))
    return bytes(damaged)

"""Pseudonyms: equal for the same within a profile, linked to nothing outside of it, kept by the database."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cbor2

import wasmhost
from tests.grants.telling import events
from tests.host.helpers import CTX, FAST, NODE, PEER, MemorySink, config, guest, recorder
from wasmhost import (
    ActrId,
    ActrType,
    ObserverHost,
    Realm,
    RuntimeContext,
    WebRtcConnected,
    WebRtcDisconnected,
)
from wasmhost.config.model import DEFAULT_GRANT
from wasmhost.contract.codec import Decoded, Frame, decode_event, encode_event
from wasmhost.database import Database
from wasmhost.database_file import APPLICATION_ID, reading
from wasmhost.database_schema import SCHEMA_VERSION, statements_since
from wasmhost.grants import pseudonyms as naming
from wasmhost.grants import redact
from wasmhost.grants.profiles import Profiles
from wasmhost.grants.pseudonyms import Pseudonyms
from wasmhost.grants.views import Views
from wasmhost.panics.store import read_panic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from wasmhost.config import ObserverDefaults

BARE = replace(FAST, grant=DEFAULT_GRANT)
EVENT = WebRtcConnected(PEER, relayed=False)


async def seen(
    folder: Path, special: Mapping[str, ObserverDefaults], *, db: Path | None = None
) -> dict[str, list[Any]]:
    """Let observers hear of a peer twice, once as a caller; what each got, by its name."""
    sink = MemorySink()
    settings = config(folder, dict.fromkeys(special, recorder()), special=special, db=db)
    async with ObserverHost(settings, sink=sink) as host:
        host.emit(EVENT, RuntimeContext(NODE, ActrId(Realm(7), 2, ActrType("acme", "peer", "2.0")), "r-1"))
        host.emit(WebRtcDisconnected(NODE), RuntimeContext(PEER, None, "r-1"))
    return {name: sink.bodies(name) for name in special}


async def test_an_identity_has_one_pseudonym_wherever_it_stands(tmp_path: Path) -> None:
    """As the node itself, as somebody's peer, as a caller, and by another object that is equal."""
    first, second = (await seen(tmp_path, {"a": BARE}))["a"]
    assert first["event"]["peer"] == first["ctx"]["caller-id"] == second["ctx"]["self-id"]
    assert first["ctx"]["self-id"] == second["event"]["peer"] != first["event"]["peer"]
    assert first["ctx"]["request-id"] == second["ctx"]["request-id"] != "r-1"
    assert first["event"]["peer"]["type"]["name"].startswith("actor-")


async def test_two_observers_views_have_no_pseudonym_in_common(tmp_path: Path) -> None:
    """Unless the operator says that they are one party."""
    one = replace(BARE, profile="one")
    found = await seen(tmp_path, {"a": BARE, "b": BARE, "c": one, "d": one})
    names = {name: identifying(bodies) for name, bodies in found.items()}
    assert names["c"] == names["d"]
    assert not names["a"] & names["b"]
    assert not names["a"] & names["c"]


def identifying(bodies: list[Any]) -> set[object]:
    """Collect all of what a guest got that could identify somebody."""
    values: set[object] = set()
    for body in bodies:
        for actr in (body["event"]["peer"], body["ctx"]["self-id"]):
            values |= {actr["realm"]["realm-id"], actr["serial-number"], actr["type"]["name"]}
        values.add(body["ctx"]["request-id"])
    return values


async def test_pseudonyms_outlive_a_restart_with_the_same_database(tmp_path: Path) -> None:
    """Without one they are others each time, and with another database too."""
    db, other = tmp_path / "a.db", tmp_path / "b.db"
    first = await seen(tmp_path, {"a": BARE}, db=db)
    second = await seen(tmp_path, {"a": BARE}, db=db)
    assert identifying(first["a"]) == identifying(second["a"])
    for elsewhere in (await seen(tmp_path, {"a": BARE}, db=other), await seen(tmp_path, {"a": BARE})):
        assert not identifying(first["a"]) & identifying(elsewhere["a"])


async def test_ten_observers_of_one_profile_cost_one_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those of another profile one more."""
    encoded: list[str] = []

    def counted(hook: str, *rest: Any) -> bytes:
        encoded.append(hook)
        return encode_event(hook, *rest)

    monkeypatch.setattr(redact, "encode_event", counted)
    special = {f"a{number}": replace(BARE, profile="many") for number in range(10)}
    sink = MemorySink()
    settings = config(tmp_path, dict.fromkeys((*special, "b"), recorder()), BARE, special=special)
    async with ObserverHost(settings, sink=sink) as host:
        host.emit(EVENT, CTX)
    assert encoded == ["on_webrtc_connected"] * 2
    assert len(sink.records) == 11
    assert len({record.body for record in sink.records}) == 2


def test_an_event_with_nothing_to_disguise_is_not_encoded_again() -> None:
    """What the node made is passed on as it is."""
    profile = Profiles().of("a", {"self", "peer"})
    assert profile is not None
    payload = wasmhost.BackpressureEvent(1, 2)
    frame = Frame("on_mailbox_backpressure", 0, 1, "local", True, b"as it is")
    view = Views(frame, Decoded("on_mailbox_backpressure", 0, 1, None, CTX, payload)).of(profile)
    assert view is frame


async def test_reports_tell_the_operator_the_true_source(tmp_path: Path) -> None:
    """The guest sees another name for it, in the event and in its random numbers."""
    sink = MemorySink()
    event = events(5)[-1]
    async with ObserverHost(config(tmp_path, {"a": recorder()}, BARE), sink=sink) as host:
        await host.feed(event.encoded(1))
    (record,) = sink.records
    assert record.src == event.src
    assert cbor2.loads(record.body)["src"].startswith("source-")


async def test_a_panic_is_kept_with_the_bytes_that_the_guest_got(tmp_path: Path) -> None:
    """So that it happens again of them."""
    db = tmp_path / "a.db"
    module = guest({"on_webrtc_connected": "unreachable"})
    async with ObserverHost(config(tmp_path, {"a": module}, BARE, db=db), sink=MemorySink()) as host:
        host.emit(EVENT, CTX, at=7)
    panic = read_panic(db, 1)
    assert panic is not None
    event = decode_event(panic.event)
    assert event.ctx is not None
    assert event.ctx.self_id != NODE
    assert panic.at == 7


def test_the_database_keeps_its_key_from_others(tmp_path: Path) -> None:
    """A new file is its owner's only; one from before is made so when it is given its key."""
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    for path in (new, old):
        Database(path).close()
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    downgrade(old)
    old.chmod(0o644)
    with Database(old) as database:
        assert len(database.key) == 32
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.glob("old.db*"))
    with Database(old) as database, reading(old) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert database.key not in repr(database).encode()


def downgrade(path: Path) -> None:
    """Make it what the first wasmhost wrote."""
    path.unlink()
    connection = sqlite3.connect(path)
    first = set(statements_since(0)) - set(statements_since(1))
    for statement in (each for each in statements_since(0) if each in first):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


def test_what_is_remembered_of_identities_is_bounded() -> None:
    """Whoever makes identities up costs no memory, and pseudonyms stay what they are."""
    names = Pseudonyms(b"k" * 32)
    first = names.actor(PEER)
    for number in range(3 * naming.REMEMBERED):
        names.actor(ActrId(Realm(1), number, ActrType("a", "b", "c")))
    huge = ActrId(Realm(1), 1, ActrType("a" * 10_000, "b", "c"))
    assert names.actor(huge) == names.actor(huge) != first
    assert len(names._by_object) <= naming.REMEMBERED
    assert len(names._by_value) <= naming.REMEMBERED
    assert names.actor(PEER) == first


def test_an_event_that_a_pseudonym_makes_too_large_is_shown_in_full_disguise() -> None:
    """It fits by then; what was granted of it is withheld too."""
    profile = Profiles().of("a", {"peer"})
    assert profile is not None
    small = ActrId(Realm(1), 1, ActrType("", "", ""))
    large = ActrId(Realm(1), 2, ActrType("x" * 65_310, "", ""))
    ctx, payload = RuntimeContext(small), wasmhost.PeerEvent(large)
    data = encode_event("on_webrtc_connected", 0, 1, ctx, payload)
    assert len(data) > 65_500
    view = Views(Frame("on_webrtc_connected", 0, 1, None, True, data)).of(profile)
    assert len(view.data) < 400


def test_what_has_nothing_to_say_stays_so() -> None:
    """A request without a name has none in disguise either."""
    assert Pseudonyms(b"k").request("") == ""

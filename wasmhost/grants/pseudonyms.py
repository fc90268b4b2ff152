"""Other names for what an event would identify: the same for the same, and nothing to be learnt from them.

Every name is a keyed digest (BLAKE2b), so that nobody without the key can find out by trying whom one
stands for, and two sets of names with different keys have nothing in common.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from wasmhost.contract.encode import encode_actr_id
from wasmhost.contract.records import ActrId, ActrType, Realm

REMEMBERED: Final = 4096
"""Identities whose pseudonyms are kept; a node speaks of the same few all the time."""
REMEMBERED_BYTES: Final = 512
"""An identity that takes more is worked out each time: who makes identities chooses how long they are."""

_MANUFACTURER: Final = "withheld"
_VERSION: Final = "0"
# Numbers of one width in CBOR: so what a hook costs a guest does not depend on the key.
_LARGE_U32: Final = 1 << 31
_LARGE_U64: Final = 1 << 63


class Pseudonyms:
    """The pseudonyms of one key. Used by one thread at a time.

    An identity keeps its pseudonym wherever in an event it stands, so that a node is known again as
    somebody's peer. Its parts are disguised together: that two of them share a realm or a version is not
    told. The pseudonym of an identity is one object for as long as it is remembered, because the encoder
    knows identities by their objects.
    """

    def __init__(self, key: bytes) -> None:
        self._actor = blake2b(key=key, digest_size=18, person=b"actor")
        self._source = blake2b(key=key, digest_size=8, person=b"source")
        self._request = blake2b(key=key, digest_size=8, person=b"request")
        self._stream = blake2b(key=key, digest_size=8, person=b"stream")
        self._session = blake2b(key=key, digest_size=8, person=b"session")
        # By the object that was given, which the entry keeps alive: its id cannot pass to another.
        self._by_object: dict[int, tuple[ActrId, ActrId]] = {}
        self._by_value: dict[bytes, ActrId] = {}
        self._sources: dict[str, str] = {}

    def actor(self, actr: ActrId) -> ActrId:
        """Give the pseudonym of an identity, in the shape of one."""
        known = self._by_object.get(id(actr))
        if known is not None and known[0] is actr:
            return known[1]
        value = encode_actr_id(actr)
        if len(value) > REMEMBERED_BYTES:
            return self._new_actor(value)
        pseudonym = self._by_value.get(value)
        if pseudonym is None:
            pseudonym = self._new_actor(value)
            if len(self._by_value) >= REMEMBERED:
                self._by_value.clear()
            self._by_value[value] = pseudonym
        if len(self._by_object) >= REMEMBERED:
            self._by_object.clear()
        self._by_object[id(actr)] = actr, pseudonym
        return pseudonym

    def _new_actor(self, value: bytes) -> ActrId:
        digest = self._actor.copy()
        digest.update(value)
        found = digest.digest()
        kind = ActrType(_MANUFACTURER, f"actor-{found[:6].hex()}", _VERSION)
        realm, serial = int.from_bytes(found[6:10], "big"), int.from_bytes(found[10:], "big")
        return ActrId(Realm(realm | _LARGE_U32), serial | _LARGE_U64, kind)

    def source(self, name: str) -> str:
        """Give the pseudonym of an emitter's instance."""
        known = self._sources.get(name)
        if known is None:
            known = "source-" + _digest(self._source, name)
            if len(name) <= REMEMBERED_BYTES:
                if len(self._sources) >= REMEMBERED:
                    self._sources.clear()
                self._sources[name] = known
        return known

    def request(self, name: str) -> str:
        """Give the pseudonym of a request; none of none."""
        return "request-" + _digest(self._request, name) if name else name

    def stream(self, name: str) -> str:
        """Give the pseudonym of a stream."""
        return "stream-" + _digest(self._stream, name)

    def session(self, number: int) -> int:
        """Give the pseudonym of a session: any unsigned number of 64 bits."""
        return int(_digest(self._session, str(number)), 16) | _LARGE_U64


def _digest(keyed: blake2b, text: str) -> str:
    digest = keyed.copy()
    digest.update(text.encode())
    return digest.hexdigest()

"""What a group of observers may see of an event, and the key by which the rest is disguised for them.

Observers of one profile name are one party, so the operator says: what they see they may compare, so they
share pseudonyms. For any other the same peers have other names.
"""

from __future__ import annotations

import secrets
import threading
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from wasmhost.contract.manifest import FIELDS
from wasmhost.grants.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from collections.abc import Collection

KEY_BYTES: Final = 32


class Profile:
    """Some fields are given as they are, the others in disguise. Told from another by which object it is.

    ``lock`` is held by whoever makes an event's view for it: ``pseudonyms`` have one user at a time.
    ``bare`` is the same without any field.
    """

    __slots__ = ("bare", "credential", "lock", "name", "peer", "pseudonyms", "self", "stream")

    def __init__(self, name: str, fields: Collection[str], pseudonyms: Pseudonyms) -> None:
        self.name = name
        self.peer = "peer" in fields
        self.self = "self" in fields
        self.stream = "stream" in fields
        self.credential = "credential" in fields
        self.pseudonyms = pseudonyms
        self.lock = threading.Lock()
        self.bare: Profile = Profile(name, (), pseudonyms) if fields else self


class Profiles:
    """The profiles of one host. ``key``: the host's own, which only its process ever sees."""

    def __init__(self, key: bytes | None = None) -> None:
        """Without a key make one; then the next host has other pseudonyms."""
        self._key = secrets.token_bytes(KEY_BYTES) if key is None else key
        self._made: dict[tuple[str, frozenset[str]], Profile] = {}

    def of(self, name: str, fields: Collection[str]) -> Profile | None:
        """Return the one profile of that name and those fields; None where all are given as they are."""
        given = frozenset(fields).intersection(FIELDS)
        if len(given) == len(FIELDS):
            return None
        # From several threads two may be made; they disguise alike, and the first stays.
        found = self._made.get((name, given))
        if found is None:
            made = Profile(name, given, Pseudonyms(self._key_of(name)))
            found = self._made.setdefault((name, given), made)
        return found

    def _key_of(self, name: str) -> bytes:
        return blake2b(name.encode(), key=self._key, digest_size=KEY_BYTES, person=b"profile").digest()

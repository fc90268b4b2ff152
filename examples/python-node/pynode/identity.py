"""Who a node is: the identity that its signaling server gives it, as text and back."""

from __future__ import annotations

import re

from wasmhost import ActrId, ActrType, Realm

MANUFACTURER = "acme"
VERSION = "1.0.0"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ID = re.compile(r"([^/#@]{1,64})/([^/#@]{1,64})/([^/#@]{1,64})#(\d{1,20})@(\d{1,10})")


def is_name(text: str) -> bool:
    """Tell whether a node may be called so."""
    return _NAME.fullmatch(text) is not None


def make_id(realm: int, serial: int, name: str) -> ActrId:
    """Make the identity of a node of ours."""
    return ActrId(Realm(realm), serial, ActrType(MANUFACTURER, name, VERSION))


def parse_id(text: str) -> ActrId:
    """Read an identity as ``str(ActrId)`` writes it. Raises ValueError for anything else."""
    found = _ID.fullmatch(text)
    if found is None:
        raise ValueError(f"no identity of a node: {text[:80]!r}")
    manufacturer, name, version, serial, realm = found.groups()
    if int(serial) >= 2**64 or int(realm) >= 2**32:
        raise ValueError(f"a number is too large in the identity {text[:80]!r}")
    return ActrId(Realm(int(realm)), int(serial), ActrType(manufacturer, name, version))


def short(identity: ActrId) -> str:
    """Name a node for a person, as ``bob#2``."""
    return f"{identity.type.name}#{identity.serial_number}"

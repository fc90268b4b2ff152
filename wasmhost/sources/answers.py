"""What a host writes back to an emitter that asked for it: ``wit/wire.cddl`` states it."""

from __future__ import annotations

from typing import Final

import cbor2

from wasmhost.text import escape_untrusted

WELCOME: Final = cbor2.dumps({"welcome": 1})
"""The host has taken no event of this src yet."""

_LONGEST: Final = 400


def acknowledged(seq: int) -> bytes:
    """Encode that all events up to ``seq`` were taken."""
    return cbor2.dumps({"ack": seq})


def refused(why: str) -> bytes:
    """Encode why a connection is about to be closed: a fixed word, a colon, and words for people."""
    return cbor2.dumps({"error": escape_untrusted(why, _LONGEST)})

"""CBOR as JSON, to read: the rules for ``body`` in a line of reports.

==============================  ==========================================
CBOR                            JSON
==============================  ==========================================
map with text keys, array       object, array
text, true, false, null         the same
integer (64 bits and its sign)  number, exact
float                           number; NaN and the infinities, which JSON
                                has not, as "NaN", "Infinity", "-Infinity"
byte string                     its bytes in hex, as a string
==============================  ==========================================

Nothing else is let through (no tags, no indefinite lengths: the rules for events). Where the
difference between a string and its stand-in matters, ``body_hex`` beside it has the exact bytes.
"""

from __future__ import annotations

import math

import cbor2

from wasmhost.contract.heads import Malformed
from wasmhost.contract.scan import Truncated, scan

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def cbor_to_json(body: bytes) -> Json:
    """Return the JSON value of one CBOR item.

    Raises ValueError, with the reason, for bytes that are not exactly one item under those rules.
    """
    try:
        found = scan(body)
    except (Malformed, Truncated) as error:
        raise ValueError(str(error)) from error
    if found.problem is not None:
        raise ValueError(found.problem)
    if found.end != len(body):
        raise ValueError(f"{len(body) - found.end} more bytes follow the item")
    return _json(cbor2.loads(body))


def _json(value: object) -> Json:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else _not_finite(value)
        case bytes():
            return value.hex()
        case list():
            return [_json(item) for item in value]
        case dict():
            return {str(key): _json(item) for key, item in value.items()}
        case _:
            raise ValueError(f"a {type(value).__name__} has no JSON form")


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"

"""The operator's words for this observer."""

from __future__ import annotations

from typing import Final, NoReturn

from wasmhost_observer import raw
from wasmhost_observer.panic import Refused

_get: Final = raw.imported("config", "get")
_U64_MAX: Final = (1 << 64) - 1
_U64_DIGITS: Final = 20


def get(key: str) -> str | None:
    """Return the value of a key, None where there is none."""
    value: str | None = _get(raw.text(key))
    return value


def number(key: str, otherwise: int) -> int:
    """Return the value of a key as a whole number in decimal, ``otherwise`` where there is none.

    Anything else than such a number of up to 64 bits is a panic that names the key.
    """
    value = get(key)
    if value is None:
        return otherwise
    whole = _decimal(value)
    if whole is None:
        refuse(key, value, "a whole number is wanted")
    return whole


def refuse(key: str, value: str, wanted: str) -> NoReturn:
    """Panic for a value that can't be used, in words the operator can act on."""
    raise Refused(f'config {key}: {wanted}, not "{value}"')


def _decimal(value: str) -> int | None:
    # `int` would take signs, spaces, underscores, and digits of other scripts as well.
    if not (value.isascii() and value.isdigit()):
        return None
    digits = value.lstrip("0") or "0"
    whole = int(digits) if len(digits) <= _U64_DIGITS else _U64_MAX + 1
    return whole if whole <= _U64_MAX else None

"""What a webhook's answer means for what it was sent. Pure: nothing here reads a clock."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Final

from wasmhost.sinks.transport import Refused, TryLater
from wasmhost.text import decode_untrusted, escape_untrusted

MOST_WAIT_S: Final = 3600.0
"""However long a receiver asks for."""
_LATER: Final = frozenset({408, 425, 429})
_ABOUT_THE_BODY: Final = frozenset({400, 413, 415, 422})
_WORDS_LIMIT: Final = 200


def judge(status: int, retry_after: str | None, words: bytes, now: float) -> None:
    """Return where the status says that it was taken; ``now`` is Unix time, which a date is held against.

    :raises TryLater: it was not, and may be later.
    :raises Refused: it never will be.
    """
    if 200 <= status < 300:
        return
    said = decode_untrusted(words, _WORDS_LIMIT).strip()
    reason = f"it answered {status}{f': {said}' if said else ''}"
    if status >= 500 or status in _LATER:
        raise TryLater(reason, wait_asked(retry_after, now))
    if 300 <= status < 400:
        raise Refused(f"it answered {status}, a redirect, and none is followed", piecewise=False)
    raise Refused(reason, piecewise=status in _ABOUT_THE_BODY)


def wait_asked(retry_after: str | None, now: float) -> float:
    """Return the seconds that ``Retry-After`` asks for: 0 for nonsense, an hour at most."""
    value = (retry_after or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:10]), MOST_WAIT_S)
    try:
        until = parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(0.0, until - now), MOST_WAIT_S)


def shown_reason(error: Exception) -> str:
    """Return what an error of the HTTP library says, in one line of ours; some of them say nothing."""
    return escape_untrusted(str(error) or type(error).__name__, _WORDS_LIMIT)

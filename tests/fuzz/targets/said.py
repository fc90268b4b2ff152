"""What holds of every word of refusal, wherever it comes from."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 1_000


def one_line(error: Exception, longest: int = _LONGEST) -> None:
    """Hold an error to what is shown to people: something, on one printable line, and not too long.

    :raises AssertionError: it is not.
    """
    text = str(error)
    assert text, "an error that says nothing"
    assert len(text) <= longest, f"an error of {len(text):,} characters"
    assert text.isprintable(), f"an error that is not one printable line: {text[:200]!r}"

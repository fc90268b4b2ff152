"""Text from strangers can't do anything to the reader's terminal or log."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.text import MAX_MARKS, decode_untrusted, escape_untrusted, safe_json

ANY_TEXT = st.text(alphabet=st.characters(codec=None, categories=None))
NASTY = st.text(
    alphabet=st.sampled_from(
        "a\\\n\r\x00\x1b\x7f\x85\x9b\u200e\u202e\u2066\u2028\ufeff\ud800\U000e0041é\u0301\u3164"
    )
)
LIMITS = st.integers(min_value=1, max_value=40)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain, naïve, 日本語", "plain, naïve, 日本語"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\x7f\x85\x9b", "\\x7f\\x85\\x9b"),
        ("right \u202eto left\u2069", "right \\u202eto left\\u2069"),
        ("\u2028\ufeff\u200d", "\\u2028\\ufeff\\u200d"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("half \ud83d", "half \\ud83d"),
        ("back\\slash", "back\\slash"),
        ("z" + "\u0301" * 6 + "a\u0301", "z" + "\u0301" * 4 + "\\u0301\\u0301a\u0301"),
        ("\u0338quote", "\\u0338quote"),
        ("e\u0301 \u0939\u093f\u0928\u094d\u0926\u0940", "e\u0301 \u0939\u093f\u0928\u094d\u0926\u0940"),
        ("a\u3164b\u2800", "a\\u3164b\u2800"),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_dangerous_characters_become_visible(raw: str, shown: str) -> None:
    """What a terminal would act upon is shown as its escape; the rest stays readable."""
    assert escape_untrusted(raw, 100) == shown


def test_long_text_ends_in_an_ellipsis_and_never_in_half_an_escape() -> None:
    """A cut is visible, and falls between characters."""
    assert escape_untrusted("abcdef", 4) == "abc…"
    assert escape_untrusted("ab\x1bcd", 6) == "ab…"
    assert escape_untrusted("abcd", 4) == "abcd"


def test_work_is_bounded_by_the_limit() -> None:
    """A guest can't buy time with a huge string: only its head is looked at."""
    assert escape_untrusted("\x1b" * 50_000_000, 9) == "\\x1b\\x1b…"


def test_a_limit_without_room_is_refused() -> None:
    """A limit under one character is a mistake of the caller."""
    with pytest.raises(ValueError, match="limit of 0"):
        escape_untrusted("text", 0)


@given(text=ANY_TEXT | NASTY, limit=LIMITS)
def test_result_is_one_bounded_printable_line(text: str, limit: int) -> None:
    """Whatever comes in, what goes out is printable, encodable, bounded, and stable."""
    shown = escape_untrusted(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert escape_untrusted(shown, limit) == shown


@given(text=ANY_TEXT | NASTY)
def test_marks_never_pile_up(text: str) -> None:
    """However many there are, and whatever stands in between."""
    run = 0
    for character in "\n" + escape_untrusted(text, 200):
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        assert run <= MAX_MARKS


@given(value=st.recursive(ANY_TEXT | NASTY, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)))
def test_json_is_printable_ascii_and_loses_nothing(value: object) -> None:
    """Keys and values alike, DEL included; what a parser makes of it is the same."""
    for compact in (False, True):
        shown = safe_json(value, compact=compact)
        assert shown.isascii()
        assert shown.isprintable()
        assert json.loads(shown) == json.loads(json.dumps(value))


def test_json_has_no_numbers_that_json_has_not() -> None:
    """NaN would not be read by other parsers."""
    with pytest.raises(ValueError, match="JSON"):
        safe_json(float("nan"))


@given(data=st.binary(max_size=200), limit=LIMITS)
def test_broken_utf8_is_decoded_as_if_all_of_it_were_read(data: bytes, limit: int) -> None:
    """Bytes that are no UTF-8 show as escapes, and reading only a prefix changes nothing."""
    assert decode_untrusted(data, limit) == escape_untrusted(data.decode("utf-8", "backslashreplace"), limit)

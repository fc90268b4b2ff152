"""Where tokens are kept, and what a connection without one is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from wasmhost.config.source import SourceConfig
from wasmhost.errors import SourceError
from wasmhost.sources.tokens import Tokens, read_tokens

if TYPE_CHECKING:
    from pathlib import Path


def test_tokens_are_told_apart_and_known() -> None:
    """Any of them, and nothing that resembles one."""
    tokens = Tokens(["one", "two"])
    assert tokens.recognise("one") not in (None, tokens.recognise("two"))
    assert tokens.recognise("two") == Tokens(["two"]).recognise("two")
    for other in ("", "on", "one ", "One", "one\0", "\ud800"):
        assert tokens.recognise(other) is None


def test_none_are_asked_for_where_none_are_named() -> None:
    """The default."""
    assert read_tokens(SourceConfig()) is None


def test_they_come_from_all_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration, a file, the environment; taken away there, before children see them."""
    (tmp_path / "tokens").write_text("# for the nodes of hall 3\n\n  filed \nalso\n")
    monkeypatch.setenv("SOME_TOKENS", " first second\n")
    settings = SourceConfig(tokens=("written",), token_file=tmp_path / "tokens", token_env="SOME_TOKENS")  # noqa: S106
    tokens = read_tokens(settings)
    assert tokens is not None
    assert all(tokens.recognise(token) for token in ("written", "filed", "also", "first", "second"))
    assert not tokens.recognise("# for the nodes of hall 3")
    assert "SOME_TOKENS" not in os.environ


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no token in"),
        (b"# nothing\n\n", "no token in"),
        (b"two words\n", "no string of 1 to 1024 bytes without blanks"),
        (b"x" * 1025, "no string of 1 to 1024 bytes without blanks"),
        (b"\xff\n", "not UTF-8 text"),
        (None, "no such file"),
    ],
)
def test_a_file_without_any_lets_nobody_in(tmp_path: Path, content: bytes | None, why: str) -> None:
    """The source does not open; and no message shows what stood there."""
    path = tmp_path / "tokens"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=why) as raised:
        read_tokens(SourceConfig(token_file=path))
    assert "words" not in str(raised.value)


def test_a_variable_that_is_not_set_lets_nobody_in() -> None:
    """As for a file."""
    with pytest.raises(SourceError, match=r"no token in \$NO_SUCH_TOKENS"):
        read_tokens(SourceConfig(token_env="NO_SUCH_TOKENS"))  # noqa: S106

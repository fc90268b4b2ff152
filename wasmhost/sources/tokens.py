"""The secrets of which a connection must name one, and where they are kept."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from wasmhost.config.source import MOST_TOKEN_BYTES, is_token
from wasmhost.errors import SourceError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wasmhost.config.source import SourceConfig

_LARGEST_FILE = 1 << 20


class Tokens:
    """Some secrets. Only their digests are kept, and how long a comparison takes tells nothing of them."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = tuple({_digest(token) for token in tokens})

    def recognise(self, token: str) -> str | None:
        """Return a name by which the token can be told from others; None for one that is not ours."""
        given = _digest(token)
        found = [digest for digest in self._digests if hmac.compare_digest(digest, given)]
        return given.hex()[:16] if found else None


def read_tokens(settings: SourceConfig) -> Tokens | None:
    """Collect the tokens from all places that the configuration names; None where it names none.

    A variable of the environment is taken out of it: child processes have no business with it.
    Raises SourceError for a place without any: nobody could connect, or all could.
    """
    found = list(settings.tokens)
    if settings.token_file is not None:
        found += _in_file(settings.token_file)
    if settings.token_env is not None:
        found += _checked(os.environ.pop(settings.token_env, "").split(), f"${settings.token_env}")
    asked = settings.tokens or settings.token_file is not None or settings.token_env is not None
    return Tokens(found) if asked else None


def _in_file(path: Path) -> list[str]:
    shown = escape_untrusted(str(path), 400)
    try:
        with path.open("rb") as file:
            lines = file.read(_LARGEST_FILE).decode().splitlines()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"cannot read tokens from {shown}: {reason}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"cannot read tokens from {shown}: not UTF-8 text") from error
    stripped = (line.strip() for line in lines)
    return _checked([line for line in stripped if line and not line.startswith("#")], shown)


def _checked(tokens: list[str], place: str) -> list[str]:
    place = escape_untrusted(place, 400)
    if not tokens:
        raise SourceError(f"no token in {place}, which [source] names: put one there, or name no such place")
    if not all(is_token(token) for token in tokens):
        raise SourceError(
            f"{place} has a token that is no string of 1 to {MOST_TOKEN_BYTES} bytes without blanks"
        )
    return tokens


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

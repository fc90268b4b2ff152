"""A TOML file as a `Node`: whatever is wrong with it is told with the file's name and the line."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from wasmhost.config.lines import locate
from wasmhost.config.nodes import Node
from wasmhost.errors import ConfigError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from pathlib import Path

_PATH_LIMIT = 400


def read_document(path: Path) -> Node:
    """Read a TOML file; its top level, which messages call that.

    Raises ConfigError with one line to show: the file cannot be read, or is no TOML.
    """
    shown = escape_untrusted(str(path), _PATH_LIMIT)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {shown}: {(error.strerror or str(error)).lower()}") from error
    try:
        toml = source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{shown}:{line}: not UTF-8 text") from error
    return parse_document(toml, shown)


def parse_document(toml: str, shown: str) -> Node:
    """Read TOML that messages call ``shown``; its top level. Raises ConfigError as `read_document` does."""
    try:
        raw = tomllib.loads(toml)
        return Node("the top level", raw, shown, (), locate(toml))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_error(shown, toml, str(error))) from error
    except RecursionError as error:
        raise ConfigError(f"{shown}:1: nested too deeply") from error


def _syntax_error(shown: str, toml: str, message: str) -> str:
    # tomllib says "Invalid value (at line 3, column 7)" or "… (at end of document)".
    what, _, where = message.rpartition(" (at ")
    line = re.match(r"line (\d+)", where)
    at = line[1] if line else toml.removesuffix("\n").count("\n") + 1
    what = what or message
    return f"{shown}:{at}: not valid TOML: {escape_untrusted(what[:1].lower() + what[1:], 200)}"

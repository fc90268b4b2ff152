"""What is expected, on disk, and how it differs from what came."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.golden.events import TestFileError
from wasmhost.authoring.golden.transcript import as_line
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_AROUND: Final = 2
_SHOWN: Final = 400


def read_expected(path: Path) -> list[str] | None:
    """Read an expected transcript; how its JSON is spaced does not matter. None where there is none.

    Raises TestFileError, which names the line.
    """
    shown = escape_untrusted(str(path), _SHOWN)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TestFileError(f"cannot read {shown}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise TestFileError(f"{shown}: it is not UTF-8 text") from error
    lines: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                lines.append(as_line(json.loads(line)))
            except (ValueError, RecursionError) as error:
                reason = escape_untrusted(str(error), _SHOWN)
                raise TestFileError(f"{shown}:{number}: {reason}; --update writes it anew") from error
    return lines


def write_expected(path: Path, lines: Sequence[str]) -> None:
    """Write what came as what is expected from now on; whole, or not at all.

    Raises TestFileError.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TestFileError(f"cannot write {escape_untrusted(str(path), _SHOWN)}: {reason}") from error


def difference(expected: Sequence[str], came: Sequence[str], name: str) -> list[str]:
    """How they differ, as a unified diff; empty where they do not."""
    return list(
        difflib.unified_diff(expected, came, f"{name}: expected", f"{name}: came", lineterm="", n=_AROUND)
    )

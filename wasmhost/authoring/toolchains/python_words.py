"""What Python says of a module that cannot be imported, as its author wants to read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_FRAME: Final = re.compile(r'  File "(?P<path>[^"]+)", line \d+')
_HEAD: Final = "Traceback (most recent call last):"


def without_frames_of_others(said: str, *, project: Path, sdk: Path) -> str:
    """A traceback's frames in the author's own files, by their places in the project, and what went wrong.

    Those of the import system and of the SDK tell an author nothing. Where there are no others, all stay.
    """
    kept: list[str] = []
    found = False
    keep = True
    for line in said.splitlines():
        frame = _FRAME.match(line)
        if frame is not None:
            own = _own(Path(frame["path"]), project, sdk)
            keep = own is not None
            found = found or keep
            kept += [line.replace(frame["path"], own, 1)] if own is not None else []
            continue
        if not line.startswith("    "):
            keep = line != _HEAD
        kept += [line] if keep else []
    return "\n".join(kept) if found else said


def _own(path: Path, project: Path, sdk: Path) -> str | None:
    """An author's file as seen from the project; None for what is not the author's."""
    if not path.is_absolute():
        return None  # <frozen importlib._bootstrap>, wherever we stand
    path = path.resolve()
    if path.is_relative_to(sdk.resolve()) or not path.is_relative_to(project.resolve()):
        return None
    return path.relative_to(project.resolve()).as_posix()

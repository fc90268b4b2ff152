"""Where compilers keep what they want to find again: outside of every project, a folder for each language."""

from __future__ import annotations

import os
from pathlib import Path

from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.text import escape_untrusted


def cache_folder(language: str) -> Path:
    """The folder of a language, made where there is none.

    :raises BuildError: it cannot be made.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base.absolute() / "wasmhost" / language
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BuildError(
            f"no place for compilers' caches: {escape_untrusted(str(folder), 400)}: {reason}"
        ) from error
    return folder

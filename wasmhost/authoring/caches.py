"""Where compilers keep what they want to find again: outside of every project, a folder for each language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.folders import cache_home
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from pathlib import Path


def cache_folder(language: str) -> Path:
    """The folder of a language, made where there is none.

    :raises BuildError: it cannot be made.
    """
    home = cache_home()
    if home is None:
        raise BuildError("no place for compilers' caches: set HOME or XDG_CACHE_HOME")
    folder = home / "wasmhost" / language
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BuildError(
            f"no place for compilers' caches: {escape_untrusted(str(folder), 400)}: {reason}"
        ) from error
    return folder

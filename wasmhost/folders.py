"""Where this user keeps what can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_home() -> Path | None:
    """``$XDG_CACHE_HOME``, or ``~/.cache``; None for a user who has neither, as in some containers."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named).absolute()
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return None

"""Whether a project's module is older than what it is made of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.project import BUILD_FOLDER
from wasmhost.authoring.resources import LEFT_OVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.authoring.project import Project

_NO_SOURCES: Final = LEFT_OVER | {BUILD_FOLDER, "tests"}


def is_stale(project: Project) -> bool:
    """Whether there is no module, or something in the project or its SDK is newer."""
    try:
        built = project.module.stat().st_mtime_ns
    except OSError:
        return True
    folders = {project.folder, project.sdk, project.source}
    return any(changed >= built for folder in folders for changed in _changes(folder))


def _changes(place: Path) -> Iterator[int]:
    """When each file at or below a place was changed last."""
    if place.is_file():
        yield place.stat().st_mtime_ns
    for folder, folders, files in os.walk(place):
        folders[:] = [name for name in folders if name not in _NO_SOURCES and not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield (Path(folder) / name).lstat().st_mtime_ns

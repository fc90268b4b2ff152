"""The guests of the tests, built by wasmhost's own toolchains when something they are made of changes.

What was built is kept in the user's cache, under a digest of all that goes into it: its project, the SDK,
the contract, the toolchain's code and the compiler's version. Without the cache everything is built anew.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.guests.languages import LANGUAGES
from wasmhost.authoring.build import build_project
from wasmhost.authoring.caches import cache_folder
from wasmhost.authoring.project import load_project
from wasmhost.authoring.resources import LEFT_OVER, wit_folder
from wasmhost.authoring.toolchains.base import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wasmhost.authoring.project import Project

ROOT: Final = Path(__file__).resolve().parents[2]
AUTHORING: Final = ROOT / "wasmhost" / "authoring"
FOLDERS: Final = {
    "probe": ROOT / "tests" / "guests" / "probe",
    "relay-watch": ROOT / "examples" / "relay-watch",
}
BESIDE: Final = (
    "contract/hooks.py",
    "contract/manifest.py",
    "sandbox/airlock/abi.py",
    "sandbox/airlock/assemble.py",
    "sandbox/airlock/wasi.wat",
    "sandbox/binary.py",
    "sandbox/sections.py",
)
"""What makes modules beside the code of authoring."""
_KEPT: Final = 3


@cache
def built(guest: str, language: str, *, component: bool = False) -> bytes:
    """Give a guest's module as `wasmhost build` makes it; skip the test where the compiler is not there."""
    project = load_project(FOLDERS[guest] / language)
    name = f"{guest}-{language}-component" if component else f"{guest}-{language}"
    kept = cache_folder("guests") / f"{name}.{_digest(project)}.wasm"
    if not kept.is_file():
        _build(project, kept, component=component)
        _forget_old(kept.parent.glob(f"{name}.*.wasm"))
    return kept.read_bytes()


def _build(project: Project, kept: Path, *, component: bool) -> None:
    with tempfile.TemporaryDirectory(prefix=".build-", dir=kept.parent) as folder:
        out = Path(folder) / kept.name
        try:
            build_project(project, out=out, component=component)
        except BuildError as error:
            if str(error).startswith("needs "):
                pytest.skip(str(error))
            error.add_note(error.output)
            raise
        out.replace(kept)


def _forget_old(modules: Iterable[Path]) -> None:
    """Keep the latest few only: one has 18 MB."""
    for path in sorted(modules, key=lambda path: path.stat().st_mtime_ns)[:-_KEPT]:
        path.unlink(missing_ok=True)


def _digest(project: Project) -> str:
    digest = hashlib.sha256(LANGUAGES[project.language].compiler().encode())
    code = [*AUTHORING.glob("*.py"), *AUTHORING.glob("*.wat"), *(ROOT / "wasmhost" / name for name in BESIDE)]
    folders = [project.folder, project.sdk, wit_folder(), AUTHORING / "toolchains"]
    for path in [*sorted(code), *(path for folder in folders for path in _sources(folder))]:
        name = os.path.relpath(path, ROOT).encode()
        for part in (name, path.read_bytes()):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:24]


def _sources(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OVER and not name.startswith("."))
        yield from (Path(place) / name for name in sorted(files) if not name.startswith("."))

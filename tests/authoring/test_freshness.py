"""When a module is older than what it is made of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.authoring.helpers import project
from wasmhost.authoring.build import build_project
from wasmhost.authoring.freshness import is_stale
from wasmhost.authoring.project import load_project

if TYPE_CHECKING:
    from pathlib import Path


def touch(path: Path, seconds: int) -> None:
    """Make a file as if it were changed so much later than now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    when = path.stat().st_mtime + seconds
    os.utime(path, (when, when))


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ("observer.wat", True),
        ("observer.toml", True),
        ("deep/down/new.wat", True),
        ("../sdk/memory.wat", True),
        ("tests/first.events.ndjson", False),
        ("node_modules/x/index.js", False),
        ("target/x", False),
        (".git/index", False),
        (".editor-file", False),
    ],
)
def test_what_is_newer_than_the_module(tmp_path: Path, changed: str, stale: bool) -> None:
    """Sources and the SDK make it due; tests and what tools leave do not."""
    loaded = load_project(project(tmp_path / "p", more='sdk = "../sdk"\n'))
    assert is_stale(loaded)
    build_project(loaded)
    touch(loaded.module, 60)
    assert not is_stale(loaded)
    touch(tmp_path / "p" / changed, 120)
    assert is_stale(loaded) == stale

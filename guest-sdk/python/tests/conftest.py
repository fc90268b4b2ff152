"""Lets the SDK's own tests, and the observers they make up, import the SDK from the folder beside them."""
# ruff: noqa: SLF001 - it looks inside, once the path is set

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from wasmhost_observer import hooks
from wasmhost_observer.testing import Host


@pytest.fixture(autouse=True)
def _no_hooks() -> Iterator[None]:
    """Every test begins with no hook, and leaves none."""
    before = dict(hooks._registered)
    hooks._registered.clear()
    yield
    hooks._registered.clear()
    hooks._registered.update(before)


@pytest.fixture
def host() -> Iterator[Host]:
    """A stand-in for the host, while the test runs."""
    with Host() as made:
        yield made

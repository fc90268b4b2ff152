"""One engine for all tests of the sandbox, and a bench that closes what was put on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.lab import Lab
from wasmhost.sandbox.engine import SandboxEngine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def engine() -> Iterator[SandboxEngine]:
    """An engine as the host makes it."""
    with SandboxEngine() as engine:
        yield engine


@pytest.fixture
def lab(engine: SandboxEngine) -> Iterator[Lab]:
    """A place to make sandboxes; closed at the end of the test."""
    with Lab(engine) as lab:
        yield lab

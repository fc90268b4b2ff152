"""One engine for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wasmhost.sandbox.engine import SandboxEngine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def engine() -> Iterator[SandboxEngine]:
    """An engine as the host makes it, without a cache."""
    with SandboxEngine() as engine:
        yield engine

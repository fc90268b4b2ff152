"""The pytest plugin: what pytest loads in every run wherever wasmhost is installed, so next to nothing.

All that costs time is imported by the fixtures, when a test asks for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.testing.desk import Desk, Workshop


@pytest.fixture(scope="session")
def observer_workshop() -> Iterator[Workshop]:
    """One engine, and each module compiled once, for all tests of a run."""
    from wasmhost.testing.desk import Workshop

    with Workshop() as workshop:
        yield workshop


@pytest.fixture
def observer_host(request: pytest.FixtureRequest, observer_workshop: Workshop) -> Iterator[Desk]:
    """Give observers to a test: call it with a module or a project's folder.

    Without either it is the project that the test is in. See `wasmhost.testing.Desk`.
    """
    from wasmhost.testing.desk import Desk

    with Desk(observer_workshop, request.path.parent) as desk:
        yield desk

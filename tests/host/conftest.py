"""What runs in either isolation."""

from __future__ import annotations

import pytest

from tests.host import helpers


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests that use `isolation` in threads and in processes, or only where they can be."""
    if "isolation" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("threads_only")
        metafunc.parametrize("isolation", ["thread"] if only else ["thread", "process"], indirect=True)


@pytest.fixture
def isolation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test with guests in threads, and again with guests in a process of their own."""
    monkeypatch.setattr(helpers, "ISOLATION", request.param)
    return str(request.param)

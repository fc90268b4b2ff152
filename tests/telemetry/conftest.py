"""What runs in either isolation, as the tests of the host do."""

from __future__ import annotations

from tests.host.conftest import isolation, pytest_generate_tests

__all__ = ["isolation", "pytest_generate_tests"]

"""Fixtures: the probe in every language."""

from __future__ import annotations

import pytest

from tests.guests.built import built
from tests.guests.languages import LANGUAGES, Language


@pytest.fixture(scope="session", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    """Each language in turn."""
    return LANGUAGES[request.param]


@pytest.fixture(scope="session")
def probe(language: Language) -> bytes:
    """Build the guest of tests/guests/probe."""
    return built("probe", language.name)

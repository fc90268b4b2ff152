"""Fixtures: each guest, in each of its languages, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.guests.built import built
from tests.guests.helpers import PREBUILT
from tests.guests.languages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.testing.desk import Workshop


@pytest.fixture(scope="session")
def engine(observer_workshop: Workshop) -> SandboxEngine:
    """One engine for all tests of guests."""
    return observer_workshop.engine


@pytest.fixture(scope="session")
def prebuilt() -> Callable[[str], bytes]:
    """Read a guest that the demo carries."""
    return lambda name: (PREBUILT / f"{name}.wasm").read_bytes()


@pytest.fixture(scope="session")
def relay_watch_rust() -> bytes:
    """Build relay-watch from its Rust source."""
    return built("relay-watch", "rust")


@pytest.fixture(scope="session", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Each language in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def probe(language: str) -> bytes:
    """Build the probe, in each SDK's language."""
    return built("probe", language)


@pytest.fixture(scope="session")
def relay_watch(language: str) -> bytes:
    """Build relay-watch, in each SDK's language."""
    return built("relay-watch", language)

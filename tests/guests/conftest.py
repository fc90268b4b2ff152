"""Fixtures: one engine, and each guest built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.guests.helpers import PREBUILT, from_examples, require_cargo
from wasmhost.sandbox.engine import SandboxEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROBES = {
    "c": "tests/guests/probe/c/probe.c",
    "zig": "tests/guests/probe/zig/probe.zig",
    "rust": "tests/guests/probe/rust",
}


@pytest.fixture(scope="session")
def engine() -> Iterator[SandboxEngine]:
    """One engine for all tests of guests."""
    with SandboxEngine() as made:
        yield made


@pytest.fixture(scope="session")
def prebuilt() -> Callable[[str], bytes]:
    """Read a guest that the demo carries."""
    return lambda name: (PREBUILT / f"{name}.wasm").read_bytes()


@pytest.fixture(scope="session")
def relay_watch_rust(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Build relay-watch from its Rust source."""
    require_cargo()
    build = from_examples("build")
    guest = next(guest for guest in build.GUESTS if guest.name == "relay-watch-rust")
    module: bytes = build.build(guest, tmp_path_factory.mktemp("rust")).read_bytes()
    return module


@pytest.fixture(scope="session", params=PROBES)
def probe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Build the probe, in each SDK's language."""
    language: str = request.param
    if language == "rust":
        require_cargo()
    out = tmp_path_factory.mktemp("probe") / "probe.wasm"
    from_examples("build").BUILDERS[language](PROBES[language], out)
    return out.read_bytes()

"""The crate wasmhost-emit: its own tests, formatter and lints, run by cargo."""

from __future__ import annotations

import os

import pytest

from tests.guests.helpers import ROOT, require_cargo
from tests.guests.test_toolchains import run_tool
from wasmhost.authoring.caches import cache_folder

CRATE = ROOT / "guest-sdk" / "emit" / "rust"
LINTS = ["clippy", "--quiet", "--all-targets", "--all-features"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "arguments",
    [["fmt", "--check"], [*LINTS, "--", "-D", "warnings"], ["test", "--quiet"]],
    ids=["fmt", "clippy", "test"],
)
def test_the_crate(arguments: list[str]) -> None:
    """It is formatted, free of lints with TLS too, and its tests pass, the wire's vectors among them."""
    cargo = require_cargo()
    target = os.environ.get("CARGO_TARGET_DIR") or str(cache_folder("emit") / "target")
    run_tool([cargo, *arguments], CRATE, CARGO_TARGET_DIR=target, CARGO_PROFILE_DEV_DEBUG="0")

"""Some of the reloads of which `make reloads` does a thousand."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
import structlog

from tests.soak.reloads import page, reload_often

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.config.model import Isolation


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Give the log back as it was."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_reloads_under_load(isolation: Isolation, capsys: pytest.CaptureFixture[str]) -> None:
    """No event is lost, and whether anything grew is told here and judged after a thousand."""
    run = asyncio.run(reload_often(isolation, 40))
    with capsys.disabled():
        sys.stdout.write(f"\n{page(run)}\n")
    assert run.complaints == ()
    assert run.changes == 160
    assert [found for found in run.trends if found.name == "processes" and not found.flat] == []

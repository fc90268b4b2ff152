"""The promise of a pool, whatever happens to it: each event has its effect once, in the order of its node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jetstream.fleet import Plan, carry_out

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nats_server import NatsServer


@pytest.mark.timeout(180)
async def test_a_fleet_that_is_treated_badly(nats_server: NatsServer, tmp_path: Path) -> None:
    """10,000 events of 1,000 nodes: three hosts are killed, others added, the server is restarted."""
    plan = Plan(10_000, kills=3, restarts=1, pause_s=1.5, seed=7)
    assert await carry_out(plan, nats_server, tmp_path) == []

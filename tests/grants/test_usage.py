"""What observers use is counted, in threads and in shards alike, and outlives the host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.grants.test_pseudonyms import BARE, EVENT
from tests.host.helpers import CONNECTED, CTX, NODE, MemorySink, config, guest
from wasmhost import ObserverHost, RuntimeContext
from wasmhost.contract.records import CredentialRenewed, DataStreamDeliveryUncertain
from wasmhost.grants.usage import Used, read_usage

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.config.model import Isolation

EVERYTHING = frozenset({"config", "metrics", "report", "state", "peer", "self", "stream", "credential"})
ERROR = "on_error"
RENEWED = "on_credential_renewed"

# What each capability is called with, in a hook of its own.
USES = {
    "state": "(call $load (i32.const 64))",
    "metrics": "(call $add (i32.const 16) (i32.const 4) (i64.const 1))",
    "report": "(call $report (i32.const 16) (i32.const 4) (i32.const 2048) (i32.const 9))",
}


async def used(
    folder: Path, module: bytes, isolation: Isolation = "thread", grant: frozenset[str] = EVERYTHING
) -> dict[Used, int]:
    """Run a module for a few events; what the database says it used."""
    db = folder / "a.db"
    settings = config(folder, {"a": module}, replace(BARE, grant=grant), db=db)
    with capture_logs():
        async with ObserverHost(replace(settings, isolation=isolation, shards=1), sink=MemorySink()) as host:
            host.emit(EVENT, CTX)
            host.emit(EVENT, CTX)
            host.emit(CredentialRenewed(5), RuntimeContext(NODE, NODE, ""))
            host.emit(DataStreamDeliveryUncertain("s", 1, "r"), CTX)
    sha256 = host.summary().observers[0].module_sha256
    assert sha256 is not None
    return read_usage(db, "a", sha256)


@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_hooks_and_fields_are_counted_as_they_are_given(tmp_path: Path, isolation: Isolation) -> None:
    """A caller is a peer too. A second run adds to the first."""
    module = guest({CONNECTED: "", RENEWED: "", ERROR: "(i32.const 0)"})
    expected = {
        Used("hook", CONNECTED): 2,
        Used("hook", RENEWED): 1,
        Used("hook", ERROR): 1,
        Used("field", "peer"): 3,
        Used("field", "self"): 4,
        Used("field", "credential"): 1,
        Used("field", "stream"): 1,
    }
    assert await used(tmp_path, module, isolation) == expected
    assert await used(tmp_path, module, isolation) == {what: 2 * count for what, count in expected.items()}


async def test_what_is_disguised_is_not_used(tmp_path: Path) -> None:
    """Nothing is counted for it."""
    found = await used(tmp_path, guest({CONNECTED: ""}), grant=frozenset({"report", "self"}))
    assert found == {Used("hook", CONNECTED): 2, Used("field", "self"): 2}


@pytest.mark.parametrize("isolation", ["thread", "process"])
@pytest.mark.parametrize("capability", USES)
async def test_a_capability_is_used_once_it_is_called(
    tmp_path: Path, isolation: Isolation, capability: str
) -> None:
    """That it is imported is not enough."""
    module = guest({CONNECTED: USES[capability], RENEWED: ""})
    found = await used(tmp_path, module, isolation, EVERYTHING - {"peer", "self", "credential"})
    assert {what for what in found if what.kind == "capability"} == {Used("capability", capability)}
    idle = guest({CONNECTED: f"(if (i32.const 0) (then {USES[capability]}))"})
    found = await used(tmp_path, idle, isolation, EVERYTHING)
    assert not {what for what in found if what.kind == "capability"}


async def test_a_look_at_the_state_before_a_trap_counts(tmp_path: Path) -> None:
    """The sandbox is thrown away, and what it had asked for is not."""
    found = await used(tmp_path, guest({CONNECTED: USES["state"] + "unreachable"}))
    assert found[Used("capability", "state")] == 1

"""A real WebRTC event: encoded, and on its whole way from `emit` to delivered."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

from wasmhost.bench.subjects import GUEST_WAT, HOOK
from wasmhost.config import HostConfig, ObserverDefaults
from wasmhost.config.model import DEFAULT_GRANT, GRANTABLE_FIELDS
from wasmhost.contract.codec import encode_event
from wasmhost.contract.records import (
    ActrId,
    ActrType,
    PeerEvent,
    PeerStatus,
    Realm,
    RuntimeContext,
    WebRtcConnected,
)
from wasmhost.errors import InternalError
from wasmhost.host.host import ObserverHost

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS: Final = 10_000
_AT: Final = 1_795_410_003_544_380_196
_SELF: Final = ActrId(Realm(7), 1, ActrType("lab", "Echo", "1.0.0"))
_PEER: Final = ActrId(Realm(7), 2, ActrType("lab", "Caller", "1.0.0"))


def an_event(number: int) -> tuple[WebRtcConnected, RuntimeContext]:
    """The event and its context, as a node makes them: known identities, a request of its own."""
    return (
        WebRtcConnected(_PEER, False, PeerStatus.CONNECTED),
        RuntimeContext(_SELF, None, f"hook-{number}"),
    )


def encoding() -> Callable[[], object]:
    """The event encoded, its identities having been seen before."""
    ctx, payload = RuntimeContext(_SELF, None, "hook-14"), PeerEvent(_PEER, False, PeerStatus.CONNECTED)
    return lambda: encode_event(HOOK, 14, _AT, ctx, payload)


async def emit_to_delivered(rounds: int, *, disguised: bool) -> float:
    """Nanoseconds per event, of the best round: all emitted as fast as it goes, until all are delivered.

    ``disguised``: to an observer that is granted no field, else to one that is granted all.
    """
    emitted = [an_event(number) for number in range(EVENTS)]
    with tempfile.TemporaryDirectory(prefix="wasmhost-bench-") as folder:
        module = Path(folder, "guest.wasm")
        module.write_bytes(wasmtime.wat2wasm(GUEST_WAT))
        config = HostConfig(db=None, reports=str(Path(folder, "reports")))
        grant = DEFAULT_GRANT if disguised else DEFAULT_GRANT | GRANTABLE_FIELDS
        observer = replace(ObserverDefaults(), mailbox=2 * EVENTS, grant=grant).observer("bench", module)
        async with ObserverHost(replace(config, observers=(observer,))) as host:
            best = min([await _round(host, emitted) for _ in range(rounds)])
            (line,) = host.summary().observers
        if line.delivered != rounds * EVENTS:
            raise InternalError(f"{line.delivered} of {rounds * EVENTS} events were delivered")
        return best


async def _round(host: ObserverHost, emitted: list[tuple[WebRtcConnected, RuntimeContext]]) -> float:
    begun = time.perf_counter_ns()
    for event, ctx in emitted:
        host.emit(event, ctx, at=_AT)
    await host.drain()
    return (time.perf_counter_ns() - begun) / len(emitted)

"""The one place that looks inside of aioice, for two things that aiortc has no public way to.

Both are asked of a connection that has its transports: after ``createDataChannel``, or the peer's offer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aioice import Candidate, Connection
    from aiortc import RTCPeerConnection

LOOPBACK = "127.0.0.1"


def only_loopback(connection: RTCPeerConnection) -> None:
    """Have the connection gather one candidate, 127.0.0.1; to be called before ``setLocalDescription``.

    By itself aioice takes every address of the machine but this one.
    """
    agent = _agent(connection)
    gather = agent.get_component_candidates

    async def gather_loopback(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:  # noqa: ARG001, ASYNC109 - its signature
        return await gather(component, [LOOPBACK], timeout)

    agent.get_component_candidates = gather_loopback  # type: ignore[method-assign] # of this agent alone


def is_relayed(connection: RTCPeerConnection) -> bool | None:
    """Tell whether the candidate pair in use has a relay at either end; None where none is in use."""
    pairs = _agent(connection)._nominated.values()  # noqa: SLF001 - see above
    kinds = {kind for pair in pairs for kind in (pair.local_candidate.type, pair.remote_candidate.type)}
    return "relay" in kinds if kinds else None


def _agent(connection: RTCPeerConnection) -> Connection:
    if connection.sctp is None:
        raise ValueError("the connection has no transport yet")
    return connection.sctp.transport.transport._connection  # noqa: SLF001 - see above

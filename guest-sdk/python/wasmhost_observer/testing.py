"""A stand-in for the host, for an author's own unit tests in plain Python.

.. code-block:: python

    with Host(config={"threshold": "0.5"}) as host:
        watch = RelayWatch()
        watch.on_webrtc_connected(ctx, PeerEvent(peer, relayed=True))
    assert host.reports == [("relay-share", encode({"realm": 7, …}))]

It keeps no limits and says nothing of fuel: ``wasmhost test`` runs the module itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wasmhost_observer import raw
from wasmhost_observer.writing import encode

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["Host", "encode"]


@dataclass
class Host:
    """Answers what an observer asks, and keeps what it gives. Used in a ``with``.

    ``logs``: level and line; ``reports``: topic and encoded body; ``metrics``: name and number.
    """

    config: dict[str, str] = field(default_factory=dict)
    state: bytes | None = None
    now: int = 0
    sequence: int = 0
    lost: int = 0
    random: int = 0
    logs: list[tuple[str, str]] = field(default_factory=list)
    reports: list[tuple[str, bytes]] = field(default_factory=list)
    metrics: list[tuple[str, float]] = field(default_factory=list)
    panic: str | None = None

    def call(self, interface: str, function: str, arguments: tuple[Any, ...]) -> Any:
        """Answer an import; see `raw.StandIn`."""
        match interface, function, arguments:
            case "delivery", name, ():
                return getattr(self, name)
            case "config", "get", (key,):
                return self.config.get(key)
            case "state", "load", ():
                return self.state
            case "state", "save", (blob,):
                self.state = raw.narrowed(blob)
            case "log", "write", (level, line):
                self.logs.append((level.name.lower(), line))
            case "report", "send", (topic, body):
                self.reports.append((topic, raw.narrowed(body)))
            case "metrics", _, (name, number):
                self.metrics.append((name, number))
            case "panic", "report", (words,):
                self.panic = words
        return None

    def __enter__(self) -> Self:
        raw.stand_in = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raw.stand_in = None

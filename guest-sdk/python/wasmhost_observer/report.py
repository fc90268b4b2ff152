"""Findings: what an observer is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost_observer import raw
from wasmhost_observer.writing import encode

if TYPE_CHECKING:
    from wasmhost_observer.writing import Item

_send: Final = raw.imported("report", "send")


def send(topic: str, body: Item) -> None:
    """Send a finding, its body as deterministic CBOR. The topic is at most 256 bytes."""
    _send(raw.text(topic), raw.widened(encode(body)))

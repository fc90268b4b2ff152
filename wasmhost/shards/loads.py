"""What a shard is told before events come: how to be set up, and which observers to run.

It comes from the host, whom a shard trusts: so it is plain CBOR.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import cbor2

from wasmhost.config import Limits, ObserverConfig, Quarantine, Rates
from wasmhost.sandbox.compiling import Artifact


@dataclass(frozen=True, slots=True)
class Setup:
    """``level``: least level of log lines."""

    lossless: bool
    level: int


@dataclass(frozen=True, slots=True)
class Load:
    """One observer: its place, its settings, its module, what that was compiled to, its state and past.

    ``number`` is noted as its letter in hand while it is loaded.
    """

    index: int
    number: int
    observer: ObserverConfig
    wasm: bytes
    artifact: Artifact
    state: bytes | None
    panics: list[tuple[str, float]]


def write_setup(setup: Setup) -> bytes:
    """Write the body of a frame."""
    return cbor2.dumps(asdict(setup))


def read_setup(body: bytes) -> Setup:
    """Read what `write_setup` wrote."""
    values = cbor2.loads(body)
    return Setup(values["lossless"], values["level"])


def write_load(load: Load) -> bytes:
    """Write the body of a frame."""
    values = {item.name: getattr(load, item.name) for item in fields(Load)}
    values["observer"] = _plain(asdict(load.observer))
    values["artifact"] = (load.artifact.kind, load.artifact.code)
    return cbor2.dumps(values)


def read_load(body: bytes) -> Load:
    """Read what `write_load` wrote."""
    values = cbor2.loads(body)
    values["observer"] = _observer(values["observer"])
    values["artifact"] = Artifact(*values["artifact"])
    values["panics"] = [(hook, when) for hook, when in values["panics"]]
    return Load(**values)


# Any: settings by name, as plain values that CBOR has.
def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Settings as CBOR has them: no sets, no paths."""
    return {
        name: sorted(value)
        if isinstance(value, frozenset)
        else str(value)
        if isinstance(value, Path)
        else value
        for name, value in values.items()
    }


def _observer(values: dict[str, Any]) -> ObserverConfig:
    hooks, quarantine, rates = values["hooks"], values["quarantine"], values["rates"]
    return ObserverConfig(
        **{
            **values,
            "hooks": None if hooks is None else frozenset(hooks),
            "grant": frozenset(values["grant"]),
            "limits": Limits(**values["limits"]),
            "backoff_ms": tuple(values["backoff_ms"]),
            "rates": None if rates is None else Rates(**rates),
            "quarantine": None if quarantine is None else Quarantine(**quarantine),
            "module": Path(values["module"]),
        }
    )

"""The host's configuration: its records, and ``wasmhost.toml`` that they are read from."""

from wasmhost.config.load import load_config
from wasmhost.config.model import (
    GRANTABLE,
    HostConfig,
    Limits,
    ObserverConfig,
    ObserverDefaults,
    Overflow,
    Quarantine,
    Rates,
    is_safe_name,
    name_observers,
)

__all__ = [
    "GRANTABLE",
    "HostConfig",
    "Limits",
    "ObserverConfig",
    "ObserverDefaults",
    "Overflow",
    "Quarantine",
    "Rates",
    "is_safe_name",
    "load_config",
    "name_observers",
]

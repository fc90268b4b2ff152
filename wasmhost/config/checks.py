"""Checks for what both a host's configuration and an observer's project say: hooks, capabilities, config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.config.model import (
    ALWAYS_GRANTED,
    CONFIG_BYTES,
    CONFIG_ENTRY_OVERHEAD,
    GRANTABLE,
    GRANTABLE_FIELDS,
    WHAT_IS,
    is_safe_name,
)
from wasmhost.config.nodes import suggestion, text
from wasmhost.contract.hooks import HOOK_BY_NAME

if TYPE_CHECKING:
    from wasmhost.config.nodes import Node


def hooks(node: Node) -> frozenset[str]:
    """Check for hooks by name, one at least."""
    named = [(text(element), element) for element in node.elements()]
    if not named:
        raise node.error("is empty: the observer would never be called; leave it out for all hooks")
    for hook, element in named:
        if hook not in HOOK_BY_NAME:
            guess = suggestion(hook.replace("-", "_"), HOOK_BY_NAME)
            raise element.error(f"names an unknown hook, {element.shown()}{guess}")
    return frozenset(hook for hook, _ in named)


def grants(node: Node) -> frozenset[str]:
    """Check for capabilities and fields by name; what every observer has is accepted and left out."""
    named = [(text(element), element) for element in node.elements()]
    grantable = GRANTABLE | GRANTABLE_FIELDS
    for name, element in named:
        if name not in grantable | ALWAYS_GRANTED:
            guess = suggestion(name, grantable) or f"; {WHAT_IS}"
            raise element.error(f"names an unknown capability or field, {element.shown()}{guess}")
    return frozenset(name for name, _ in named) & grantable


def capabilities(node: Node) -> frozenset[str]:
    """Check for capabilities by name; those that every observer has are accepted and left out."""
    named = [(text(element), element) for element in node.elements()]
    for name, element in named:
        if name not in GRANTABLE | ALWAYS_GRANTED:
            known = f"those that can be granted are {', '.join(sorted(GRANTABLE))}"
            guess = suggestion(name, GRANTABLE) or f"; {known}"
            raise element.error(f"names an unknown capability, {element.shown()}{guess}")
    return frozenset(name for name, _ in named) & GRANTABLE


def safe_name(node: Node) -> str:
    """Check for a name that is safe wherever it is shown."""
    name = text(node)
    if not is_safe_name(name):
        raise node.error(
            "must be up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit, "
            f"not {node.shown()}"
        )
    return name


def config(node: Node) -> dict[str, str]:
    """Check for a guest's config: strings only, and no more than its sandbox has room for."""
    found: dict[str, str] = {}
    size = 0
    for key, value in node.entries().items():
        if not isinstance(value.raw, str):
            advice = "quote it" if isinstance(value.raw, (bool, int, float)) else "guests get strings only"
            raise value.error(f"must be a string, not {value.shown()}: {advice}")
        found[key] = value.raw
        size += CONFIG_ENTRY_OVERHEAD + len(key.encode()) + len(value.raw.encode())
        if size > CONFIG_BYTES:
            entry = f"{CONFIG_ENTRY_OVERHEAD} bytes, the key and the value for each entry"
            raise node.error(f"takes more than {CONFIG_BYTES} bytes ({entry})")
    return found

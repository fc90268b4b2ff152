"""What a module says of itself: the custom section ``wasmhost:manifest`` that `wasmhost build` embeds.

A manifest asks; the operator's configuration grants. It is one CBOR map in core deterministic encoding
(`wit/manifest.cddl` is its schema), written by a stranger like the module around it, so it is bounded,
scanned before it is decoded, and every text in it is escaped where it is shown.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import cbor2

from wasmhost.contract.hooks import HOOK_BY_NAME, HOOKS
from wasmhost.contract.scan import Malformed, Truncated, scan

if TYPE_CHECKING:
    from collections.abc import Callable

SECTION: Final = "wasmhost:manifest"
MAX_BYTES: Final = 8192
FIELDS: Final = ("peer", "self", "stream", "credential")
"""Parts of an event that an observer may be given only in disguise, by the names a grant has for them."""

_VERSION: Final = 1
_MAX_WORD: Final = 64
_MAX_WORDS: Final = 64
_NAME: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{_MAX_WORD - 1}}}")
_LISTS: Final = frozenset({"hooks", "capabilities", "optional", "fields"})


class ManifestError(ValueError):
    """A manifest is not what the contract says; the message says how, without the module's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a module asks for.

    ``hooks`` in snake_case, in the contract's order: those it really serves, where its exports cannot
    tell, because a component exports whole interfaces. ``capabilities`` it wants, and ``fields`` of events
    it wants undisguised; ``optional`` those of either that it can do without. ``language`` and ``sdk`` (a
    version) say what it was written with; "" where nobody does.
    """

    name: str
    version: str
    hooks: tuple[str, ...]
    capabilities: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    language: str = ""
    sdk: str = ""

    def as_map(self) -> dict[str, object]:
        """Give it as a map of plain values, as `encode_manifest` writes it."""
        values: dict[str, object] = {"manifest": _VERSION}
        for name, value in asdict(self).items():
            values[name] = list(value) if name in _LISTS else value
        return values


def encode_manifest(manifest: Manifest) -> bytes:
    """Write a manifest.

    :raises ManifestError: it says something that no manifest may say.
    """
    _check(manifest.as_map())
    data = cbor2.dumps(manifest.as_map(), canonical=True)
    if len(data) > MAX_BYTES:
        raise ManifestError(f"it takes {len(data):,} bytes, more than {MAX_BYTES:,}")
    return data


def decode_manifest(data: bytes) -> Manifest:
    """Read what the section of a module holds. Keys it does not know it passes over.

    :raises ManifestError: it is no manifest.
    """
    if len(data) > MAX_BYTES:
        raise ManifestError(f"it takes {len(data):,} bytes, more than {MAX_BYTES:,}")
    try:
        found = scan(data, max_bytes=MAX_BYTES)
    except (Malformed, Truncated) as error:
        raise ManifestError(f"it is no CBOR: {error}") from None
    if found.problem is not None or found.end != len(data):
        raise ManifestError(found.problem or "something follows its CBOR item")
    value = cbor2.loads(data)
    if not isinstance(value, dict):
        raise ManifestError("it is no map")
    _check(value)
    known: dict[str, Any] = {item.name: value[item.name] for item in fields(Manifest) if item.name in value}
    for name in _LISTS & known.keys():
        known[name] = tuple(known[name])
    return Manifest(**known)


def in_order(hooks: frozenset[str] | set[str]) -> tuple[str, ...]:
    """Hooks by name in the contract's order."""
    return tuple(hook.name for hook in HOOKS if hook.name in hooks)


# Any: what a stranger's CBOR holds, until it is checked.
def _check(value: dict[str, Any]) -> None:
    version = value.get("manifest")
    if type(version) is not int or version != _VERSION:  # True and 1.0 are equal to it
        raise ManifestError(f'its "manifest" is not {_VERSION}, the only version there is')
    for name, (needed, is_right, wanted) in _RULES.items():
        if name not in value:
            if needed:
                raise ManifestError(f'it has no "{name}"')
        elif not is_right(value[name]):
            raise ManifestError(f'its "{name}" must be {wanted}')
    strange = [hook for hook in value["hooks"] if hook not in HOOK_BY_NAME]
    if strange:
        raise ManifestError(f"it names a hook that there is not: {strange[0]}")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_word(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_WORD and value.isprintable()


def _is_list(value: object) -> bool:
    if not isinstance(value, list) or len(value) > _MAX_WORDS:
        return False
    return all(_is_name(item) for item in value) and len(set(value)) == len(value)


_WORD_RULE: Final = f"at most {_MAX_WORD} printable characters"
_LIST_RULE: Final = f"a list of at most {_MAX_WORDS} names, none twice"
_RULES: Final[dict[str, tuple[bool, Callable[[object], bool], str]]] = {
    "name": (True, _is_name, f"1 to {_MAX_WORD} letters, digits, dots, dashes or underscores"),
    "version": (True, _is_word, _WORD_RULE),
    "language": (False, _is_word, _WORD_RULE),
    "sdk": (False, _is_word, _WORD_RULE),
    **{name: (name == "hooks", _is_list, _LIST_RULE) for name in sorted(_LISTS)},
}

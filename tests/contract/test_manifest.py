"""What a module says of itself: it, or a `ManifestError`, whatever the bytes."""

from __future__ import annotations

import contextlib
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.manifest import (
    MAX_BYTES,
    Manifest,
    ManifestError,
    decode_manifest,
    encode_manifest,
    in_order,
)

NAMES = [hook.name for hook in HOOKS]
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
words = st.text(st.characters(exclude_categories=("C", "Z")), max_size=64)
lists = st.lists(names, unique=True, max_size=10).map(tuple)
manifests = st.builds(
    Manifest,
    name=names,
    version=words,
    hooks=st.sets(st.sampled_from(NAMES)).map(in_order),
    capabilities=lists,
    optional=lists,
    fields=lists,
    language=words,
    sdk=words,
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 99), inner),
    max_leaves=12,
)
GOOD: dict[str, Any] = {"manifest": 1, "name": "x", "version": "1", "hooks": ["on_start"]}


def refused(value: object) -> str:
    """Encode what is no manifest, and have it refused; the reason."""
    with pytest.raises(ManifestError) as caught:
        decode_manifest(cbor2.dumps(value, canonical=True))
    return str(caught.value)


@given(manifests)
def test_a_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    """In one form only, which is deterministic CBOR, whoever writes it."""
    data = encode_manifest(manifest)
    assert len(data) <= MAX_BYTES
    assert decode_manifest(data) == manifest
    assert data == cbor2.dumps(cbor2.loads(data), canonical=True)
    assert cbor2.loads(data) == manifest.as_map()


def test_what_may_be_left_out_may_be_left_out() -> None:
    """Name, version and hooks are said; a hook may be on the list of none."""
    assert decode_manifest(cbor2.dumps(GOOD, canonical=True)) == Manifest(
        name="x", version="1", hooks=("on_start",)
    )
    for name in GOOD:
        assert refused({key: value for key, value in GOOD.items() if key != name})


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.integers() | st.text(max_size=9), max_size=5))
def test_keys_that_are_not_known_are_passed_over(more: dict[str, Any]) -> None:
    """A newer host may know them."""
    known = dict.fromkeys(["capabilities", "optional", "fields", "language", "sdk", *GOOD])
    strange = {
        key: value
        for key, value in more.items()
        if key not in known and (isinstance(value, str) or -(2**63) <= value < 2**63)
    }
    assert decode_manifest(cbor2.dumps(strange | GOOD, canonical=True)).name == "x"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """By one kind of error."""
    with contextlib.suppress(ManifestError):
        decode_manifest(data)


@given(anything)
def test_any_cbor_is_read_or_refused(value: object) -> None:
    """Likewise."""
    with contextlib.suppress(ManifestError):
        decode_manifest(cbor2.dumps(value))


@given(st.sampled_from([*GOOD, "capabilities", "optional", "fields", "language", "sdk"]), anything)
def test_any_value_of_a_known_key_is_read_or_refused(key: str, value: object) -> None:
    """And what is read is what may be written again."""
    with contextlib.suppress(ManifestError):
        manifest = decode_manifest(cbor2.dumps(GOOD | {key: value}, canonical=True))
        assert decode_manifest(encode_manifest(manifest)) == manifest


@given(manifests, st.data())
def test_a_manifest_that_is_cut_or_goes_on_is_refused(manifest: Manifest, data: st.DataObject) -> None:
    """It is one item, whole."""
    encoded = encode_manifest(manifest)
    with pytest.raises(ManifestError):
        decode_manifest(encoded[: data.draw(st.integers(0, len(encoded) - 1))])
    with pytest.raises(ManifestError):
        decode_manifest(encoded + data.draw(st.binary(min_size=1, max_size=5)))


WRONG: dict[str, dict[str, Any]] = {
    "version 2": {"manifest": 2},
    "version true": {"manifest": True},
    "version 1.0": {"manifest": 1.0},
    "a list for a version": {"manifest": [1]},
    "no name": {"name": ""},
    "a long name": {"name": "n" * 65},
    "a name with a space": {"name": "a b"},
    "a name that begins with a dot": {"name": ".a"},
    "a name with a newline": {"name": "a\n"},
    "a name that is bytes": {"name": b"a"},
    "a name in another script": {"name": "größe"},
    "a long version": {"version": "1" * 65},
    "a version with a newline": {"version": "1\n"},
    "a version that is a number": {"version": 1},
    "hooks that are a map": {"hooks": {"on_start": 1}},
    "hooks that are a text": {"hooks": "on_start"},
    "a hook twice": {"hooks": ["on_start", "on_start"]},
    "a hook that there is not": {"hooks": ["on_strat"]},
    "a hook in kebab-case": {"hooks": ["on-start"]},
    "a hook that is a list": {"hooks": [["on_start"]]},
    "65 capabilities": {"capabilities": [f"c{number}" for number in range(65)]},
    "a capability that is a number": {"capabilities": [1]},
    "an escape in a field": {"fields": ["\x1b[2J"]},
    "a language that is a list": {"language": ["rust"]},
    "null for a language": {"language": None},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_no_manifest_may_say_is_refused(change: dict[str, Any]) -> None:
    """Read or written; and the reason names the key."""
    reason = refused(GOOD | change)
    assert next(iter(change)) in reason or "hook" in reason


def test_what_could_not_be_read_is_not_written() -> None:
    """By the same rules."""
    for wrong in ({"name": ""}, {"version": "\n"}, {"hooks": ("on_strat",)}, {"fields": ("a", "a")}):
        with pytest.raises(ManifestError):
            encode_manifest(Manifest(**({"name": "x", "version": "1", "hooks": ()} | wrong)))  # type: ignore[arg-type]
    long = tuple(f"{number:03}" + "x" * 61 for number in range(64))
    with pytest.raises(ManifestError, match="more than 8,192"):
        encode_manifest(
            Manifest(name="x", version="1", hooks=(), capabilities=long, optional=long, fields=long)
        )


def test_hooks_are_put_in_order() -> None:
    """The contract's, whatever the set's."""
    assert in_order(frozenset(NAMES)) == tuple(NAMES)
    assert in_order({"on_stop", "on_start"}) == ("on_start", "on_stop")

"""``wit/manifest.cddl`` and the code agree on what a manifest is, with a CDDL library as the judge."""

from __future__ import annotations

import cbor2
import pycddl  # type: ignore[import-untyped]
import pytest

from tests.contract.wit_reader import WIT
from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.manifest import Manifest, ManifestError, decode_manifest, encode_manifest

# Without the line that lets unknown keys pass: the library would let a known one of a wrong type pass by it.
TEXT = (WIT / "manifest.cddl").read_text(encoding="utf-8").replace("  * tstr => any,\n", "")
SCHEMA = pycddl.Schema(TEXT)
FULL = Manifest(
    name="relay-watch",
    version="1.0.0-größe",
    hooks=tuple(hook.name for hook in HOOKS),
    capabilities=("config", "state"),
    optional=("state",),
    fields=("peer",),
    language="rust",
    sdk="0.1.0",
)
BROKEN: dict[str, dict[str, object]] = {
    "another version": {"manifest": 2},
    "no name": {"name": None},
    "a number for a version": {"version": 1},
    "hooks as a text": {"hooks": "on_start"},
    "a hook that there is not": {"hooks": ["on_nothing"]},
    "a capability that is a number": {"capabilities": [1]},
    "more capabilities than anybody has": {"capabilities": [f"c{number}" for number in range(65)]},
}


@pytest.mark.parametrize("manifest", [FULL, Manifest(name="a", version="", hooks=("on_stop",))])
def test_what_the_code_writes_is_valid(manifest: Manifest) -> None:
    """With everything in it, and with next to nothing."""
    SCHEMA.validate_cbor(encode_manifest(manifest))


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_what_one_refuses_the_other_does_too(change: dict[str, object]) -> None:
    """A fault at a time."""
    data = cbor2.dumps(FULL.as_map() | change, canonical=True)
    with pytest.raises(ManifestError):
        decode_manifest(data)
    with pytest.raises(pycddl.ValidationError):
        SCHEMA.validate_cbor(data)

"""Manifests: whatever stands in a module's custom sections, there is a manifest, or none, or a reason.

The first byte says whether the rest is the whole module, or the manifest of one, or CBOR in two of them.
"""

from __future__ import annotations

from typing import Final

from tests.fuzz.targets.said import one_line
from wasmhost.contract.manifest import SECTION, Manifest, decode_manifest, encode_manifest
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.guest import read_manifest
from wasmhost.sandbox.sections import Section, join, vector

_HEADERS: Final = (b"\0asm\1\0\0\0", b"\0asm\x0d\0\1\0")
_WORDS: Final = 2_000


def check(data: bytes) -> None:
    """Read what a module says of itself."""
    how, rest = (data[0], data[1:]) if data else (0, b"")
    header = _HEADERS[how & 1]
    match how >> 1 & 3:
        case 0:
            module = header + rest
        case 1:
            module = join(header, [section(rest)])
        case 2:
            module = join(header, [Section(1, b"\0"), section(rest), section(rest)])
        case _:
            module = rest
    try:
        found = read_manifest(module)
    except GuestRefused as error:
        one_line(error)
        return
    if found is not None:
        _check_manifest(found)


def section(content: bytes) -> Section:
    """The section of a manifest with this in it."""
    return Section(0, vector(SECTION.encode()) + content)


def _check_manifest(manifest: Manifest) -> None:
    texts = [manifest.name, manifest.version, manifest.language, manifest.sdk]
    for words in (manifest.hooks, manifest.capabilities, manifest.optional, manifest.fields):
        texts += words
    assert sum(map(len, texts)) <= 4 * 64 * 64 + _WORDS
    assert all(text.isprintable() for text in texts), "a text that is not printable"
    assert decode_manifest(encode_manifest(manifest)) == manifest, "written and read, it is another"


def corpus() -> list[bytes]:
    """Two manifests, bare and in modules of either kind."""
    small = Manifest(name="small", version="1", hooks=("on_start",))
    full = Manifest(
        name="full-1.x",
        version="1.2.3",
        hooks=("on_start", "on_webrtc_connected"),
        capabilities=("report", "state"),
        optional=("state",),
        fields=("peer", "self"),
        language="zig",
        sdk="0.1.0",
    )
    written = [encode_manifest(small), encode_manifest(full)]
    modules = [join(_HEADERS[0], [section(content)])[8:] for content in written]
    return [bytes((how,)) + content for content in written for how in (2, 3, 4)] + [
        b"\0" + m for m in modules
    ]

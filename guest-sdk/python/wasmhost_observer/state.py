"""One blob that outlives the sandbox. To import this is to ask for it: it is not granted by default."""

from __future__ import annotations

from typing import Final

from wasmhost_observer import raw

_load: Final = raw.imported("state", "load")
_save: Final = raw.imported("state", "save")


def load() -> bytes | None:
    """Return the blob as last saved, None where there is none."""
    blob: bytes | None = _load()
    return blob


def save(blob: bytes | bytearray | memoryview) -> None:
    """Replace the blob, of at most 65,536 bytes. It counts once the hook has returned."""
    _save(raw.widened(bytes(memoryview(blob))))

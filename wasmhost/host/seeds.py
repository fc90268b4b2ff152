"""What the random streams of one guest start from: one number for each source of events."""

from __future__ import annotations

from typing import Final

from wasmhost.sandbox.instance import stream_seed

REMEMBERED: Final = 1024


class SourceSeeds(dict[str, int]):
    """The seed of each source by its name, worked out when it is first asked for.

    Very many sources cost working it out again, never memory. Used by one thread at a time.
    """

    def __init__(self, module_sha256: str, observer: str) -> None:
        super().__init__()
        self._module_sha256 = module_sha256
        self._observer = observer

    def __missing__(self, src: str) -> int:
        if len(self) >= REMEMBERED:
            self.clear()
        seed = self[src] = stream_seed(self._module_sha256, self._observer, src)
        return seed

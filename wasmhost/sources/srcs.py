"""Up to which event each source was taken: by that repetitions are known, and acknowledged."""

from __future__ import annotations

from typing import Protocol


class Speaker(Protocol):
    """Whoever speaks for a source."""

    def give_way(self) -> None:
        """Somebody else speaks for it from now on."""
        ...


class Src:
    """One source that wants acknowledgements. ``owner``: who may speak for it.

    ``seen`` is the highest number that came, ``taken`` the highest that the host has taken; both are -1
    where there is none. They differ only while what was just read is being handed on.
    """

    __slots__ = ("name", "owner", "seen", "speaker", "taken")

    def __init__(self, name: str, owner: str, speaker: Speaker) -> None:
        self.name = name
        self.owner = owner
        self.seen = -1
        self.taken = -1
        self.speaker: Speaker | None = speaker


class SrcTable:
    """The sources of a listener: those that are connected, and of the others the ``capacity`` last heard.

    A source without a connection of which nothing was taken is not remembered.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._connected: dict[str, Src] = {}
        self._remembered: dict[str, Src] = {}  # in the order of their leaving

    def speak_for(self, name: str, owner: str, speaker: Speaker) -> Src | None:
        """Return the source for which ``speaker`` speaks from now on; None where it is somebody else's.

        Whoever spoke for it until now gives way.
        """
        src = self._connected.get(name) or self._remembered.get(name)
        if src is None:
            src = Src(name, owner, speaker)
        elif src.owner != owner:
            return None
        before, src.speaker = src.speaker, speaker
        self._remembered.pop(name, None)
        self._connected[name] = src
        if before is not None and before is not speaker:
            before.give_way()
        return src

    def leave(self, src: Src, speaker: Speaker) -> None:
        """Note that ``speaker`` is gone; of no account if somebody else speaks for the source by now."""
        if src.speaker is not speaker:
            return
        src.speaker = None
        del self._connected[src.name]
        if src.taken < 0:
            return
        self._remembered[src.name] = src
        if len(self._remembered) > self._capacity:
            del self._remembered[next(iter(self._remembered))]

    def belongs_to_another(self, name: str, owner: str) -> bool:
        """Whether ``name`` is a source here of which ``owner`` may not speak."""
        src = self._connected.get(name) or self._remembered.get(name)
        return src is not None and src.owner != owner

    def __len__(self) -> int:
        return len(self._connected) + len(self._remembered)

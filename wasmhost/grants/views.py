"""What each profile sees of one event: made when somebody first looks, once for all who share the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.contract.codec import decode_event
from wasmhost.grants.redact import redacted

if TYPE_CHECKING:
    from wasmhost.contract.codec import Decoded, Frame
    from wasmhost.grants.profiles import Profile


class Views:
    """The views of one event. Safe from any thread."""

    __slots__ = ("_event", "_frame", "_made", "_ours")

    def __init__(self, frame: Frame, event: Decoded | None = None) -> None:
        """``event``: the records that the frame was just made of, where somebody has them."""
        self._frame = frame
        self._event = event
        self._ours = event is not None
        self._made: dict[Profile, Frame] = {}

    def of(self, profile: Profile) -> Frame:
        """Return what a profile sees of it."""
        view = self._made.get(profile)
        if view is None:
            with profile.lock:
                view = self._made.get(profile) or self._make(profile)
        return view

    def _make(self, profile: Profile) -> Frame:
        event = self._event
        if event is None:
            event = self._event = decode_event(self._frame.data)
        view = self._made[profile] = redacted(self._frame, event, profile, ours=self._ours)
        return view

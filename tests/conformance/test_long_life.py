"""An observer that lives long stays as small as it was."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.conformance.memory import BOX_PAGES, confine
from tests.guests.helpers import peer_event
from wasmhost.authoring.samples import SAMPLES
from wasmhost.errors import GuestRefused

if TYPE_CHECKING:
    from tests.guests.languages import Language
    from wasmhost.testing import Desk, Observer

CONFIG = {"value": "v" * 100, "error": "e" * 100}
LARGE = cbor2.dumps(peer_event("on_webrtc_connected", padding="x" * 60_000), canonical=True)
SMALL = cbor2.dumps(
    {"at": 1, "seq": 0, "hook": "on_signaling_connected", "event": {}, "src": "s"}, canonical=True
)


def frame(turn: int) -> tuple[str, bytes]:
    """Mostly small events, so that a slow language gets through; every fifth with answers and a result."""
    if turn % 500 == 0:
        return "on_ready", SAMPLES["on_ready"].data
    if turn % 10 == 0:
        return "on_webrtc_connected", SAMPLES["on_webrtc_connected"].data
    if turn % 5 == 0:
        return "on_stop", SAMPLES["on_stop"].data
    return "on_signaling_connected", SMALL


def live(observer: Observer, events: int) -> int:
    """Deliver so many events, or as many as it bears."""
    sandbox, hooks = observer.sandbox, observer.guest.hook_index()
    for _ in range(3):
        if sandbox.deliver(hooks["on_webrtc_connected"], LARGE).trap is not None:
            return 0
    for turn in range(events):
        hook, data = frame(turn)
        if sandbox.deliver(hooks[hook], data).trap is not None:
            return turn
    return events


@pytest.mark.timeout(600)  # half a minute where nothing else runs, in QuickJS and in Python
def test_a_long_life_takes_no_more_memory(observer_host: Desk, language: Language, probe: bytes) -> None:
    """100,000 events within what the first few and the largest there is have made it take.

    Where a guest takes more than the host's own box, the limit is close: with a fifth less it fails soon.
    """
    observer = confine(observer_host(probe, config=CONFIG), language.settled_pages)
    assert live(observer, language.long_life) == language.long_life
    if language.settled_pages > BOX_PAGES:
        confine(observer, language.settled_pages * 4 // 5)
        with contextlib.suppress(GuestRefused):  # it does not even start
            assert live(observer, language.long_life) < language.long_life

"""When two panics are the same one."""

from __future__ import annotations

import pytest

from tests.panics.helpers import PANIC, panic
from wasmhost.panics.record import PanicKind, frame_function, signature


def test_signature_is_stable() -> None:
    """The digest is stored, so it must not change from run to run or release to release."""
    assert signature(PANIC) == "1341bcb865909f3a"


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 8, "at": 1, "src": "node-2", "event": b"other", "happened_at": 2, "lost": 3},
        {"message": "index 12 out of range"},
        {"module_sha256": "cd" * 32, "wasmtime": "51.0.0"},
        {"backtrace": ("relay_watch::ratio@0x1f3", "on-webrtc-connected@0x2")},
        {
            "backtrace": (
                "  0:   0x2f - relay_watch::ratio::h0123456789abcdef",
                "1: 0x1 - on-webrtc-connected",
            )
        },
    ],
)
def test_equal_panics_share_a_signature(change: dict[str, object]) -> None:
    """Values, offsets and rebuilds don't make a panic a new one."""
    assert signature(panic(**change)) == signature(PANIC)


@pytest.mark.parametrize(
    "change",
    [
        {"observer": "flap-detector"},
        {"hook": "on_webrtc_disconnected"},
        {"kind": PanicKind.DEADLINE},
        {"backtrace": ("relay_watch::share", "on-webrtc-connected")},
        {"backtrace": ()},
        {"observer": "relay-watchon", "hook": "_webrtc_connected"},
    ],
)
def test_unlike_panics_have_unlike_signatures(change: dict[str, object]) -> None:
    """Who, where, why and the way there each make a difference, also where they join to equal text."""
    assert signature(panic(**change)) != signature(PANIC)


def test_the_place_an_sdk_names_tells_panics_apart() -> None:
    """The frames of an interpreter's guest are always the same; the words before the place do not count."""
    first, same, other = (
        panic(message=message)
        for message in ("no peer 7 (app.py:12)", "no peer 8 (app.py:12)", "no peer 7 (app.py:13)")
    )
    assert signature(first) == signature(same) != signature(other)
    assert signature(panic(message="no peer (7)")) == signature(PANIC)


def test_only_the_top_frames_count() -> None:
    """A recursion that was one call deeper is the same panic."""
    frames = ("a", "b", "c", "d")
    deep = panic(backtrace=(*frames, "e", "f"))
    assert signature(deep) == signature(panic(backtrace=(*frames, "g")))
    assert signature(deep) != signature(panic(backtrace=("a", "b", "c", "e")))


@pytest.mark.parametrize(
    ("frame", "function"),
    [
        ("    0:   0x2c - <unknown>!<wasm function 0>", "<unknown>!<wasm function 0>"),
        ("relay!core::fmt::write::h00deadbeef00cafe+0x12", "relay!core::fmt::write"),
        ("on-start (0x12)", "on-start"),
        ("<wasm function 17>", "<wasm function 17>"),
    ],
)
def test_frame_function(frame: str, function: str) -> None:
    """A frame's function is found in the engine's notation and in ours."""
    assert frame_function(frame) == function


def test_lone_surrogates_do_not_break_a_signature() -> None:
    """A name taken from a file's name may hold bytes that are no text."""
    assert len(signature(panic(observer="\udcff"))) == 16

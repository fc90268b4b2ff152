"""Native calls made aside: their result comes back, and an interrupt waits for them."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time

import pytest

from wasmhost.sandbox.native.aside import Errand, on_main_thread


def test_the_main_thread_is_known() -> None:
    """There is one."""
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(on_main_thread()))
    thread.start()
    thread.join()
    assert (on_main_thread(), seen) == (True, [False])


def test_a_call_is_made_elsewhere_and_its_result_is_here() -> None:
    """Again and again; null, too."""
    errand, seen = Errand(), []

    def call(number: int | None) -> int | None:
        seen.append(_thread.get_ident())
        return number

    numbers = [1, None, *range(500)]
    assert [errand.run(call, number) for number in numbers] == numbers
    assert _thread.get_ident() not in seen
    assert not errand.away


def test_an_interrupt_waits_for_the_call() -> None:
    """However often it comes."""
    errand, done = Errand(), []

    def call() -> int:
        for _ in range(3):
            time.sleep(0.03)
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.03)
        done.append(True)
        return 0

    with pytest.raises(KeyboardInterrupt):
        errand.run(call)
    assert (done, errand.away) == ([True], False)

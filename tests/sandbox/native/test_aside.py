"""Native calls made aside: their result comes back, and an interrupt waits for them."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import wat_component as wc
from wasmhost.config import Limits
from wasmhost.errors import InternalError
from wasmhost.sandbox.instance import Sandbox
from wasmhost.sandbox.native import component_cell
from wasmhost.sandbox.native.aside import Errand, on_main_thread

if TYPE_CHECKING:
    from tests.sandbox.lab import Lab


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


def test_a_failure_surfaces_where_the_call_was_asked_for() -> None:
    """And never as the result of the call before."""
    errand = Errand()
    assert errand.run(lambda: 42) == 42

    def fail() -> int:
        raise MemoryError

    with pytest.raises(MemoryError):
        errand.run(fail)
    assert not errand.away


def test_where_no_thread_is_to_be_had_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox is free to be closed."""

    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    errand = Errand()
    with pytest.raises(RuntimeError, match="new thread"):
        errand.run(lambda: 0)
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


def test_a_guest_that_is_still_away_keeps_its_store(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second interrupt, which gets through: the sandbox is running as far as anybody knows."""
    guest = lab.load(wc.guest("(drop (call $delivery.now))", use=("delivery.now",)))
    made = Sandbox(lab.engine, guest, Limits())
    cell: Any = made._cell

    def slip(errand: Errand, *_: object) -> int:
        errand.away = True
        raise KeyboardInterrupt

    monkeypatch.setattr(Errand, "run", slip)
    with pytest.raises(KeyboardInterrupt):
        made.deliver(0, b"x")
    with pytest.raises(InternalError, match="running already"):
        made.deliver(0, b"x")
    with pytest.raises(InternalError, match="cannot be closed"):
        made.close()
    cell._errand.away, cell._shut = False, ""
    component_cell._abandoned.remove(cell)
    made.close()

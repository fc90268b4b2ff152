"""The way into the buffer: it makes nobody wait, whoever holds the lock, and whatever interrupts it."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

from tests.emitter.test_buffer import an_event, events
from wasmhost.emitter.buffer import Buffer, Limits
from wasmhost.emitter.gate import Gate

if TYPE_CHECKING:
    from types import FrameType

EVENT = (b"head", b"tail")
PLENTY = Limits(events=1_000_000)


def counted(buffer: Buffer) -> tuple[int, int]:
    """What was emitted, and what is pending."""
    return buffer.emitted, buffer.pending


def test_who_emits_does_not_wait_for_who_holds_the_lock() -> None:
    """What arrives meanwhile is let in by that one."""
    gate = Gate(PLENTY)

    def work(buffer: Buffer) -> tuple[int, int]:
        gate.put(EVENT)  # would never return if it waited
        gate.put(EVENT)
        return counted(buffer)

    assert gate.use(work) == (0, 0)
    assert gate.use(counted) == (2, 2)


def test_a_signal_handler_may_emit_in_the_middle_of_emitting() -> None:
    """Nothing is lost, nothing waits for itself."""
    gate = Gate(PLENTY)
    handled = 0

    def handler(_number: int, _frame: FrameType | None) -> None:
        nonlocal handled
        handled += 1
        gate.put(EVENT)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    puts = 0
    try:
        while handled < 200:
            gate.put(EVENT)
            puts += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert gate.use(counted) == (puts + handled, puts + handled)


def test_many_threads_emit_at_once_beside_one_that_takes() -> None:
    """Every event comes out once, each thread's own in order, and the sums hold at any instant."""
    gate = Gate(PLENTY)
    threads, each = 4, 3000

    def emit(name: int) -> None:
        for number in range(each):
            gate.put(an_event(name * each + number))

    workers = [threading.Thread(target=emit, args=(name,)) for name in range(threads)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    data = b""
    try:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            data += gate.use(_taken)
    finally:
        sys.setswitchinterval(before)
    data += gate.use(_taken)
    found = events(data)
    assert [seq for seq, _ in found] == list(range(threads * each))
    for name in range(threads):
        assert [at % each for _, at in found if at // each == name] == list(range(each))


def _taken(buffer: Buffer) -> bytes:
    assert buffer.emitted == buffer.delivered + buffer.dropped + buffer.pending
    data = buffer.take(1 << 30)
    buffer.acknowledge(buffer.newest_sent)
    return data

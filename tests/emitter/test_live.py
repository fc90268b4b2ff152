"""An emitter and a real host, in all the conditions a host can be in: counted exactly, in order, once."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

from tests.cli.helpers import eventually
from tests.emitter.helpers import CTX, EVENT, PLENTY_S, LiveHost, add_up, numbers, settled, summed
from tests.emitter.proxy import Proxy
from wasmhost.emitter import Emitter, Limits

if TYPE_CHECKING:
    from pathlib import Path


def test_a_host_that_is_up_takes_all_in_order_and_once(tmp_path: Path) -> None:
    """Of several threads that emit at the same time."""
    threads, each = 3, 1000
    with LiveHost(tmp_path) as host:
        host.start()
        with Emitter(host.address) as emitter:

            def emit() -> None:
                for _ in range(each):
                    emitter.emit(EVENT, CTX)

            workers = [threading.Thread(target=emit) for _ in range(threads)]
            for worker in workers:
                worker.start()
            while any(worker.is_alive() for worker in workers):
                assert add_up(emitter.counts)
            settled(emitter)
        counts = emitter.counts
        assert (counts.emitted, counts.delivered, counts.reconnects) == (threads * each, threads * each, 0)
        assert summed(host.stop())["events"] == threads * each
        assert numbers(host.heard, emitter) == list(range(threads * each))


def test_events_that_are_emitted_before_there_is_a_host_wait_for_it(tmp_path: Path) -> None:
    """From the first."""
    with LiveHost(tmp_path) as host, Emitter(host.address) as emitter:
        for _ in range(500):
            emitter.emit(EVENT, CTX)
        counts = emitter.counts
        assert (counts.delivered, counts.dropped, counts.pending) == (0, 0, 500)
        host.start()
        settled(emitter)
        assert emitter.counts.delivered == 500
        assert summed(host.stop())["events"] == 500
        assert numbers(host.heard, emitter) == list(range(500))


def emit_until_delivered(emitter: Emitter, least: int) -> int:
    """Emit until the host has so many; how many were emitted."""
    count = 0

    def some() -> bool:
        nonlocal count
        for _ in range(10):
            emitter.emit(EVENT, CTX)
        count += 10
        return emitter.counts.delivered >= least

    eventually(some, PLENTY_S)
    return count


def test_a_host_that_is_killed_and_started_again_gets_the_rest(tmp_path: Path) -> None:
    """What the dead one acknowledged was delivered to it; the next gets all else, and only that."""
    with LiveHost(tmp_path) as host, Emitter(host.address) as emitter:
        emitted = before = 0
        for _ in range(3):
            host.start()
            emitted += emit_until_delivered(emitter, before + 100)
            before = emitter.counts.delivered  # a lower bound: more may be acknowledged as it dies
            host.kill()
        for _ in range(100):
            emitter.emit(EVENT, CTX)
        host.start()
        settled(emitter)
        counts = emitter.counts
        assert (counts.emitted, counts.delivered, counts.dropped) == (emitted + 100, emitted + 100, 0)
        assert counts.reconnects == 3
        events = summed(host.stop())["events"]
        heard = numbers(host.heard, emitter)
        assert len(heard) == events <= counts.delivered - before
        assert heard == list(range(counts.emitted - events, counts.emitted))


def test_a_host_that_stands_still_makes_the_buffer_drop_and_then_gets_the_rest(tmp_path: Path) -> None:
    """Nobody waits for it, and what is missing is as much as was dropped."""
    with LiveHost(tmp_path) as host, Emitter(host.address, limits=Limits(events=3000)) as emitter:
        host.start()
        for _ in range(10):
            emitter.emit(EVENT, CTX)
        settled(emitter)
        host.signal(signal.SIGSTOP)
        for _ in range(10):
            for _ in range(2000):
                emitter.emit(EVENT, CTX)
            assert add_up(emitter.counts)
            time.sleep(0.05)
        counts = emitter.counts
        assert counts.pending == 3000
        assert counts.dropped == 20_010 - counts.delivered - 3000
        host.signal(signal.SIGCONT)
        settled(emitter)
        emitter.close(PLENTY_S)
        counts = emitter.counts
        assert add_up(counts)
        assert summed(host.stop())["events"] == counts.delivered
        heard = numbers(host.heard, emitter)
        assert len(heard) == counts.delivered
        assert heard == sorted(set(heard))
        assert heard[-1] == counts.emitted - 1  # the oldest were dropped


def test_connections_that_break_lose_nothing_and_double_nothing_while_the_host_lives(tmp_path: Path) -> None:
    """Also where acknowledgements are lost with them."""
    with LiveHost(tmp_path) as host, Proxy(tmp_path, host.address) as proxy:
        host.start()
        with Emitter(proxy.address) as emitter:
            for _ in range(4000):
                emitter.emit(EVENT, CTX)
                time.sleep(0.0002)
            proxy.steady = True
            settled(emitter)
        counts = emitter.counts
        assert (counts.emitted, counts.delivered, counts.dropped) == (4000, 4000, 0)
        assert counts.reconnects > 3
        assert summed(host.stop())["events"] == 4000
        assert numbers(host.heard, emitter) == list(range(4000))


def test_closing_without_a_host_drops_what_is_pending(tmp_path: Path) -> None:
    """After the time it was given; and whoever emits afterwards is not bothered."""
    emitter = Emitter(f"unix:{tmp_path}/nobody.sock", on_trouble=lambda _trouble: None)
    for _ in range(10):
        emitter.emit(EVENT, CTX)
    emitter.close(0.1)
    emitter.emit(EVENT, CTX)
    counts = emitter.counts
    assert (counts.emitted, counts.delivered, counts.dropped, counts.pending) == (11, 0, 11, 0)
    emitter.close(0.1)  # once more does nothing


def test_an_emitter_that_nothing_is_asked_of_rests_and_wakes(tmp_path: Path) -> None:
    """Its thread sleeps until somebody emits."""
    with LiveHost(tmp_path) as host, Emitter(host.address) as emitter:
        host.start()
        for round_ in range(1, 3):
            emitter.emit(EVENT, CTX)
            settled(emitter)
            assert emitter.counts.delivered == round_
            give_up_at = time.monotonic() + PLENTY_S
            while not emitter._sender.asleep:
                assert time.monotonic() < give_up_at
                time.sleep(0.01)
        host.stop()

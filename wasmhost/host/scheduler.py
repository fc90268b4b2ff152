"""Which observer runs on which thread, and when: two lanes, and a keeper of the time.

Delivering a small event costs about as much Python as Wasm, so two threads at it gain nothing: the
*fast lane* is one worker that goes round all observers that have letters. An observer that keeps
that worker too long is moved to the *slow lane*, worker and all, and a spare takes over the fast one:
so the first overrun costs the neighbours `OVERRUN_NS` once, and the next ones nothing. An observer
that has been quick for a while comes back.

The *keeper* is a thread that looks for overruns while the fast lane runs, and calls observers whose
wait is over. When all is still for `STILL_NS` it disarms the epoch tickers and sleeps for good.

Nothing a task does ends a thread here. A turn that raises is a bug of ours, and costs that task.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wasmhost.host.lanes import Entry, Lane, Worker
from wasmhost.host.mishaps import tell_operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.host.lanes import Task

OVERRUN_NS: Final = 2_000_000
STILL_NS: Final = 50_000_000
MAX_SLOW: Final = 4
_QUICK_TURNS: Final = 8  # in a row, to come back to the fast lane
_SPARE_STACK: Final = 1024 * 1024  # Python's and the engine's own frames, beside the guest's stack
_SPARE_LIFE_S: Final = 5.0

_now: Final = time.monotonic_ns


class Scheduler:
    """Owns the worker threads and the keeper. Safe from any thread."""

    def __init__(self, stack_bytes: int, on_still: Callable[[], None]) -> None:
        """``stack_bytes``: what guests may use of a worker's stack. ``on_still``: see the module."""
        self._stack_bytes = stack_bytes + _SPARE_STACK
        self._on_still = on_still
        self._lock = threading.Lock()
        self._fast = Lane(1)
        self._slow = Lane(MAX_SLOW)
        self._at_fast: Worker | None = None
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._due: list[tuple[float, int, Entry]] = []
        self._ticket = itertools.count()
        self._bell = threading.Event()
        self._watching = False
        self._busy_at = 0
        self._closed = False
        with self._lock:  # at once: who emits must not wait for a thread to start
            self._idle += self._hire()
        self._keeper = threading.Thread(target=self._keep, name="wasmhost-keeper", daemon=True)
        self._keeper.start()

    def enlist(self, task: Task) -> Entry:
        """Make a task known."""
        return Entry(task)

    def submit(self, entry: Entry) -> None:
        """Give a task its turn soon. Once per `Mailbox.put` that says so."""
        with self._lock:
            if entry.paused:
                entry.owed = True
            else:
                self._employ(self._enqueue(entry))

    def pause(self, entry: Entry, resting: Callable[[], None]) -> None:
        """Give a task no more turns. ``resting`` is called, from any thread, when it has none any more.

        It must not raise, nor call the scheduler.
        """
        with self._lock:
            entry.paused = True
            waiting = [due for due in self._due if due[2] is not entry]
            entry.owed = entry.owed or len(waiting) < len(self._due)
            self._due[:] = waiting
            heapq.heapify(self._due)
            for lane in (self._fast, self._slow):
                if entry in lane.queue:  # once at most
                    lane.queue.remove(entry)
                    entry.owed = True
            if any(worker.entry is entry and worker.since for worker in self._workers):
                entry.resting = resting
            else:
                resting()

    def resume(self, entry: Entry) -> None:
        """Undo a `pause`, and give the task the turn that it is owed."""
        with self._lock:
            entry.paused = False
            entry.resting = None
            if entry.owed:
                entry.owed = False
                self._employ(self._enqueue(entry))

    def close(self) -> None:
        """End all threads, waiting for the turns under way. Blocks: not for an event loop's thread."""
        with self._lock:
            self._closed = True
            for worker in self._idle:
                worker.baton.release()
            self._idle.clear()
            threads = [worker.thread for worker in self._workers if worker.thread is not None]
        self._bell.set()
        for thread in (*threads, self._keeper):
            thread.join()

    # What follows up to the worker's own loop runs under the lock.

    def _enqueue(self, entry: Entry) -> Lane:
        lane = self._slow if entry.slow else self._fast
        lane.queue.append(entry)
        if not self._watching:
            self._watching = True
            self._bell.set()
        return lane

    def _employ(self, lane: Lane) -> None:
        """Set another worker to a lane, where it may have one."""
        if lane.workers >= lane.most or self._closed:
            return
        if not self._idle:
            self._idle += self._hire()
            if not self._idle:
                return  # the keeper tries again
        worker = self._idle.pop()
        worker.lane = lane
        lane.workers += 1
        if lane is self._fast:
            self._at_fast = worker
        worker.baton.release()

    def _employ_all(self) -> None:
        for lane in (self._fast, self._slow):
            if lane.queue:
                self._employ(lane)

    def _hire(self) -> list[Worker]:
        """Start a worker; an empty list where the system has no thread for us."""
        worker = Worker()
        worker.thread = threading.Thread(
            target=self._work, args=(worker,), name=f"wasmhost-worker-{next(self._ticket)}", daemon=True
        )
        # The size is a setting of the whole process: put back at once. A thread that somebody else
        # starts in between gets a stack of this size too, which is ample for Python.
        before = threading.stack_size(self._stack_bytes)
        try:
            worker.thread.start()
        except RuntimeError:
            return []
        finally:
            threading.stack_size(before)
        self._workers.add(worker)
        return [worker]

    def _next(self, worker: Worker) -> Entry | None:
        """Give a worker between turns its next entry, or None: it has been made idle."""
        lane = worker.lane
        if lane is None:
            return None
        if lane.queue and lane.workers <= lane.most and not self._closed:
            worker.entry = lane.queue.popleft()
            worker.since = _now()
            return worker.entry
        lane.workers -= 1
        worker.lane = worker.entry = None
        if self._at_fast is worker:
            self._at_fast = None
        if not self._closed:
            self._idle.append(worker)
        return None

    def _finish(self, entry: Entry, more: float | bool, took: int) -> None:
        """Book a turn: which lane the task belongs to, and when it is on again."""
        if took > OVERRUN_NS:
            entry.slow = True
            entry.quick_turns = 0
        elif entry.slow:
            entry.quick_turns += 1
            entry.slow = entry.quick_turns < _QUICK_TURNS
        if entry.paused:
            entry.owed = entry.owed or more is not False
            resting, entry.resting = entry.resting, None
            if resting is not None:
                resting()
        elif more is True:
            self._enqueue(entry)
        elif more is not False:
            heapq.heappush(self._due, (more, next(self._ticket), entry))
            self._bell.set()

    def _replace(self, worker: Worker) -> None:
        """Move an overrunning worker to the slow lane, and let another go on with the fast one."""
        self._at_fast = None
        self._fast.workers -= 1
        self._slow.workers += 1
        worker.lane = self._slow
        if worker.entry is not None:
            worker.entry.slow = True

    def _watch(self, now: int) -> float | None:
        """Look round once; seconds until the next look is due, None for never."""
        while self._due and self._due[0][0] * 1e9 <= now:
            self._enqueue(heapq.heappop(self._due)[2])
        worker = self._at_fast
        if worker is not None and worker.since and now - worker.since > OVERRUN_NS:
            self._replace(worker)
        self._employ_all()
        if self._fast.workers or self._slow.workers or self._fast.queue or self._slow.queue:
            self._busy_at = now
        elif self._watching and now - self._busy_at > STILL_NS:
            # Nothing runs, and nothing can start while we hold the lock: the tickers may rest.
            self._watching = False
            self._on_still()
        pause = OVERRUN_NS / 1e9 if self._watching else None
        if not self._due:
            return pause
        due = max(0.0, self._due[0][0] - now / 1e9)
        return due if pause is None else min(pause, due)

    # The threads' own loops.

    def _work(self, worker: Worker) -> None:
        while True:
            if not worker.baton.acquire(timeout=_SPARE_LIFE_S):
                if self._retire(worker):
                    return
                continue
            if self._serve(worker):
                return

    def _serve(self, worker: Worker) -> bool:
        """Take turns until there are none; True when the thread has to end."""
        with self._lock:
            entry = self._next(worker)
        while entry is not None:
            more = _turn(entry.task)
            ended = _now()
            with self._lock:
                took = ended - worker.since
                worker.since = 0
                # Kept to the moment: a sandbox armed its deadline by the ticker within this turn, and
                # relies on it to go on for a while.
                self._busy_at = ended
                self._finish(entry, more, took)
                entry = self._next(worker)
                # Only now: the task just served is most often the next one, and needs no other worker.
                self._employ_all()
        return self._closed

    def _retire(self, worker: Worker) -> bool:
        """End a thread that has been idle for long; the last idle one stays, to be there at once."""
        with self._lock:
            if worker not in self._idle or len(self._idle) == 1:
                return False
            self._idle.remove(worker)
            self._workers.discard(worker)
            return True

    def _keep(self) -> None:
        pause: float | None = None
        while True:
            with self._lock:
                if self._closed:
                    return
                try:
                    pause = self._watch(_now())
                except Exception as error:  # without a keeper no wait would ever be over
                    tell_operator("error", "wasmhost's keeper failed; this is a bug", exc_info=error)
                    pause = STILL_NS / 1e9
            self._bell.wait(pause)
            self._bell.clear()


def _turn(task: Task) -> float | bool:
    try:
        return task.turn()
    except BaseException as error:  # SystemExit too: it would end this thread and nothing else
        tell_operator("error", "wasmhost failed to serve an observer; this is a bug", exc_info=error)
        with suppress(BaseException):
            task.crashed(error)
        return False

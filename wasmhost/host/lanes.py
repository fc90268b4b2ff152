"""What the scheduler keeps its books of: tasks, the lanes they stand in, and the threads that serve them."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Task(Protocol):
    """Something that has turns: an observer's mailbox."""

    def turn(self) -> float | bool:
        """Serve for a short while, never raising.

        True: there is more. False: nothing is left, and whoever brings more calls `submit`. A float:
        call me again at this time of the monotonic clock, in seconds.
        """
        ...

    def crashed(self, error: BaseException) -> None:
        """Give up: a turn raised, and there will be no other."""
        ...


class Entry:
    """What the scheduler knows of a task: made by `Scheduler.enlist`, given to `Scheduler.submit`.

    ``owed``: while it is ``paused``, a turn it would have had. ``resting`` is called when the turn that it
    has is over.
    """

    __slots__ = ("owed", "paused", "quick_turns", "resting", "slow", "task")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.slow = False
        self.quick_turns = 0
        self.paused = False
        self.owed = False
        self.resting: Callable[[], None] | None = None


class Lane:
    """A queue of entries, and how many workers are at it, of how many that may be."""

    __slots__ = ("most", "queue", "workers")

    def __init__(self, most: int) -> None:
        self.most = most
        self.workers = 0
        self.queue: deque[Entry] = deque()


class Worker:
    """A thread, and what it is at. ``since`` is when its turn began, 0 between turns."""

    __slots__ = ("baton", "entry", "lane", "since", "thread")

    def __init__(self) -> None:
        self.baton = threading.Lock()  # held while there is nothing to do
        self.baton.acquire()
        self.lane: Lane | None = None
        self.entry: Entry | None = None
        self.since = 0
        self.thread: threading.Thread | None = None

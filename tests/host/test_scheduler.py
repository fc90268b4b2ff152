"""Which task runs on which thread, and when: two lanes and a keeper, with real threads."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.host.helpers import threads, wait_until
from wasmhost import Frame
from wasmhost.host import scheduler as scheduling
from wasmhost.host.mailbox import Letter, Mailbox
from wasmhost.host.scheduler import MAX_SLOW, Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STACK = 256 * 1024


class Work:
    """A task with a mailbox, as an observer is one; ``handle`` is given the number of each letter."""

    def __init__(self, scheduler: Scheduler, handle: Callable[[int], None] | None = None) -> None:
        self.mailbox = Mailbox(1_000_000, "drop-oldest")
        self.done: list[int] = []
        self.at: list[float] = []
        self.overlaps = 0
        self.error: BaseException | None = None
        self.entry = scheduler.enlist(self)
        self._busy = threading.Lock()
        self._handle = handle
        self._scheduler = scheduler
        self._put = 0
        self._putting = threading.Lock()

    def put(self) -> None:
        """Put one letter, from any thread."""
        with self._putting:
            letter = Letter(Frame("on_webrtc_connected", self._put, 0, None, True, b""), self._put)
            self._put += 1
            if self.mailbox.put(letter):
                self._scheduler.submit(self.entry)

    def turn(self) -> float | bool:
        """Handle some letters."""
        alone = self._busy.acquire(blocking=False)
        self.overlaps += not alone
        for _ in range(4):
            # On duty no more from the take that finds nothing: another may be at it from there.
            if alone:
                self._busy.release()
            letter = self.mailbox.take()
            if letter is None:
                return False
            alone = self._busy.acquire(blocking=False)
            self.overlaps += not alone
            if self._handle is not None:
                self._handle(letter.number)
            self.done.append(letter.number)
            self.at.append(time.monotonic())
        if alone:
            self._busy.release()
        return True

    def crashed(self, error: BaseException) -> None:
        """Remember why."""
        self.error = error
        self.mailbox.close()
        self.mailbox.take()


@pytest.fixture
def still() -> list[float]:
    """When all was still."""
    return []


@pytest.fixture
def scheduler(still: list[float]) -> Iterator[Scheduler]:
    """Make one, and see that it leaves no thread behind."""
    made = Scheduler(STACK, on_still=lambda: still.append(time.monotonic()))
    yield made
    made.close()
    assert threads() == set()


def sleep(seconds: float) -> Callable[[int], None]:
    """Take long over each letter, as a guest does that computes: without the GIL."""
    return lambda _number: time.sleep(seconds)


def held_by(event: threading.Event) -> Callable[[int], None]:
    """Wait for an event at each letter."""

    def wait(_number: int) -> None:
        event.wait(5)

    return wait


def test_each_task_is_served_serially_and_in_order(scheduler: Scheduler) -> None:
    """Whichever threads bring the work, and whichever serve it; some of it is slow."""
    works = [Work(scheduler, sleep(0.003) if index < 2 else None) for index in range(6)]
    each = 40

    def bring() -> None:
        for _ in range(each):
            for work in works:
                work.put()

    bringers = [threading.Thread(target=bring) for _ in range(3)]
    for bringer in bringers:
        bringer.start()
    for bringer in bringers:
        bringer.join()
    wait_until(lambda: all(work.mailbox.idle for work in works))
    for work in works:
        assert work.overlaps == 0
        assert work.done == list(range(3 * each))


def test_a_slow_task_is_moved_away_and_a_spare_goes_on_with_the_others(scheduler: Scheduler) -> None:
    """The first overrun costs the neighbours a moment, the next ones nothing."""
    holding = threading.Event()
    slow = Work(scheduler, held_by(holding))
    quick = Work(scheduler)
    slow.put()
    time.sleep(0.001)
    quick.put()
    wait_until(lambda: quick.done == [0], 3)  # while the slow one is still at it
    assert slow.entry.slow
    assert not slow.done
    for _ in range(100):
        quick.put()
    wait_until(lambda: len(quick.done) == 101, 3)
    assert not slow.done
    holding.set()
    wait_until(lambda: slow.mailbox.idle)


def test_a_task_that_has_been_quick_for_a_while_comes_back(scheduler: Scheduler) -> None:
    """One long turn is no verdict for life."""
    work = Work(scheduler, lambda number: time.sleep(0.02 if number == 0 else 0))
    work.put()
    wait_until(lambda: work.mailbox.idle)
    assert work.entry.slow
    turns = 0
    while work.entry.slow and turns < 100:
        turns += 1
        work.put()
        wait_until(lambda: work.mailbox.idle)
        time.sleep(0.001)  # the turn is booked a moment after its end
    assert turns >= scheduling._QUICK_TURNS
    assert not work.entry.slow


def test_a_task_is_called_again_when_it_asked_to_be() -> None:
    """Not before, and soon after, also when nothing else happens."""

    class Waiting:
        calls: list[float]
        due: float

        def turn(self) -> float | bool:
            self.calls.append(time.monotonic())
            if len(self.calls) == 1:
                self.due = time.monotonic() + 0.12
                return self.due
            return False

        def crashed(self, error: BaseException) -> None:
            raise AssertionError from error

    task = Waiting()
    task.calls = []
    scheduler = Scheduler(STACK, on_still=lambda: None)
    try:
        scheduler.submit(scheduler.enlist(task))
        wait_until(lambda: len(task.calls) == 2)
        assert task.due <= task.calls[1] < task.due + 1
    finally:
        scheduler.close()


def test_several_waits_end_in_their_order(scheduler: Scheduler) -> None:
    """Whatever the order in which they were asked for."""
    order: list[float] = []

    class Waiting:
        def __init__(self, seconds: float) -> None:
            self.seconds = seconds
            self.waited = False

        def turn(self) -> float | bool:
            if self.waited:
                order.append(self.seconds)
                return False
            self.waited = True
            return time.monotonic() + self.seconds

        def crashed(self, error: BaseException) -> None:
            raise AssertionError from error

    for seconds in (0.09, 0.03, 0.06):
        scheduler.submit(scheduler.enlist(Waiting(seconds)))
    wait_until(lambda: len(order) == 3)
    assert order == [0.03, 0.06, 0.09]


def test_many_slow_tasks_share_few_threads_and_hold_up_no_quick_one(scheduler: Scheduler) -> None:
    """Once they are known to be slow, few threads serve them all, in turn."""
    at_once = 0
    most = 0
    counting = threading.Lock()

    def slowly(_number: int) -> None:
        nonlocal at_once, most
        with counting:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with counting:
            at_once -= 1

    slow = [Work(scheduler, slowly) for _ in range(10)]
    for work in slow:
        work.put()  # each of them overruns once at the fast lane
    wait_until(lambda: all(work.mailbox.idle for work in slow))
    most = 0
    for work in slow:
        for _ in range(5):
            work.put()
    quick = Work(scheduler)
    latencies: list[float] = []
    for number in range(20):
        time.sleep(0.002)
        put_at = time.monotonic()
        quick.put()
        wait_until(lambda number=number: len(quick.done) == number + 1)  # type: ignore[misc]
        latencies.append(quick.at[-1] - put_at)
    wait_until(lambda: all(work.mailbox.idle for work in slow))
    assert all(work.done == list(range(6)) for work in slow)
    assert most <= MAX_SLOW
    latencies.sort()
    assert latencies[len(latencies) // 2] < 0.05


@pytest.mark.parametrize("error", [ValueError("a bug"), SystemExit(3), KeyboardInterrupt()])
def test_a_turn_that_raises_costs_its_task_and_nobody_else(
    scheduler: Scheduler, error: BaseException
) -> None:
    """No worker dies of it, and the task hears that it is over."""

    def fail(_number: int) -> None:
        raise error

    bad, good = Work(scheduler, fail), Work(scheduler)
    bad.put()
    bad.put()
    good.put()
    wait_until(lambda: good.done == [0] and bad.error is not None)
    assert bad.error is error
    assert bad.mailbox.idle
    assert bad.mailbox.dropped == 1
    bad.put()
    good.put()
    wait_until(lambda: good.done == [0, 1])
    assert bad.mailbox.dropped == 2


def test_a_task_that_fails_even_to_give_up_ends_no_worker(scheduler: Scheduler) -> None:
    """Whatever it does."""

    class Hopeless:
        def turn(self) -> float | bool:
            raise ValueError("a bug")

        def crashed(self, error: BaseException) -> None:
            raise SystemExit from error

    good = Work(scheduler)
    scheduler.submit(scheduler.enlist(Hopeless()))
    good.put()
    wait_until(lambda: good.done == [0])


def test_closing_waits_for_the_turns_under_way_and_starts_no_other() -> None:
    """In both lanes, and with waits that are not over."""
    scheduler = Scheduler(STACK, on_still=lambda: None)
    begun = threading.Event()

    def work_on(_number: int) -> None:
        begun.set()
        time.sleep(0.05)

    works = [Work(scheduler, work_on) for _ in range(3)]
    for work in works:
        for _ in range(20):
            work.put()
    begun.wait()
    scheduler.close()
    assert threads() == set()
    assert sum(len(work.done) for work in works) >= 1
    before = [list(work.done) for work in works]
    works[0].put()
    scheduler.submit(scheduler.enlist(works[0]))
    time.sleep(0.02)
    assert [work.done for work in works] == before


def test_when_all_is_still_it_is_said_once_and_again_after_more_work(
    scheduler: Scheduler, still: list[float]
) -> None:
    """Never while something runs."""
    work = Work(scheduler, sleep(0.15))
    work.put()
    wait_until(lambda: work.mailbox.idle)
    ended = time.monotonic()
    wait_until(lambda: len(still) == 1)
    assert still[0] >= ended + 0.04
    time.sleep(0.1)
    assert len(still) == 1
    work.put()
    wait_until(lambda: len(still) == 2)
    assert still[1] >= work.at[1] + 0.04


def test_stillness_counts_from_the_end_of_the_last_turn(scheduler: Scheduler, still: list[float]) -> None:
    """A sandbox armed its deadline in that turn, and relies on the ticker for a while.

    Turns that begin and end between two looks of the keeper count like all others.
    """
    work = Work(scheduler)
    for _ in range(40):
        work.put()
        time.sleep(0.005)
        gap = min((when - at for when in still for at in work.at if when > at), default=1.0)
        assert gap >= 0.045
    wait_until(lambda: len(still) >= 1)
    assert still[-1] >= work.at[-1] + 0.045


def test_a_keeper_that_fails_goes_on() -> None:
    """A ticker that can't be disarmed must not cost the backoffs their end."""
    calls = 0

    def fail() -> None:
        nonlocal calls
        calls += 1
        raise OSError("no timer")

    scheduler = Scheduler(STACK, on_still=fail)
    try:
        work = Work(scheduler)
        for number in range(2):
            work.put()
            wait_until(lambda number=number: calls == number + 1)  # type: ignore[misc]
        assert work.done == [0, 1]
    finally:
        scheduler.close()


def test_without_a_thread_to_be_had_work_waits_for_one(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever submits hears nothing of it; the keeper tries again."""
    holding = threading.Event()
    slow = Work(scheduler, held_by(holding))
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("wasmhost-worker"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    quick = Work(scheduler)
    slow.put()
    time.sleep(0.01)
    quick.put()
    time.sleep(0.02)
    assert quick.done == []
    monkeypatch.setattr(threading.Thread, "start", start)
    wait_until(lambda: quick.done == [0], 3)
    holding.set()


def test_spares_that_nobody_needs_any_more_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """One stays, to be there at once."""
    monkeypatch.setattr(scheduling, "_SPARE_LIFE_S", 0.03)
    scheduler = Scheduler(STACK, on_still=lambda: None)
    try:
        works = [Work(scheduler, sleep(0.02)) for _ in range(4)]
        for work in works:
            work.put()
        wait_until(lambda: all(work.mailbox.idle for work in works))
        wait_until(lambda: len(threads()) == 2)  # the keeper and one worker
        works[0].put()
        wait_until(lambda: len(works[0].done) == 2)
    finally:
        scheduler.close()
    assert threads() == set()


def test_the_size_of_other_threads_stacks_is_left_alone() -> None:
    """It is a setting of the whole process."""
    before = threading.stack_size()
    Scheduler(1024 * 1024, on_still=lambda: None).close()
    assert threading.stack_size() == before


def test_a_paused_task_has_no_turn_until_it_is_resumed(scheduler: Scheduler) -> None:
    """What was put meanwhile is served then; other tasks go on."""
    paused, other = Work(scheduler), Work(scheduler)
    resting = threading.Event()
    scheduler.pause(paused.entry, resting.set)
    assert resting.is_set(), "it has no turn now"
    for _ in range(100):
        paused.put()
        other.put()
    wait_until(lambda: len(other.done) == 100)
    assert paused.done == []
    scheduler.resume(paused.entry)
    wait_until(lambda: len(paused.done) == 100)
    assert paused.done == list(range(100))


def test_who_pauses_a_task_is_told_when_its_turn_is_over(scheduler: Scheduler) -> None:
    """Not before, and there is no other turn, though there is more to do."""
    go = threading.Event()
    work = Work(scheduler, held_by(go))
    for _ in range(50):
        work.put()
    wait_until(lambda: work.mailbox.waiting < 50)
    resting = threading.Event()
    scheduler.pause(work.entry, resting.set)
    assert not resting.wait(0.05)
    go.set()
    assert resting.wait(5)
    done = len(work.done)
    assert 0 < done <= 4
    time.sleep(0.05)
    assert len(work.done) == done
    scheduler.resume(work.entry)
    wait_until(lambda: len(work.done) == 50)


def test_a_task_that_waits_for_its_time_is_paused_at_once(scheduler: Scheduler) -> None:
    """And has the turn it asked for when it is resumed."""

    class Later:
        """Asks for a turn in a minute, once."""

        turns = 0

        def turn(self) -> float | bool:
            """Have one."""
            self.turns += 1
            return time.monotonic() + 60 if self.turns == 1 else False

        def crashed(self, error: BaseException) -> None:
            """Never."""

    task = Later()
    entry = scheduler.enlist(task)
    scheduler.submit(entry)
    wait_until(lambda: task.turns == 1)
    resting = threading.Event()
    scheduler.pause(entry, resting.set)
    assert resting.wait(5)
    scheduler.resume(entry)
    wait_until(lambda: task.turns == 2)


def test_pausing_and_resuming_while_letters_come_loses_none(scheduler: Scheduler) -> None:
    """However the two meet."""
    work = Work(scheduler)

    def put() -> None:
        for _ in range(2000):
            work.put()

    putting = threading.Thread(target=put)
    putting.start()
    while putting.is_alive():
        resting = threading.Event()
        scheduler.pause(work.entry, resting.set)
        assert resting.wait(5)
        before = len(work.done)
        time.sleep(0.001)
        assert len(work.done) == before
        scheduler.resume(work.entry)
    putting.join()
    wait_until(lambda: len(work.done) == 2000)
    assert work.done == list(range(2000))
    assert work.overlaps == 0

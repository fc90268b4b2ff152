"""Children are made quickly and from any thread, end when told, and never outlive who asked for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has none
import pytest

from tests.wall.helpers import NO_LIMITS, helper, is_alive, soon, waiting_child
from wasmhost.errors import InternalError, WallError
from wasmhost.wall.zygote import ChildLimits, Zygote, death_words


def test_nothing_is_started_before_the_first_fork() -> None:
    """Whoever never needs a child pays nothing."""
    before = len(psutil.Process().children(recursive=True))
    with Zygote():
        assert len(psutil.Process().children(recursive=True)) == before


def test_a_child_that_is_left_alone_ends_by_itself(zygote: Zygote) -> None:
    """Its job raises at the end of the socket, and the exit code says so."""
    with waiting_child(zygote) as (child, end):
        assert is_alive(child.pid)
        assert child.wait(0) is None
        end.close()
        assert child.wait(20) == 70
        child.kill()  # harmless now


def test_a_killed_child_is_told_of_with_its_signal(zygote: Zygote) -> None:
    """And is no zombie."""
    with waiting_child(zygote) as (child, _):
        child.kill()
        child.kill()
        assert child.wait(20) == -signal.SIGKILL
        assert child.wait(0) == -signal.SIGKILL
        assert not psutil.pid_exists(child.pid)


def test_many_threads_are_given_children_at_once(zygote: Zygote) -> None:
    """Each its own."""

    def one(_: int) -> int:
        with waiting_child(zygote) as (child, _end):
            child.kill()
            assert child.wait(20) == -signal.SIGKILL
            return child.pid

    with ThreadPoolExecutor(8) as pool:
        pids = list(pool.map(one, range(40)))
    assert len(pids) == 40


def test_the_helper_has_nothing_but_its_socket(zygote: Zygote) -> None:
    """No environment, no descriptors of ours, a session and a folder of its own, one thread."""
    with waiting_child(zygote) as (child, _):
        parent = helper(child)
        pid = parent.pid
        assert parent.environ() == {}
        assert parent.cwd() == "/"
        assert parent.num_threads() == 1
        assert os.getsid(pid) == pid != os.getsid(0)
        kinds = ["anon_inode", "socket"]  # a pidfd for its child, and its socket
        assert soon(lambda: sorted({*_kinds(pid)}) == kinds and _kinds(pid).count("socket") == 1)
        assert soon(lambda: len(_descriptors(child.pid)) == 4)


def test_a_helper_that_died_takes_its_children_along_and_is_replaced(zygote: Zygote) -> None:
    """The next fork starts another."""
    with Zygote() as mine, waiting_child(mine) as (child, _):
        helper(child).kill()
        assert child.wait(20) == -signal.SIGKILL
        assert soon(lambda: not is_alive(child.pid))
        with waiting_child(mine) as (other, _):
            assert is_alive(other.pid)
    with waiting_child(zygote):
        pass


def test_closing_ends_all(zygote: Zygote) -> None:
    """Once and for ever."""
    mine = Zygote()
    with waiting_child(mine) as (child, _):
        parent = helper(child).pid
        mine.close()
        mine.close()
        assert child.wait(0) == -signal.SIGKILL
        assert not is_alive(child.pid)
        assert not is_alive(parent)
    with pytest.raises(InternalError, match="closed"), waiting_child(mine):
        pass
    del zygote


def test_a_job_that_there_is_not_is_refused(zygote: Zygote) -> None:
    """And hurts nobody."""
    read, write = os.pipe()
    with waiting_child(zygote) as (child, end):
        with pytest.raises(WallError, match="no process can be made"):
            zygote.fork("nonsense", end, limits=NO_LIMITS)
        with pytest.raises(InternalError, match="descriptors"):
            zygote.fork("compile", end, extra_fds=[write] * 20, limits=NO_LIMITS)
        assert is_alive(child.pid)
    os.close(read)
    os.close(write)


def test_the_thread_that_asked_may_end(zygote: Zygote) -> None:
    """The kernel's word that children end with their parent means a thread."""
    mine = Zygote()
    children = []

    def ask() -> None:
        context = waiting_child(mine)
        children.append((context, *context.__enter__()))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    context, child, _ = children[0]
    assert child.wait(0.3) is None
    context.__exit__(None, None, None)
    mine.close()
    del zygote


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_supervisor(end: signal.Signals) -> None:
    """However that ends."""
    code = """
        import signal, time
        from tests.wall.helpers import helper, waiting_child
        from wasmhost.wall.zygote import Zygote
        with Zygote() as zygote, waiting_child(zygote) as (child, _):
            print(child.pid, helper(child).pid, flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert all(map(is_alive, pids))
        process.send_signal(end)
        process.wait(20)
    assert len(pids) == 2
    assert soon(lambda: not any(map(is_alive, pids)))


def test_signals_for_the_whole_service_do_not_end_children(zygote: Zygote) -> None:
    """They are needed until the supervisor has drained."""
    with waiting_child(zygote) as (child, _):
        for pid in (helper(child).pid, child.pid):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(pid, number)
        assert child.wait(0.3) is None


def test_limits_are_the_systems(zygote: Zygote) -> None:
    """As the kernel has them."""
    limits = ChildLimits(cpu_s=7, address_mib=1000, data_mib=900, files=20)
    with waiting_child(zygote, limits) as (child, _):
        assert soon(lambda: _limit(child.pid, "Max open files") == ("20", "20"))
        assert soon(lambda: _limit(child.pid, "Max cpu time") == ("7", "8"))
        assert soon(lambda: _limit(child.pid, "Max address space") == (str(1000 * 2**20),) * 2)
        assert soon(lambda: _limit(child.pid, "Max data size") == (str(900 * 2**20),) * 2)
        for name in ("Max core file size", "Max file size", "Max locked memory"):
            assert _limit(child.pid, name) == ("0", "0")


def _kinds(pid: int) -> list[str]:
    opened = [str(fd.readlink()) for fd in _descriptors(pid)]
    return [name.split(":")[0] for name in opened if name != "/dev/null"]


def _descriptors(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/fd").iterdir())


def _limit(pid: int, name: str) -> tuple[str, ...]:
    lines = Path(f"/proc/{pid}/limits").read_text("ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(name))
    return tuple(line[len(name) :].split()[:2])


def test_deaths_have_words() -> None:
    """By exit code and signal."""
    assert death_words(3) == "exited with 3"
    assert death_words(-signal.SIGSEGV) == "killed by SIGSEGV"
    assert death_words(-signal.SIGXCPU) == "killed by SIGXCPU: over its CPU time"
    assert death_words(-64 - 1) == "killed by signal 65"

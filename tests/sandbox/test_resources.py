"""What sandboxes cost, and that it is given back: in child processes, which have nothing else to count."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

_PRELUDE = """
    import gc, json, os, threading
    import psutil
    from tests.sandbox import wat
    from wasmhost.config import Limits
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import load_guest
    from wasmhost.sandbox.instance import Sandbox

    process = psutil.Process()
    engine, limits = SandboxEngine(), Limits()

    def load(body="", **parts):
        return load_guest(engine, wat.guest(body, **parts), limits, grant=())

    def usage():
        gc.collect()
        rss = process.memory_info().rss
        return {"rss": rss, "fds": process.num_fds(), "threads": threading.active_count()}
"""


def child(code: str, seconds: int = 60) -> Any:  # Any: the child's JSON
    """Run code after the prelude; what it prints."""
    program = textwrap.dedent(_PRELUDE) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=seconds, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_thousand_live_sandboxes_are_small() -> None:
    """Under 64 KiB resident each, after a delivery to each."""
    each = child("""
        guest = load("(i32.store (i32.const 0) (local.get $n))")
        Sandbox(engine, guest, limits).deliver(0, b"warm")
        before = usage()
        sandboxes = [Sandbox(engine, guest, limits) for _ in range(1000)]
        for sandbox in sandboxes:
            sandbox.deliver(0, bytes(74))
        print(json.dumps((usage()["rss"] - before["rss"]) / 1000))
    """)
    assert 1024 < each < 64 * 1024


def test_ten_thousand_sandboxes_leave_nothing() -> None:
    """Neither memory nor a thread nor a descriptor.

    They are made, used, and dropped, half of them without close; some trap, some do not start.
    """
    before, after = child("""
        good, bad = load(), load("unreachable")
        import contextlib
        from wasmhost.errors import GuestRefused
        dead = load(extra="(start $s) (func $s unreachable)")
        def cycle(count):
            for index in range(count):
                sandbox = Sandbox(engine, bad if index % 5 == 0 else good, limits)
                sandbox.deliver(0, bytes(74))
                if index % 2:
                    sandbox.close()
                if index % 50 == 0:
                    with contextlib.suppress(GuestRefused):
                        Sandbox(engine, dead, limits)
        cycle(2000)
        before = usage()
        cycle(10_000)
        print(json.dumps([before, usage()]))
    """)
    assert after["rss"] - before["rss"] < 2 * 1024 * 1024
    assert (after["fds"], after["threads"]) == (before["fds"], before["threads"])


def test_a_closed_engine_leaves_no_thread() -> None:
    """Nor a timer: the notification threads of the C library come and go with the ticks."""
    before, after = child("""
        import time
        Sandbox(engine, load(), limits).deliver(0, b"")
        def threads():
            return max(process.num_threads() for _ in range(20) if not time.sleep(0.005))
        engine.ticker.disarm()
        time.sleep(0.1)
        before = threads()
        for _ in range(20):
            with SandboxEngine() as other:
                guest = load_guest(other, wat.guest("(loop $l (br $l))"), limits, grant=())
                Sandbox(other, guest, Limits(fuel=10**12, deadline_ms=20)).deliver(0, b"")
        time.sleep(0.1)
        print(json.dumps([before, threads()]))
    """)
    assert after == before


def test_a_flood_is_read_in_no_time() -> None:
    """64 KiB of newlines, or of empty log lines: neither holds a worker for long."""
    times = child("""
        import time
        floods = {
            "newlines": ("(memory.fill (i32.const 1024) (i32.const 10) (i32.const 60000))"
                         "(i64.store (i32.const 0) (i64.const 0xea6000000400))"
                         "(call $wasi.fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))"
                         "(drop)",
                         "wasi.fd_write"),
            "lines": ("(memory.fill (i32.const 1024) (i32.const 0x0a61) (i32.const 60000)) (loop $l"
                      "(call $log.write (i32.const 1) (i32.const 0) (i32.const 1))"
                      "(local.set $n (i32.add (local.get $n) (i32.const 1)))"
                      "(br_if $l (i32.lt_u (local.get $n) (i32.const 6000))))",
                      "log.write"),
        }
        times = []
        for body, use in floods.values():
            sandbox = Sandbox(engine, load(body, use=(use,)), limits)
            best = 9.0
            for _ in range(5):
                begin = time.perf_counter()
                outcome = sandbox.deliver(0, b"")
                best = min(best, time.perf_counter() - begin)
                assert outcome.trap is None, outcome
            times.append(best)
        print(json.dumps(times))
    """)
    assert max(times) < 0.02

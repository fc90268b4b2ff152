"""WASI without the world: each answer of the contract's section 5."""

from __future__ import annotations

import struct

import pytest

from tests.sandbox import wat
from tests.sandbox.lab import Lab, Puppet
from tests.sandbox.wat import DIE, SCRATCH, answer, call, copy, keep, poke, tell
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.outbox import MAX_LINES, LogLine

BADF, INVAL, NOSYS, SUCCESS = 8, 28, 52, 0
NOW = 1_700_000_000_000_000_000
FOREVER = 2**64 - 1
OUT = 0x8000
END = 8 * 64 * 1024


@pytest.fixture
def puppet(lab: Lab) -> Puppet:
    """A fresh puppet."""
    return lab.puppet()


def write(descriptor: int, *pieces: bytes) -> bytes:
    """Script: fd_write of pieces; how much it says was written is left at OUT."""
    vectors, script, at = b"", b"", 0x1000
    for piece in pieces:
        script += poke(at, piece)
        vectors += struct.pack("<II", at, len(piece))
        at += len(piece)
    return script + poke(SCRATCH, vectors) + call("wasi.fd_write", descriptor, SCRATCH, len(pieces), OUT)


def clock(puppet: Puppet, *before: bytes, **header: int) -> int:
    """The virtual clock, after a script."""
    (body,) = puppet.told(*before, call("wasi.clock_time_get", 0, 0, OUT), tell(OUT, 8), **header)
    return int.from_bytes(body, "little")


def tell_memory(at: int, size: int) -> str:
    """A hook's body that reports a piece of memory."""
    return f"(call $report.send (i32.const 0) (i32.const 0) (i32.const {at}) (i32.const {size}))"


# fd_write


def test_output_becomes_log_lines(puppet: Puppet) -> None:
    """Standard output is info, standard error warn; lines are put together and taken apart."""
    outcome = puppet.play(write(1, b"hel", b"lo\nwor"), write(2, b"oh\x1b no"), write(1, b"ld\n\nend"))
    assert outcome.effects.logs == (
        LogLine("info", "hello"),
        LogLine("info", "world"),
        LogLine("info", "end"),
        LogLine("warn", r"oh\x1b no"),
    )


def test_fd_write_says_all_was_written(puppet: Puppet) -> None:
    """Also of nothing, and of what the outbox had no room for: a panicking Go would else never end."""
    assert puppet.told(write(1, b"abc", b"de"), answer(), tell(OUT, 4)) == [bytes(8), b"\5\0\0\0"]
    assert puppet.told(write(2), answer(), tell(OUT, 4)) == [bytes(8), bytes(4)]
    script = poke(SCRATCH, struct.pack("<II", 0, 60_000) * 2) + call("wasi.fd_write", 1, SCRATCH, 2, OUT)
    puppet.play(script)
    outcome = puppet.play(script, copy(0, OUT, 4))
    assert outcome.effects.logs_dropped == 1
    assert puppet.told(tell(0, 4)) == [(120_000).to_bytes(4, "little")]


def test_a_long_piece_is_many_lines(puppet: Puppet) -> None:
    """A libc writes its whole buffer at once: it is not one line, and not cut like one."""
    lines = [f"line {number} " + "x" * 90 for number in range(150)]
    outcome = puppet.play(write(1, "\n".join(lines).encode()))
    assert [line.text for line in outcome.effects.logs] == lines
    assert outcome.effects.logs_dropped == 0


def test_a_long_line_is_cut(puppet: Puppet) -> None:
    """At 4096 characters, and it says so."""
    (line,) = puppet.play(write(1, b"y" * 5000)).effects.logs
    assert line.text == "y" * 4095 + "…"


def test_a_flood_of_newlines_is_counted(puppet: Puppet) -> None:
    """Blank lines are none; of the others there are at most so many."""
    assert puppet.play(write(1, b"\n" * 30_000)).effects.logs == ()
    effects = puppet.play(write(1, b"x\n" * 20_000)).effects
    assert len(effects.logs) == MAX_LINES
    assert effects.logs_dropped == 20_000 - MAX_LINES


@pytest.mark.parametrize("descriptor", [0, 3, 4, 2**31, 2**32 - 1])
def test_there_is_no_other_file_to_write(puppet: Puppet, descriptor: int) -> None:
    """EBADF, and nothing is looked at."""
    assert puppet.ask("wasi.fd_write", descriptor, -1, -1, -1) == BADF


def test_fd_write_checks_every_piece(lab: Lab) -> None:
    """A piece that is not in memory traps, whatever the outbox would have taken of it."""
    for pointer, length in ((END - 4, 8), (0, 2**32 - 1), (2**32 - 1, 1), (END + 1, 0)):
        script = poke(SCRATCH, struct.pack("<II", pointer, length)) + call(
            "wasi.fd_write", 1, SCRATCH, 1, OUT
        )
        assert lab.puppet().kind(script) is PanicKind.OUT_OF_BOUNDS
    assert lab.puppet().kind(call("wasi.fd_write", 1, END - 4, 1, OUT)) is PanicKind.OUT_OF_BOUNDS
    assert lab.puppet().kind(call("wasi.fd_write", 1, 0, 0, END)) is PanicKind.OUT_OF_BOUNDS
    kind = lab.puppet().kind(call("wasi.fd_write", 1, 0, 2**32 - 1, OUT))
    assert kind in {PanicKind.OUT_OF_BOUNDS, PanicKind.OUT_OF_FUEL}


def test_standard_error_is_the_last_word(puppet: Puppet) -> None:
    """Where the guest reported nothing, what it wrote there is why it trapped."""
    outcome = puppet.play(write(2, b"panic: no\n"), write(2, b"\tat x\n"), DIE)
    assert outcome.trap is not None
    assert outcome.trap.message == r"panic: no\n\tat x"
    assert outcome.effects.logs == (LogLine("warn", "panic: no"), LogLine("warn", r"\tat x"))


# clocks


def test_the_clock_is_the_events_time(puppet: Puppet) -> None:
    """Never backwards, and the same for every clock there is."""
    assert clock(puppet, at=NOW) == NOW
    assert clock(puppet, at=NOW - 5) == NOW
    assert clock(puppet, at=NOW + 5) == NOW + 5
    for which in (0, 1, 2, 3):
        script = (call("wasi.clock_time_get", which, 1_000_000, OUT), answer(), tell(OUT, 8))
        assert puppet.told(*script, at=0) == [bytes(8), (NOW + 5).to_bytes(8, "little")]


def test_the_clock_is_never_0(puppet: Puppet) -> None:
    """Go takes a clock at 0 for a broken one, and dies."""
    assert clock(puppet, at=0) == abi.INIT_AT > 0


def test_the_clock_is_read_to_any_place(lab: Lab) -> None:
    """Unaligned too; past the end of memory it traps."""
    puppet = lab.puppet()
    assert puppet.told(call("wasi.clock_time_get", 0, 0, 0x201), tell(0x201, 8), at=NOW) == [
        NOW.to_bytes(8, "little")
    ]
    assert puppet.kind(call("wasi.clock_time_get", 0, 0, END - 7)) is PanicKind.OUT_OF_BOUNDS
    assert lab.puppet().kind(call("wasi.clock_res_get", 0, END - 7)) is PanicKind.OUT_OF_BOUNDS


def test_the_clocks_resolution(puppet: Puppet) -> None:
    """A nanosecond."""
    assert puppet.told(call("wasi.clock_res_get", 0, OUT), answer(), tell(OUT, 8)) == [
        bytes(8),
        b"\1" + bytes(7),
    ]


def timeout(nanoseconds: int, *, absolute: bool = False, userdata: int = 0) -> bytes:
    """A subscription to a clock."""
    return struct.pack("<QB7xI4xQQH6x", userdata, 0, 0, nanoseconds, 0, int(absolute))


def readable(userdata: int, tag: int = 1) -> bytes:
    """A subscription to a descriptor."""
    return struct.pack("<QB7xI28x", userdata, tag, 0)


def poll(*subscriptions: bytes) -> bytes:
    """Script: poll_oneoff; the number of events at OUT, and they behind it."""
    data = b"".join(subscriptions)
    assert len(data) == 48 * len(subscriptions)
    return poke(SCRATCH, data) + call("wasi.poll_oneoff", SCRATCH, OUT + 8, len(subscriptions), OUT)


def events(body: bytes) -> list[tuple[int, int, int]]:
    """What poll_oneoff gave: userdata, errno and type of each event."""
    (count,) = struct.unpack_from("<I", body)
    return [struct.unpack_from("<QHB", body, 8 + 32 * index) for index in range(count)]


def test_a_sleep_moves_the_clock_on(puppet: Puppet) -> None:
    """At once, by as much as was slept, and for later deliveries too."""
    assert clock(puppet, poll(timeout(5_000)), at=NOW) == NOW + 5_000
    assert clock(puppet, poll(timeout(1_000)), at=NOW) == NOW + 6_000
    assert clock(puppet, at=NOW + 10_000) == NOW + 10_000


def test_a_sleep_until_moves_the_clock_there(puppet: Puppet) -> None:
    """An absolute time; one in the past moves nothing."""
    assert clock(puppet, poll(timeout(NOW + 77, absolute=True)), at=NOW) == NOW + 77
    assert clock(puppet, poll(timeout(NOW - 77, absolute=True)), at=NOW) == NOW + 77


def test_the_earliest_subscription_is_due(puppet: Puppet) -> None:
    """And those of the same time with it, in order."""
    script = poll(
        timeout(50, userdata=1), timeout(20, userdata=2), timeout(NOW + 20, absolute=True, userdata=3)
    )
    ended, body = puppet.told(script, answer(), tell(OUT, 8 + 3 * 32), at=NOW)
    assert ended == bytes(8)
    assert events(body) == [(2, SUCCESS, 0), (3, SUCCESS, 0)]
    assert clock(puppet, at=NOW) == NOW + 20


def test_a_descriptor_is_due_at_once(puppet: Puppet) -> None:
    """With EBADF, and no time passes."""
    script = poll(timeout(50, userdata=1), readable(2, 1), readable(3, 2))
    (body,) = puppet.told(script, tell(OUT, 8 + 3 * 32), at=NOW)
    assert events(body) == [(2, BADF, 1), (3, BADF, 2)]
    assert clock(puppet, at=NOW) == NOW


def test_the_clock_cannot_be_overflown(puppet: Puppet) -> None:
    """A sleep for ever ends at the end of time, where the clock stays."""
    assert clock(puppet, poll(timeout(FOREVER)), at=NOW) == FOREVER
    assert clock(puppet, poll(timeout(FOREVER)), at=NOW) == FOREVER
    assert clock(puppet, at=NOW) == FOREVER


def test_polling_for_nothing_is_an_error(puppet: Puppet) -> None:
    """EINVAL, as preview 1 says."""
    assert puppet.ask("wasi.poll_oneoff", 0, 0, 0, 0) == INVAL


def test_poll_oneoff_stays_in_bounds(lab: Lab) -> None:
    """Subscriptions, events and count."""
    at_end = poke(END - 48, timeout(1))
    for arguments in (
        (END - 40, 0, 1, 0),
        (END - 48, END - 31, 1, 0),
        (END - 48, 0, 1, END - 3),
        (0, 0, -1, 0),
    ):
        kind = lab.puppet().kind(at_end, call("wasi.poll_oneoff", *arguments))
        assert kind in {PanicKind.OUT_OF_BOUNDS, PanicKind.OUT_OF_FUEL}
    assert lab.puppet().told(at_end, call("wasi.poll_oneoff", END - 48, 0, 1, END - 4), answer()) == [
        bytes(8)
    ]


# random


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 100])
def test_random_get_is_the_deliverys_stream(lab: Lab, length: int) -> None:
    """The bytes of delivery.random, little-endian, and nothing beyond what was asked."""
    puppet = lab.puppet()
    drawn = b"".join(puppet.told((call("delivery.random") + answer()) * 13, seed=1, seq=2))
    script = (call("wasi.random_get", 0x200, length), answer(), tell(0x200, length + 8))
    assert puppet.told(*script, seed=1, seq=2) == [bytes(8), drawn[:length] + bytes(8)]


def test_random_get_stays_in_bounds(lab: Lab) -> None:
    """Checked before the first byte is written."""
    for pointer, length in ((END - 1, 2), (0, -1), (-1, 1)):
        assert lab.puppet().kind(call("wasi.random_get", pointer, length)) is PanicKind.OUT_OF_BOUNDS


# the rest


@pytest.mark.parametrize("name", ["args", "environ"])
def test_there_are_no_arguments_and_no_environment(puppet: Puppet, name: str) -> None:
    """Their number and size are 0."""
    script = (
        poke(OUT, b"\xff" * 8),
        call(f"wasi.{name}_sizes_get", OUT, OUT + 4),
        keep(0),
        tell(OUT, 8),
        tell(0, 8),
    )
    assert puppet.told(*script) == [bytes(8), bytes(8)]
    assert puppet.ask(f"wasi.{name}_get", 0, 0) == SUCCESS


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_the_three_streams_are_character_devices(puppet: Puppet, descriptor: int) -> None:
    """So that a libc does not ask for more."""
    script = (poke(OUT, b"\xff" * 24), call("wasi.fd_fdstat_get", descriptor, OUT), answer(), tell(OUT, 24))
    assert puppet.told(*script) == [bytes(8), struct.pack("<BxH4xQQ", 2, 0, 0x40, 0)]


def test_no_other_descriptor_has_a_status(lab: Lab) -> None:
    """EBADF; and the status needs its 24 bytes."""
    assert lab.puppet().ask("wasi.fd_fdstat_get", 3, -1) == BADF
    assert lab.puppet().kind(call("wasi.fd_fdstat_get", 1, END - 23)) is PanicKind.OUT_OF_BOUNDS


def test_yielding_works(puppet: Puppet) -> None:
    """Nobody else runs, but it succeeds."""
    assert puppet.ask("wasi.sched_yield") == SUCCESS


@pytest.mark.parametrize(
    "entry", [e for e in abi.WASI_IMPORTS if e.name not in abi.WASI_ANSWERED], ids=lambda entry: entry.name
)
def test_what_is_not_there_says_so(puppet: Puppet, entry: abi.Import) -> None:
    """EBADF of each fd_*: there is no such descriptor, as Go and libcs expect; ENOSYS of the rest."""
    wanted = BADF if entry.name.startswith("fd_") else NOSYS
    assert puppet.ask(entry.symbol, *range(3, 3 + len(entry.params))) == wanted


@pytest.mark.parametrize("code", [0, 1, 134, 2**32 - 1])
def test_proc_exit_ends_the_delivery(puppet: Puppet, code: int) -> None:
    """Also with code 0: an observer has nothing to exit from."""
    outcome = puppet.play(call("wasi.proc_exit", code), write(1, b"unheard"))
    assert outcome.trap is not None
    assert outcome.trap.kind is PanicKind.EXIT
    assert outcome.trap.message == f"the guest called proc_exit with code {code}"
    assert outcome.effects.logs == ()


def test_wasi_works_while_initialising(lab: Lab) -> None:
    """Language runtimes ask for time, randomness and arguments before anything else."""
    script = write(1, b"up") + call("wasi.clock_time_get", 0, 0, 0x200) + call("wasi.random_get", 0x208, 8)
    data = "".join(f"\\{byte:02x}" for byte in script)
    extra = (
        f'(data (i32.const 0xC000) "{data}")'
        f'(func (export "_initialize") (call $play (i32.const 0xC000) (i32.const {len(script)})))'
    )
    guest = lab.load(wat.puppet(extra=extra))
    first, second = (Puppet(lab.open(guest, seed=3)) for _ in range(2))
    assert first.sandbox.init.effects.logs == (LogLine("info", "up"),)
    (told,) = first.told(tell(0x200, 16))
    assert [told] == second.told(tell(0x200, 16))
    assert int.from_bytes(told[:8], "little") == abi.INIT_AT


CLOCKED = """(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (drop (call {} (i32.const 0) {} (i32.const 0x80)))
  (i32.const 0x100))"""


def test_an_allocator_may_look_at_the_clock(lab: Lab) -> None:
    """Go's does as its heap grows, also while imports are shut: it is told the time, and nothing else."""
    realloc = CLOCKED.format("$wasi.clock_time_get", "(i64.const 0)")
    wasm = wat.guest(tell_memory(0x80, 8), use=("wasi.clock_time_get", "report.send"), realloc=realloc)
    outcome = lab.open(wasm).deliver(0, b"event", NOW)
    assert outcome.trap is None
    (report,) = outcome.effects.reports
    assert int.from_bytes(report.body, "little") == NOW


def test_an_allocator_may_ask_for_nothing_else(lab: Lab) -> None:
    """Every other function of WASI is shut where imports are."""
    realloc = CLOCKED.format("$wasi.clock_res_get", "")
    wasm = wat.guest(use=("wasi.clock_res_get",), realloc=realloc)
    assert lab.trap(wasm).kind is PanicKind.ALLOCATOR

"""A shard: a process with no rights that runs some observers, as the host's socket tells it to.

It is a small host: runners, mailboxes and a scheduler as in a host of one process, and nothing to keep
anything with. What is sealed off, says `wasmhost.wall.confine`.
"""

from __future__ import annotations

import mmap
import os
import threading
from typing import TYPE_CHECKING, Final

from wasmhost.config.model import MOST_STACK_KIB
from wasmhost.errors import GuestRefused
from wasmhost.host.mailbox import Letter
from wasmhost.host.scheduler import Scheduler
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import let_in
from wasmhost.shards.events import decode_sent
from wasmhost.shards.framing import MAX_DOWNWARD, Frame, FrameReader, Kind, encode
from wasmhost.shards.lines import send_lines
from wasmhost.shards.loads import Load, Setup, read_load, read_setup
from wasmhost.shards.member import Member
from wasmhost.shards.outbox import AwayReply, write_line
from wasmhost.shards.packing import Packer, Unpacker
from wasmhost.wall.confine import seal

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    from wasmhost.host.lanes import Entry
    from wasmhost.shards.events import Sent

_CHUNK: Final = 1024 * 1024
_KIB: Final = 1024


def main(end: socket.socket, extra_fds: list[int]) -> None:
    """Serve the host at the other end of the socket until it closes or says stop.

    ``extra_fds``: a piece of memory shared with the host, where each observer's letter in hand is noted.
    """
    (notes,) = extra_fds
    with mmap.mmap(notes, os.fstat(notes).st_size) as shared:
        os.close(notes)
        currents = memoryview(shared).cast("Q")
        _Shard(end, currents).serve()
        os._exit(0)  # what is left needs no care: it is all this process's own


class _Shard:
    """The observers of a shard, by their places."""

    def __init__(self, end: socket.socket, currents: memoryview) -> None:
        self._end = end
        self._currents = currents
        self._sending = threading.Lock()
        self._lossless = False
        self._engines: dict[int, SandboxEngine] = {}
        self._scheduler = Scheduler(MOST_STACK_KIB * _KIB, on_still=self._rest)
        self._members: dict[int, tuple[Member, Entry]] = {}
        self._by_name: dict[str, Member] = {}

    def serve(self) -> None:
        """Do what each frame says."""
        for kind, body in _frames(self._end):
            match kind:
                case Kind.EVENTS:
                    for sent in decode_sent(body):
                        self._deliver(sent)
                case Kind.LOAD:
                    # On a worker, as its deadline is kept there, and the others are to go on.
                    self._scheduler.submit(self._scheduler.enlist(_Loading(self._load, read_load(body))))
                case Kind.PAUSE:
                    self._pause(_place(body))
                case Kind.RESUME:
                    self._resume(_place(body))
                case Kind.UNLOAD:
                    self._unload(_place(body))
                case Kind.SETUP:
                    self._set_up(read_setup(body))
                case Kind.STOP:
                    self._stop()
                    return
                case _:
                    raise AssertionError(kind)

    def _send(self, kind: Kind, *body: bytes | bytearray) -> None:
        """Send a frame, whole; from any thread. Waits while the host has no time to read."""
        data = encode(kind, *body)
        with self._sending:
            self._end.sendall(data)

    def _line(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Send a line of the log: with its observer's turn, so that they stay together; else at once."""
        member = self._by_name.get(str(fields.get("observer")))
        if member is not None:
            member.outbox.line(level, event, fields)
            return
        out = Packer()
        write_line(out, level, event, fields)
        self._send(Kind.LINES, out.data)

    def _set_up(self, setup: Setup) -> None:
        send_lines(self._line, setup.level)
        self._lossless = setup.lossless
        state = seal()
        out = Packer()
        out.u8(state.seccomp)
        out.text(state.why_not or "")
        self._send(Kind.LOADED, out.data)

    def _rest(self) -> None:
        for engine in tuple(self._engines.values()):
            engine.ticker.disarm()

    def _load(self, load: Load) -> None:
        """Let an observer in and start it, and say how that went."""
        place, observer = load.index, load.observer
        engine = self._engine(observer.limits.stack_kib)
        member = Member(
            place, self._currents[place : place + 1], load.state, self._send, lossless=self._lossless
        )
        before = self._by_name.get(observer.name)  # of its name, and about to make room
        self._by_name[observer.name] = member
        self._currents[place] = load.number  # whatever this process dies of now, it is this one's
        head = Packer()
        head.u16(place)
        try:
            compiled = engine.adopt(load.artifact)
            guest = let_in(
                engine, compiled, load.wasm, observer.limits, grant=observer.grant, hooks=observer.hooks
            )
            member.start(observer, engine, guest, load.panics)
        except GuestRefused as refused:
            self._refuse(member, load, before, str(refused), bug=False)
        except Exception as error:
            self._refuse(member, load, before, repr(error), bug=True)
        else:
            self._members[place] = (member, self._scheduler.enlist(member))
            hooks = sorted(member.runner.hooks)
            head.u32(len(hooks))
            for hook in hooks:
                head.text(hook)
            member.flush()
            self._currents[place] = 0  # before the host hears of it, and loads the next one
            self._send(Kind.LOADED, head.data)

    def _refuse(self, member: Member, load: Load, before: Member | None, reason: str, *, bug: bool) -> None:
        member.flush()  # what it logged before it failed
        if before is not None:
            self._by_name[load.observer.name] = before
        else:
            del self._by_name[load.observer.name]
        head = Packer()
        head.u16(load.index)
        head.u8(bug)
        head.text(reason)
        self._currents[load.index] = 0
        self._send(Kind.REFUSED, head.data)

    def _engine(self, stack_kib: int) -> SandboxEngine:
        engine = self._engines.get(stack_kib)
        if engine is None:
            engine = self._engines[stack_kib] = SandboxEngine(stack_kib)
        return engine

    def _pause(self, place: int) -> None:
        """Have an observer finish the letter in hand, forget the others, and say so."""
        if place not in self._members:
            self._send(Kind.PAUSED, _body(place))  # it was given up
            return
        member, entry = self._members[place]
        resting = threading.Event()
        self._scheduler.pause(entry, resting.set)

        def rest() -> None:
            resting.wait()
            member.rest()
            self._send(Kind.PAUSED, _body(place))

        # Aside: the letter in hand may take until its deadline, and the others get theirs meanwhile.
        threading.Thread(target=rest, name="wasmhost-rest", daemon=True).start()

    def _resume(self, place: int) -> None:
        if place in self._members:
            self._scheduler.resume(self._members[place][1])

    def _unload(self, place: int) -> None:
        """End an observer; if it does not rest yet, it has at most one letter in hand."""
        member, entry = self._members.pop(place)
        resting = threading.Event()
        self._scheduler.pause(entry, resting.set)
        resting.wait()
        member.close()
        member.flush()
        name = member.runner.name
        if self._by_name.get(name) is member:
            del self._by_name[name]
        self._send(Kind.UNLOADED, _body(place))

    def _deliver(self, sent: Sent) -> None:
        scheduler = self._scheduler
        letter = Letter(sent.frame, sent.number, sent.lost, disguised=sent.disguised)
        for place in sent.places:
            member, entry = self._members[place]
            if sent.awaited:
                reply = AwayReply(sent.frame.hook, sent.number, member.outbox)
                letter = letter._replace(reply=reply)
            if member.mailbox.put(letter):
                scheduler.submit(entry)

    def _stop(self) -> None:
        """End the threads, tell the last, and say that this was all."""
        self._scheduler.close()
        for member, _entry in self._members.values():
            member.close()
            member.flush()
        self._send(Kind.STOPPED)


class _Loading:
    """The one turn in which an observer is loaded."""

    def __init__(self, load: Callable[[Load], None], what: Load) -> None:
        self._load = load
        self._what = what

    def turn(self) -> bool:
        """Load it."""
        self._load(self._what)
        return False

    def crashed(self, error: BaseException) -> None:  # noqa: ARG002 - the scheduler has logged it
        """End the process: the host waits, and has no other way to learn of it."""
        os._exit(1)


def _body(place: int) -> bytearray:
    body = Packer()
    body.u16(place)
    return body.data


def _place(body: bytes) -> int:
    return Unpacker(body).u16()


def _frames(end: socket.socket) -> Iterator[Frame]:
    reader = FrameReader(MAX_DOWNWARD)
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    while received := end.recv_into(buffer):
        yield from reader.feed(view[:received])

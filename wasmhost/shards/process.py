"""A shard: a process with no rights that runs some observers, as the host's socket tells it to.

It is a small host: runners, mailboxes and a scheduler as in a host of one process, and nothing to keep
anything with. What is sealed off, says `wasmhost.wall.confine`.
"""

from __future__ import annotations

import mmap
import os
import threading
from typing import TYPE_CHECKING, Final

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
from wasmhost.shards.packing import Packer
from wasmhost.wall.confine import seal

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from wasmhost.host.lanes import Entry
    from wasmhost.shards.events import Sent

_CHUNK: Final = 1024 * 1024


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
        self._scheduler: Scheduler | None = None
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
                    self._load(read_load(body))
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
        self._engines = {size: SandboxEngine(size) for size in setup.stacks_kib}
        largest = max(engine.stack_bytes for engine in self._engines.values())
        self._scheduler = Scheduler(largest, on_still=self._rest)
        state = seal()
        out = Packer()
        out.u8(state.seccomp)
        out.text(state.why_not or "")
        self._send(Kind.LOADED, out.data)

    def _rest(self) -> None:
        for engine in self._engines.values():
            engine.ticker.disarm()

    def _load(self, load: Load) -> None:
        """Let an observer in and start it, and say how that went."""
        place, observer = load.index, load.observer
        engine = self._engines[observer.limits.stack_kib]
        member = Member(
            place, self._currents[place : place + 1], load.state, self._send, lossless=self._lossless
        )
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
            self._refuse(member, place, str(refused), bug=False)
        except Exception as error:
            self._refuse(member, place, repr(error), bug=True)
        else:
            assert self._scheduler is not None  # noqa: S101 - set up first
            self._members[place] = (member, self._scheduler.enlist(member))
            hooks = sorted(member.runner.hooks)
            head.u32(len(hooks))
            for hook in hooks:
                head.text(hook)
            member.flush()
            self._currents[place] = 0  # before the host hears of it, and loads the next one
            self._send(Kind.LOADED, head.data)

    def _refuse(self, member: Member, place: int, reason: str, *, bug: bool) -> None:
        member.flush()  # what it logged before it failed
        head = Packer()
        head.u16(place)
        head.u8(bug)
        head.text(reason)
        self._currents[place] = 0
        self._send(Kind.REFUSED, head.data)

    def _deliver(self, sent: Sent) -> None:
        scheduler = self._scheduler
        assert scheduler is not None  # noqa: S101 - set up first
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
        if self._scheduler is not None:
            self._scheduler.close()
        for member, _entry in self._members.values():
            member.close()
            member.flush()
        self._send(Kind.STOPPED)


def _frames(end: socket.socket) -> Iterator[Frame]:
    reader = FrameReader(MAX_DOWNWARD)
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    while received := end.recv_into(buffer):
        yield from reader.feed(view[:received])

"""A shard as the host sees it: a process that is fed, listened to, and replaced when it dies.

What a death costs is decided here. The shard notes which letter each observer has in hand; of a letter that
was not told as done, nothing has been seen outside. So when it dies, the letter in hand is the culprit's and
is spent, as by a trap, and all others go to the next process. Where several were in hand at once, each of
them is tried alone, and one that kills again is the culprit.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.host.health import Backoff
from wasmhost.host.mishaps import tell_operator
from wasmhost.shards.framing import Garbled, Kind
from wasmhost.shards.life import Ended, Life, Notes
from wasmhost.shards.loads import Load, Setup, write_load, write_setup
from wasmhost.shards.multicast import Multicast
from wasmhost.shards.packing import Unpacker
from wasmhost.shards.turns import read_line, read_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wasmhost.sandbox.compiling import Artifact
    from wasmhost.shards.desk import Desk
    from wasmhost.shards.framing import Frame
    from wasmhost.wall.limits import ChildLimits
    from wasmhost.wall.zygote import Zygote

    Frames = Iterator[Frame | None]

LOADING: Final = (1 << 64) - 1
"""Noted as an observer's letter in hand while it is loaded."""
_MAX_REASON: Final = 1024
_MAX_HOOKS: Final = 64
_HOOK_NAME: Final = 64
_SETTLED_S: Final = 10.0  # a life this long was no quick death
_STUCK_S: Final = 10.0  # over its deadlines
_LOOK_S: Final = 0.2
_AWAY_S: Final = 5.0
_TOLD_TOGETHER: Final = 160  # letters at most that a shard serves before it tells of the first
_FORKS: Final = 5
_LOADING_DEATHS: Final = 3  # in a row


class Member(NamedTuple):
    """An observer of a shard, and what it is loaded from."""

    desk: Desk
    wasm: bytes
    artifact: Artifact


class Suspect(NamedTuple):
    """An observer, and the letter it had in hand when its process died."""

    desk: Desk
    number: int


class Shard:
    """One shard. `put`, of its `Multicast`, may be called from any thread; its own thread does the rest."""

    def __init__(
        self,
        number: int,
        members: Sequence[Member],
        zygote: Zygote,
        limits: ChildLimits,
        *,
        lossless: bool,
    ) -> None:
        self.name = f"shard {number}"
        self.started = threading.Event()
        """Set when it serves, or will never."""
        self.unfiltered: str | None = None
        """Why its system calls are not filtered, where they are not."""
        self.deaths = 0
        self.members = members
        self._zygote = zygote
        self._limits = limits
        self._lossless = lossless
        self._notes = Notes(len(members))
        self._multicast = Multicast([member.desk for member in members])
        self._lock = self._multicast.lock
        self.put = self._multicast.put
        self._life: Life | None = None
        self._loading: Desk | None = None
        self._closing = False
        self._opened = False  # at any time
        self._serving = False  # now
        self._stopped = False
        self._backoff = Backoff(0.01, 5.0, random.Random())  # noqa: S311 - jitter
        self._watched: dict[tuple[str, int], tuple[int, float]] = {}
        self._looked_at = 0.0
        self._thread = threading.Thread(target=self._run, name=f"wasmhost-{self.name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """Its process now; None between two."""
        life = self._life
        return life.pid if life is not None else None

    def start(self) -> None:
        """Begin; `started` tells when its observers are loaded."""
        self._thread.start()

    # Its own thread.

    def _run(self) -> None:
        suspects: list[Suspect] = []
        forks = 0
        while not self._closing:
            born = time.monotonic()
            why = ""
            try:
                life = Life(self._zygote, self._notes, self._limits)
            except Exception as error:  # WallError, or no descriptor or thread is left: there may be later
                forks += 1
                if not self._opened and forks >= _FORKS:
                    self._give_up(str(error))
                    break
                tell_operator("error", "no process for a shard", shard=self.name, reason=str(error))
                self._pause(born)
                continue
            forks = 0
            with self._lock:
                self._life = life
            if self._closing:
                life.kill()  # `stop` found none to kill
            try:
                self._live(life, suspects)
            except Ended:
                pass
            except Garbled as error:
                why = f"it sent what makes no sense ({error})"
                life.kill()
            except Exception as error:  # a bug of ours: its observers must not be lost with this thread
                tell_operator("error", "wasmhost failed to serve a shard; this is a bug", exc_info=error)
                life.kill()
            try:
                suspects = self._bury(life, why)
            except Exception as error:  # likewise; but whose letters are where, nobody knows now
                tell_operator("error", "wasmhost failed to end a shard; this is a bug", exc_info=error)
                self._give_up("its shard was lost to a bug of wasmhost")
                break
            if not self._opened and self.deaths >= _FORKS + _LOADING_DEATHS * len(self.members):
                self._give_up("its process dies each time before it serves")
                break
            if not self._stopped and not self._closing:
                self._pause(born)
        self._end()

    def _live(self, life: Life, suspects: list[Suspect]) -> None:
        frames = life.frames()
        self._multicast.connect(life.sender)
        self._set_up(life, frames)
        for place, member in enumerate(self.members):
            if not member.desk.out:
                self._load(life, frames, place, member)
        for suspect in suspects:
            if suspect.number != LOADING:
                self._try_alone(frames, suspect)
        self._open()
        for frame in frames:
            self._take(frame)
            if self._stopped:
                return

    def _set_up(self, life: Life, frames: Frames) -> None:
        stacks = {member.desk.observer.limits.stack_kib for member in self.members}
        life.send(Kind.SETUP, write_setup(Setup(tuple(sorted(stacks)), self._lossless, 0)))
        for frame in frames:
            if frame is not None and frame.kind is Kind.LOADED:
                source = Unpacker(frame.body)
                self.unfiltered = None if source.u8() else source.text(_MAX_REASON)
                return
            self._take(frame)

    def _load(self, life: Life, frames: Frames, place: int, member: Member) -> None:
        """Have one observer loaded, and hear how that went."""
        desk = member.desk
        load = Load(
            place, LOADING, desk.observer, member.wasm, member.artifact, desk.state(), list(desk.panics)
        )
        self._notes.numbers[place] = LOADING
        self._loading = desk
        until = time.monotonic() + _patience_s(desk)
        life.send(Kind.LOAD, write_load(load))
        for frame in frames:
            if frame is not None and frame.kind in {Kind.LOADED, Kind.REFUSED}:
                source = Unpacker(frame.body)
                if source.u16() != place:
                    raise Garbled("another observer was loaded than was to be")
                if frame.kind is Kind.LOADED:
                    hooks = frozenset(source.text(_HOOK_NAME) for _ in range(source.count(_MAX_HOOKS)))
                    desk.may_hear(hooks)
                    desk.hooks = desk.hooks or hooks
                    desk.deaths_loading = 0
                else:
                    self._not_loaded(desk, bug=bool(source.u8()), reason=source.text(_MAX_REASON))
                self._loading = None
                return
            self._take(frame)
            if time.monotonic() > until:  # by our clock: what the shard notes may be a lie
                raise Garbled("nothing, for longer than loading may take")

    def _not_loaded(self, desk: Desk, *, bug: bool, reason: str) -> None:
        if bug:
            reason = f"wasmhost failed to load it, which is a bug: {reason}"
        if self._opened:
            desk.fail(reason)
        else:
            desk.refused = reason

    def _try_alone(self, frames: Frames, suspect: Suspect) -> None:
        """Deliver one observer's letters up to the one it had in hand, with nobody beside it."""
        tray = suspect.desk.mailbox
        with self._lock:
            if not suspect.desk.out:
                tray.send_up_to(suspect.number)
        while tray.under_way:
            self._take(next(frames))

    def _open(self) -> None:
        """Let events flow."""
        self._opened = True
        self._multicast.open()
        with self._lock:
            self._serving = True
        self.started.set()

    def _take(self, frame: Frame | None) -> None:
        """Do what a frame of the shard says; None: it is quiet."""
        if time.monotonic() - self._looked_at > _LOOK_S:
            self._look_after()
        if frame is None:
            return
        match frame.kind:
            case Kind.TURN:
                turn = read_turn(frame.body)
                if turn.place >= len(self.members):
                    raise Garbled("a turn is of no observer there is")
                desk = self.members[turn.place].desk
                done = turn.done.tolist()
                if len(set(done)) != len(done) or not desk.mailbox.under_way.keys() >= set(done):
                    raise Garbled("a letter is done that was not under way")
                desk.take(turn)
                with self._lock:
                    desk.mailbox.done(done)
            case Kind.LINES:
                self._line(frame.body)
            case Kind.STOPPED:
                self._stopped = self._closing
            case _:
                raise Garbled(f"a frame of kind {frame.kind} has no place here")

    def _line(self, body: bytes) -> None:
        """Log what a shard says of itself: under its own name, and of no observer."""
        source = Unpacker(body)
        line = read_line(source)
        source.end()
        told = {name: value for name, value in line.fields.items() if name != "observer"}
        tell_operator(line.level, line.event, **{**told, "shard": self.name})

    def _look_after(self) -> None:
        """Kill a shard that has one letter in hand, or owes one, for longer than any deadline allows.

        What it has in hand, it says itself; what it owes, we know.
        """
        now = time.monotonic()
        if now - self._looked_at > _AWAY_S:  # it was us who did not look: a sink may have held us up
            self._watched.clear()
        self._looked_at = now
        for place, member in enumerate(self.members):
            desk = member.desk
            with self._lock:
                owed = next(iter(desk.mailbox.under_way), 0)
            in_hand_s = self._unmoved_s(("in hand", place), self._notes.numbers[place], now)
            owed_s = self._unmoved_s(("owed", place), owed, now)
            if in_hand_s > _patience_s(desk) or owed_s > _owed_patience_s(desk):
                tell_operator("error", "a shard is stuck", shard=self.name, observer=desk.name)
                assert self._life is not None  # noqa: S101 - it is looked after by the one who serves it
                self._life.kill()

    def _unmoved_s(self, what: tuple[str, int], number: int, now: float) -> float:
        """For how long a number has been the same; 0 is none."""
        seen, since = self._watched.get(what, (0, now))
        if number != seen:
            self._watched[what] = (number, now)
        return now - since if number and number == seen else 0.0

    # Its end.

    def _bury(self, life: Life, why: str) -> list[Suspect]:
        """Take back what was under way, find out whose death it was, and say so. Gives those to be tried."""
        self.deaths += not self._stopped
        self._multicast.pause()
        with self._lock:
            self._life = None
            self._serving = False
        words = life.bury()
        words = f"{why}, {words}" if why else words
        suspects = [] if self._stopped else self._in_hand()
        guilty = suspects[0] if len(suspects) == 1 else None
        with self._lock:
            letter = guilty.desk.mailbox.under_way.pop(guilty.number, None) if guilty is not None else None
            for member in self.members:
                member.desk.mailbox.recall(member.desk.untold())
        self._notes.clear()
        self._loading = None
        self._watched.clear()
        if not self._stopped:
            self._tell(words, guilty, suspects)
        if guilty is None:
            return suspects
        if letter is not None:
            guilty.desk.convict(letter, words)
        elif guilty.number == LOADING:
            self._died_loading(guilty.desk, words)
        return []

    def _died_loading(self, desk: Desk, words: str) -> None:
        """Give an observer up that kills one process after the other, and not for what may be chance."""
        desk.deaths_loading += 1
        if desk.deaths_loading >= _LOADING_DEATHS:
            self._not_loaded(desk, bug=False, reason=f"its process died while it was loaded: {words}")

    def _in_hand(self) -> list[Suspect]:
        """Who had a letter in hand, or was being loaded: that we know, whatever the shard noted."""
        if self._loading is not None:
            return [Suspect(self._loading, LOADING)]
        return [
            Suspect(member.desk, number)
            for place, member in enumerate(self.members)
            if (number := self._notes.numbers[place])
            and (number == LOADING or number in member.desk.mailbox.under_way)
        ]

    def _tell(self, words: str, guilty: Suspect | None, suspects: list[Suspect]) -> None:
        observers = ", ".join(suspect.desk.name for suspect in suspects)
        what = {"observer": observers} if guilty is not None else {"suspects": observers or "none"}
        tell_operator("error", "a shard died; it is started again", shard=self.name, reason=words, **what)

    def _pause(self, born: float) -> None:
        """Wait before the next process: not at all for long, unless one after the other dies."""
        if time.monotonic() - born > _SETTLED_S:
            self._backoff.succeeded()
        until = time.monotonic() + self._backoff.panicked()
        while not self._closing and time.monotonic() < until:
            time.sleep(0.005)

    def _give_up(self, reason: str) -> None:
        for member in self.members:
            if not member.desk.out:
                self._not_loaded(member.desk, bug=False, reason=reason)

    def _end(self) -> None:
        with self._lock:
            for member in self.members:
                member.desk.mailbox.abandon()
        self._notes.close()
        self.started.set()

    def stop(self) -> None:
        """Have it finish the deliveries under way, tell the last, and end; returns at once."""
        self._closing = True
        with self._lock:
            life = self._life
            if life is not None and self._serving:
                life.sender.finish(Kind.STOP)
            elif life is not None:
                life.kill()  # it is still being loaded

    def join(self, wait_s: float) -> None:
        """Wait for its end, after `stop`; it is killed when it takes too long."""
        if self._thread.ident is None:
            return
        self._thread.join(wait_s)
        life = self._life
        if self._thread.is_alive() and life is not None:
            tell_operator("error", "a shard does not end; it is killed", shard=self.name)
            life.kill()
        self._thread.join()


def _patience_s(desk: Desk) -> float:
    """How long a letter may be in hand, or loading take."""
    limits = desk.observer.limits
    return (limits.deadline_ms + limits.init_deadline_ms) / 1e3 + _STUCK_S


def _owed_patience_s(desk: Desk) -> float:
    """How long a letter may be under way: others may be told of together with it, after a wait."""
    return _TOLD_TOGETHER * _patience_s(desk) + desk.observer.backoff_ms[1] / 1e3

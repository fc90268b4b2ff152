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

from wasmhost.backoff import Backoff
from wasmhost.host.mishaps import tell_operator
from wasmhost.host.snapshot import ShardSnapshot
from wasmhost.shards.framing import Garbled, Kind
from wasmhost.shards.household import LOADING, Household
from wasmhost.shards.life import Ended, Life
from wasmhost.shards.loads import Setup, write_setup
from wasmhost.shards.members import fits, limits_of
from wasmhost.shards.packing import Unpacker
from wasmhost.shards.turns import read_line, read_turn
from wasmhost.shards.watchdog import Watchdog, patience_s

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wasmhost.shards.desk import Desk
    from wasmhost.shards.framing import Frame
    from wasmhost.shards.members import Member
    from wasmhost.wall.zygote import Zygote

    Frames = Iterator[Frame | None]

_MAX_REASON: Final = 1024
_SETTLED_S: Final = 10.0  # a life this long was no quick death
_FORKS: Final = 5
_LOADING_DEATHS: Final = 3  # in a row


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
        *,
        lossless: bool,
        expected: Sequence[Member] = (),
    ) -> None:
        """``expected`` are to be admitted at once, and there has to be room for them."""
        self.number = number
        self.name = f"shard {number}"
        self.started = threading.Event()
        """Set when it serves, or will never."""
        self.unfiltered: str | None = None
        """Why its system calls are not filtered, where they are not."""
        self.deaths = 0
        self.household = Household(members, self._kill)
        self.put = self.household.multicast.put
        self._zygote = zygote
        self._lossless = lossless
        self._lock = self.household.lock
        self._expected = expected
        self._limits = limits_of((*members, *expected))
        self._life: Life | None = None
        self._loading: Desk | None = None
        self._closing = False
        self._opened = False  # at any time
        self._stopped = False
        self._backoff = Backoff(0.01, 5.0, random.Random())  # noqa: S311 - jitter
        self._watchdog = Watchdog()
        self._thread = threading.Thread(target=self._run, name=f"wasmhost-{self.name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """Its process now; None between two."""
        life = self._life
        return life.pid if life is not None else None

    @property
    def members(self) -> tuple[Member, ...]:
        """Who lives here."""
        return tuple(member for _, member in self.household.members)

    @property
    def snapshot(self) -> ShardSnapshot:
        """How it is."""
        return ShardSnapshot(self.name, self.pid, self.household.serving, self.deaths)

    def admit(self, member: Member) -> bool:
        """Take one more in while it serves; False where there is no room for it.

        :raises GuestRefused: it would not start.
        """
        if self._closing or not fits(self._limits, self.members, member):
            return False
        return self.household.admit(member)

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
            self._limits = limits_of(self.members or self._expected)
            try:
                life = Life(self._zygote, self.household.notes, self._limits)
            except Exception as error:  # WallError, or no descriptor or thread is left: there may be later
                forks += 1
                if not self._opened and forks >= _FORKS:
                    self._give_up(str(error))
                    break
                tell_operator("error", "no process for a shard", shard=self.name, reason=str(error))
                if self._opened:
                    self.household.without_process(str(error))
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
        self.household.multicast.connect(life.sender)
        self._set_up(life, frames)
        for place, member in self.household.members:
            if not member.desk.out:
                self._load(life, frames, place, member)
        for suspect in suspects:
            if suspect.number != LOADING:
                self._try_alone(frames, suspect)
        self._opened = True
        self.household.open()
        self.started.set()
        for frame in frames:
            self._take(frame)
            if self._stopped:
                return

    def _set_up(self, life: Life, frames: Frames) -> None:
        life.send(Kind.SETUP, write_setup(Setup(self._lossless, 0)))
        for frame in frames:
            if frame is not None and frame.kind is Kind.LOADED:
                source = Unpacker(frame.body)
                self.unfiltered = None if source.u8() else source.text(_MAX_REASON)
                return
            self._take(frame)

    def _load(self, life: Life, frames: Frames, place: int, member: Member) -> None:
        """Have one observer loaded, with nobody served beside it, and hear how that went."""
        desk = member.desk
        self.household.notes.numbers[place] = LOADING
        self._loading = desk
        until = time.monotonic() + patience_s(desk)
        life.send(Kind.LOAD, self.household.load_of(place, member))
        for frame in frames:
            if frame is not None and frame.kind in {Kind.LOADED, Kind.REFUSED}:
                self.household.entered(frame, place)
                self._loading = None
                return
            self._take(frame)
            if time.monotonic() > until:  # by our clock: what the shard notes may be a lie
                raise Garbled("nothing, for longer than loading may take")

    def _try_alone(self, frames: Frames, suspect: Suspect) -> None:
        """Deliver one observer's letters up to the one it had in hand, with nobody beside it."""
        tray = suspect.desk.mailbox
        with self._lock:
            if not suspect.desk.out and not tray.held:  # else somebody is to take its place
                tray.send_up_to(suspect.number)
        while tray.under_way:
            self._take(next(frames))

    def _take(self, frame: Frame | None) -> None:
        """Do what a frame of the shard says; None: it is quiet."""
        if self._watchdog.due:
            self._look_after()
        if frame is None:
            return
        match frame.kind:
            case Kind.TURN:
                turn = read_turn(frame.body)
                desk = self.household.at(turn.place)
                done = turn.done.tolist()
                if len(set(done)) != len(done) or not desk.mailbox.under_way.keys() >= set(done):
                    raise Garbled("a letter is done that was not under way")
                desk.take(turn)
                with self._lock:
                    desk.mailbox.done(done)
            case Kind.LINES:
                self._line(frame.body)
            case Kind.LOADED | Kind.REFUSED:
                self.household.entered(frame)
            case Kind.PAUSED:
                self.household.rests(frame)
            case Kind.UNLOADED:
                self.household.left(frame)
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
        """Kill a shard that has one letter in hand, or owes one, for longer than any deadline allows."""
        with self._lock:
            observers = self.household.watched()
        stuck = self._watchdog.look(observers)
        if stuck is not None:
            tell_operator("error", "a shard is stuck", shard=self.name, observer=stuck.name)
            self._kill()

    def _kill(self) -> None:
        life = self._life
        if life is not None:
            life.kill()

    # Its end.

    def _bury(self, life: Life, why: str) -> list[Suspect]:
        """Take back what was under way, find out whose death it was, and say so. Gives those to be tried."""
        self.deaths += not self._stopped
        with self._lock:
            self._life = None
            self.household.serving = False
        self.household.multicast.pause()
        words = life.bury()
        words = f"{why}, {words}" if why else words
        suspects = [] if self._stopped else self._in_hand()
        guilty = suspects[0] if len(suspects) == 1 else None
        if not self._stopped:
            self._tell(words, guilty, suspects)
        if guilty is not None:
            self._blame(guilty, words)  # first: once its letter is forgotten, a drain may be over
        with self._lock:
            if guilty is not None:
                guilty.desk.mailbox.under_way.pop(guilty.number, None)
            self.household.bury()
        self._loading = None
        self._watchdog.forget()
        return suspects if guilty is None else []

    def _blame(self, guilty: Suspect, words: str) -> None:
        """Count a death as a panic of the letter in hand, or as one more in vain of loading somebody."""
        letter = guilty.desk.mailbox.under_way.get(guilty.number)
        if letter is not None:
            guilty.desk.convict(letter, words)
        elif guilty.number == LOADING:
            self._died_loading(guilty.desk, words)

    def _died_loading(self, desk: Desk, words: str) -> None:
        """Give an observer up that kills one process after the other, and not for what may be chance."""
        desk.deaths_loading += 1
        if desk.deaths_loading >= _LOADING_DEATHS:
            desk.turned_away(bug=False, reason=f"its process died while it was loaded: {words}")

    def _in_hand(self) -> list[Suspect]:
        """Who had a letter in hand, or was being loaded: that we know, whatever the shard noted."""
        if self._loading is not None:
            return [Suspect(self._loading, LOADING)]
        return [Suspect(desk, number) for desk, number in self.household.in_hand()]

    def _tell(self, words: str, guilty: Suspect | None, suspects: list[Suspect]) -> None:
        observers = ", ".join(suspect.desk.name for suspect in suspects)
        what = {"observer": observers} if guilty is not None else {"suspects": observers or "none"}
        tell_operator("error", "a shard died; it is started again", shard=self.name, reason=words, **what)

    def _pause(self, born: float) -> None:
        """Wait before the next process: not at all for long, unless one after the other dies."""
        if time.monotonic() - born > _SETTLED_S:
            self._backoff.succeeded()
        until = time.monotonic() + self._backoff.failed()
        while not self._closing and time.monotonic() < until:
            time.sleep(0.005)

    def _give_up(self, reason: str) -> None:
        for member in self.members:
            if not member.desk.out:
                member.desk.turned_away(bug=False, reason=reason)

    def _end(self) -> None:
        self.household.end()
        self.started.set()

    def stop(self) -> None:
        """Have it finish the deliveries under way, tell the last, and end; returns at once."""
        self._closing = True
        with self._lock:
            life = self._life
            if life is not None and self.household.serving:
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

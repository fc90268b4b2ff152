"""The way of an event to a shard: written once for all there who hear it and may see the same of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from wasmhost.shards.events import encode_places, encode_sent
from wasmhost.shards.tray import Tray

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.contract.codec import Frame
    from wasmhost.grants.profiles import Profile
    from wasmhost.host.mailbox import Letter
    from wasmhost.shards.desk import Desk
    from wasmhost.shards.framing import Kind
    from wasmhost.shards.sender import Sender


class _Group(NamedTuple):
    """Those who hear a hook and may see the same of it; ``places`` as they are sent."""

    profile: Profile | None
    desks: tuple[Desk, ...]
    places: bytes


class Multicast:
    """Gives letters to the trays of a shard's observers, and what may go at once to its sender.

    ``lock`` is that of all these trays. The methods may be called from any thread.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._places: dict[Desk, int] = {}
        self._hearers: list[Desk] = []
        self._hearing: dict[str, tuple[_Group, ...]] = {}
        self._sender: Sender | None = None

    def admit(self, desk: Desk, place: int) -> None:
        """Make a desk its tray. With the lock held, as for `dismiss`."""
        self._places[desk] = place
        observer = desk.observer
        send = self._sending_to(desk, place)
        desk.mailbox = Tray(observer.mailbox, observer.overflow, self.lock, send, desk.counters.drops)

    def dismiss(self, desk: Desk) -> None:
        """Forget a desk."""
        del self._places[desk]

    def join(self, desk: Desk) -> None:
        """Let it hear, from the next letter on."""
        with self.lock:
            self._hearers.append(desk)
            self._hearing = self._groups()

    def leave(self, desk: Desk) -> None:
        """Let it hear no more."""
        with self.lock:
            self._hearers.remove(desk)
            self._hearing = self._groups()

    def put(self, letter: Letter) -> bool:
        """Give a letter to all who hear it; False, because nobody need be called."""
        number = letter.number
        with self.lock:
            for group in self._hearing.get(letter.frame.hook, ()):
                frame = letter.view(group.profile)
                behind = 0
                for desk in group.desks:
                    tray = desk.mailbox
                    if tray.open and len(tray.under_way) < tray.window:
                        tray.under_way[number] = letter
                    else:
                        behind += 1
                if behind:
                    self._put_some(group, letter, frame)
                else:
                    self._send(group.places, frame, letter)
        return False

    def connect(self, sender: Sender) -> None:
        """A new process is there. Nothing goes to it before `open`, or by a tray's own `send_up_to`."""
        with self.lock:
            self._sender = sender

    def open(self) -> None:
        """Let events flow to those who run. With the lock held."""
        for desk in self._places:
            if not desk.out:
                desk.mailbox.begin()

    def pause(self) -> None:
        """Send nothing more: the process is gone."""
        with self.lock:
            for desk in self._places:
                desk.mailbox.pause()
            self._sender = None

    def tell(self, kind: Kind, *body: bytes | bytearray) -> None:
        """Send the shard a frame, after all the letters before it. With the lock held, while it serves."""
        assert self._sender is not None  # noqa: S101 - it serves
        self._sender.put(kind, *body)

    def _put_some(self, group: _Group, letter: Letter, frame: Frame) -> None:
        """Send to those who keep up, and have it wait for the others."""
        number = letter.number
        going = [desk for desk in group.desks if number in desk.mailbox.under_way]
        if going:
            self._send(encode_places(tuple(self._places[desk] for desk in going)), frame, letter)
        for desk in group.desks:
            if number not in desk.mailbox.under_way:
                desk.mailbox.queue(letter)

    def _send(self, places: bytes, frame: Frame, letter: Letter) -> None:
        assert self._sender is not None  # noqa: S101 - a tray is open only while there is one
        awaited, disguised = letter.reply is not None, frame is not letter.frame
        self._sender.add(
            encode_sent(places, frame, letter.number, letter.lost, awaited=awaited, disguised=disguised)
        )

    def _sending_to(self, desk: Desk, place: int) -> Callable[[Letter], None]:
        places = encode_places((place,))

        def send(letter: Letter) -> None:
            self._send(places, letter.view(desk.profile), letter)

        return send

    def _groups(self) -> dict[str, tuple[_Group, ...]]:
        """Who hears what, those together who may see the same."""
        sorted_out: dict[str, dict[Profile | None, list[Desk]]] = {}
        for desk in self._hearers:
            for hook in desk.hooks:
                sorted_out.setdefault(hook, {}).setdefault(desk.profile, []).append(desk)
        return {
            hook: tuple(
                _Group(profile, tuple(desks), encode_places(tuple(self._places[desk] for desk in desks)))
                for profile, desks in by_profile.items()
            )
            for hook, by_profile in sorted_out.items()
        }

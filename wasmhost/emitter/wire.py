"""What an emitter and a host say to each other beside events: the hello, and the host's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cbor2

from wasmhost.contract.sequence import MalformedStream, Splitter
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_ANSWER_BYTES: Final = 4096
_MAX_ANSWER_DEPTH: Final = 4
_MAX_U64: Final = (1 << 64) - 1
_REASON_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class Taken:
    """The host has taken all events up to ``seq``; None: it has none of this emitter."""

    seq: int | None


class Refused(Exception):
    """The host will not have us, or is none; the message says why, fit to be shown.

    ``word`` is the host's own for it, "" where it has none: ``docs/wire.md`` has them all.
    """

    def __init__(self, why: str) -> None:
        super().__init__(escape_untrusted(why, _REASON_LIMIT))
        self.word = why.partition(":")[0]


def hello(src: str, token: str | None) -> bytes:
    """Encode the first item of a connection, which asks for acknowledgements."""
    item: dict[str, object] = {"ack": True, "src": src, "hello": 1}
    if token is not None:
        item["token"] = token
    return cbor2.dumps(item)  # the keys are in deterministic order


class Answers:
    """Takes the host's bytes as they come, gives its answers; what it does not know it passes over."""

    def __init__(self) -> None:
        self._splitter = Splitter(max_bytes=_MAX_ANSWER_BYTES, max_depth=_MAX_ANSWER_DEPTH)
        self._whole = True  # the last chunk ended where an answer did

    def push(self, chunk: bytes) -> Iterator[Taken]:
        """Give the answers that ``chunk`` completes.

        :raises Refused: the host says so, or speaks another language.
        """
        plain = _plain(chunk) if self._whole else None
        if plain is not None:
            yield Taken(plain)
            return
        try:
            items = self._splitter.push(chunk)
        except MalformedStream as error:
            raise _no_host(str(error)) from None
        self._whole = not self._splitter.pending
        for item in items:
            if item.data is None or item.problem is not None:
                raise _no_host(item.problem or "an item is too large")
            answer = _answer(cbor2.loads(item.data))
            if answer is not None:
                yield answer
        if self._splitter.error is not None:
            raise _no_host(str(self._splitter.error))


def _plain(chunk: bytes) -> int | None:
    """Read one acknowledgement and nothing else: what comes nearly always, many times a second."""
    if chunk[:5] != b"\xa1\x63ack" or len(chunk) < 6:
        return None
    head = chunk[5]
    if head < 24:
        return head if len(chunk) == 6 else None
    width = {0x18: 1, 0x19: 2, 0x1A: 4, 0x1B: 8}.get(head)
    return int.from_bytes(chunk[6:], "big") if width is not None and len(chunk) == 6 + width else None


def _answer(item: object) -> Taken | None:
    if not isinstance(item, dict):
        raise _no_host("an answer is no map")
    if "error" in item:
        raise Refused(str(item["error"]))
    if "ack" in item:
        seq = item["ack"]
        if type(seq) is not int or not 0 <= seq <= _MAX_U64:
            raise _no_host("an acknowledgement is no number")
        return Taken(seq)
    return Taken(None) if "welcome" in item else None


def _no_host(reason: str) -> Refused:
    return Refused(f"what listens there is no wasmhost: {reason}")

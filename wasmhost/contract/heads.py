"""A walk over the heads of one CBOR item of any kind, in pieces of any size and in bounded memory.

RFC 8949, appendix C, as a machine that can stop at any byte and go on with the next piece: where an
item ends, and whether it is well-formed at all, can only be told by walking it. Contents of strings
are skipped, never kept, so an item of any size passes through.

What the contract refuses but CBOR allows (tags, indefinite lengths, ...) is noted and walked on, so
that a stream can go on behind it. Only nesting is refused outright past ``MAX_NESTING``: each open
container must be remembered, and a stranger must not decide how much is.
"""

from __future__ import annotations

MAX_NESTING = 1024
"""Containers open inside each other from which on an item counts as malformed.

Sixty-four times what the contract permits: far beyond an honest mistake, and 1,024 small numbers to
remember.
"""

_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = 2, 3, 4, 5, 6, 7  # major types
_BREAK = 0xFF

# What `left` says of a container without a length: no count, but a map still has keys and values.
_ENDLESS = -1
_ENDLESS_VALUE_NEXT = -2


class Malformed(ValueError):
    """The bytes are no CBOR; ``offset`` is the byte at which that shows, ``reason`` why."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"malformed CBOR at byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class HeadWalk:
    """The walk over one item, which starts at ``offset`` of whatever Malformed is to speak of.

    ``done`` is whether the item has ended, ``size`` how many of its bytes were walked, ``problem``
    the first thing in it that the contract refuses (places are bytes of the item), or None. Texts,
    and whether keys repeat, are not looked into.
    """

    __slots__ = (
        "_head",
        "_head_at",
        "_kind",
        "_left",
        "_max_depth",
        "_offset",
        "_skip",
        "_stack",
        "_tagged",
        "done",
        "problem",
        "size",
    )

    def __init__(self, max_depth: int, offset: int = 0) -> None:
        self.done = False
        self.size = 0
        self.problem: str | None = None
        self._offset = offset
        self._max_depth = max_depth
        self._head = b""  # the beginning of a head whose rest has not come yet
        self._head_at = 0  # where in the item that head, or the latest, begins
        self._skip = 0  # bytes of a string's content still to come
        self._tagged = False  # a tag stands open: an item must follow
        self._left = 1  # items still to come in the innermost container, keys and values apart
        self._kind = _ARRAY  # what it is; the item itself counts as alone in an array
        self._stack: list[tuple[int, int]] = []  # the same two of the containers around it

    def advance(self, data: bytes, start: int = 0) -> int:
        """Walk on through ``data`` from ``start``; returns how far, which is behind the item if it is done.

        Raises Malformed; the walk cannot go on after that.
        """
        pos = start
        while pos < len(data) and not self.done:
            if self._skip:
                step = min(self._skip, len(data) - pos)
                self._skip -= step
            else:
                step = self._walk_head(data, pos)
            pos += step
            self.size += step
            while self._left == 0 and not self._skip and not self.done:
                if self._stack:
                    self._left, self._kind = self._stack.pop()
                else:
                    self.done = True
        return pos

    def _walk_head(self, data: bytes, pos: int) -> int:
        """Take what is there of one head, and act on it when it is whole; returns the bytes taken."""
        if not self._head:
            self._head_at = self.size
        initial = self._head[0] if self._head else data[pos]
        info = initial & 31
        if 28 <= info <= 30:
            raise self._malformed(f"reserved additional information {info}")
        missing = 1 - len(self._head) + (1 << info - 24 if 24 <= info <= 27 else 0)
        taken = data[pos : pos + missing]
        self._head += taken
        if len(taken) == missing:
            argument = int.from_bytes(self._head[1:], "big") if info >= 24 else info
            self._act(initial >> 5, info, argument)
            self._head = b""
        return len(taken)

    def _act(self, major: int, info: int, argument: int) -> None:
        if info == 31:
            self._without_length(major)
            return
        if self._kind in (_BYTES, _TEXT) and major != self._kind:
            raise self._malformed("a string in pieces holds something else than its own kind of string")
        if major == _TAG:
            self._refuse("a tag")
            self._tagged = True
            return
        self._count_item(major)
        if major in (_BYTES, _TEXT):
            self._skip = argument
        elif major in (_ARRAY, _MAP):
            self._open(major, argument if major == _ARRAY else 2 * argument)
        elif major == _SIMPLE:
            self._simple(info, argument)

    def _without_length(self, major: int) -> None:
        """Act on an indefinite length, or on the break that ends one."""
        if major == _SIMPLE:
            if self._left != _ENDLESS or self._tagged:
                raise self._malformed("a break where none can be")
            self._left = 0
            return
        if major not in (_BYTES, _TEXT, _ARRAY, _MAP) or self._kind in (_BYTES, _TEXT):
            raise self._malformed("an indefinite length where none can be")
        self._refuse("an indefinite length")
        self._count_item(major)
        self._open(major, _ENDLESS)

    def _count_item(self, major: int) -> None:
        """Begin one more item of the innermost container."""
        self._tagged = False
        if (
            self._kind == _MAP
            and major != _TEXT
            and (self._left == _ENDLESS or (self._left > 0 and self._left % 2 == 0))
        ):
            self._refuse("a key that is no text")
        if self._left > 0:
            self._left -= 1
        elif self._kind == _MAP:
            self._left = _ENDLESS if self._left == _ENDLESS_VALUE_NEXT else _ENDLESS_VALUE_NEXT

    def _open(self, kind: int, left: int) -> None:
        if len(self._stack) >= MAX_NESTING:
            raise self._malformed(f"more than {MAX_NESTING} containers inside each other")
        if len(self._stack) >= self._max_depth and kind in (_ARRAY, _MAP):
            self._refuse(f"depth over {self._max_depth}")
        self._stack.append((self._left, self._kind))
        self._left, self._kind = left, kind

    def _simple(self, info: int, argument: int) -> None:
        if info == 24 and argument < 32:
            raise self._malformed(f"simple value {argument} in two bytes")
        if info < 20 or info == 24:
            self._refuse(f"simple value {argument}")
        elif info == 23:
            self._refuse("undefined")

    def _refuse(self, what: str) -> None:
        if self.problem is None:
            self.problem = f"{what} at byte {self._head_at} of the item"

    def _malformed(self, reason: str) -> Malformed:
        return Malformed(self._offset + self._head_at, reason)

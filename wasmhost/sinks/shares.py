"""Who has how much in the outbox, and of whom something is given up when it is full."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmhost.sinks.entry import Entry

_CHUNK: Final = 100
"""One in this many of all that there may be is given up at a time: so it need not be done at each write."""


class Owner(NamedTuple):
    """Whose an entry is: an observer's panics are not given up for its reports."""

    what: str
    observer: str


class Excess(NamedTuple):
    """Of whom how many rows are to be given up, the oldest ones."""

    owner: Owner
    rows: int


@dataclass(slots=True)
class Shares:
    """Rows and bytes of each owner, and how many of them there may be of all together."""

    most_rows: int
    most_bytes: int
    rows: Counter[Owner] = field(default_factory=Counter[Owner])
    size: Counter[Owner] = field(default_factory=Counter[Owner])
    total_rows: int = 0
    total_size: int = 0

    def add(self, owner: Owner, rows: int, size: int) -> None:
        """Count what was added, or with a minus what was taken away; below nothing it does not go.

        Another process may have put something in or taken it out, which nobody counted here.
        """
        for counts, change in ((self.rows, rows), (self.size, size)):
            counts[owner] = max(0, counts[owner] + change)
            if not counts[owner]:
                del counts[owner]
        self.total_rows = max(0, self.total_rows + rows)
        self.total_size = max(0, self.total_size + size)

    def copy(self) -> Shares:
        """Return the same once more, to be counted on in a transaction that may fail."""
        return replace(self, rows=self.rows.copy(), size=self.size.copy())

    def add_entries(self, entries: Iterable[Entry]) -> None:
        """Count entries that were added."""
        for entry in entries:
            self.add(Owner(entry.what, entry.observer), 1, entry.size)

    def add_all(self, counted: Iterable[tuple[str, str, int, int]]) -> None:
        """Count rows of ``(what, observer, rows, bytes)``."""
        for what, observer, rows, size in counted:
            self.add(Owner(what, observer), rows, size)

    @property
    def full(self) -> bool:
        """Whether there is more than there may be."""
        return self.total_rows > self.most_rows or self.total_size > self.most_bytes

    def excess(self) -> Excess | None:
        """Say of whom something is to be given up: of whoever has most of what there is too much of."""
        if not self.full or not self.rows:
            return None
        too_many = self.total_rows > self.most_rows
        counts = self.rows if too_many else self.size
        owner = max(counts, key=counts.__getitem__)
        if too_many:
            rows = self.total_rows - self.most_rows + self.most_rows // _CHUNK
        else:
            average = max(1, self.size[owner] // max(1, self.rows[owner]))
            rows = (self.total_size - self.most_bytes + self.most_bytes // _CHUNK) // average
        return Excess(owner, max(1, min(rows, self.rows[owner])))

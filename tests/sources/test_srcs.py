"""Up to which event each source was taken, and who speaks for it."""

from __future__ import annotations

from wasmhost.sources.srcs import Src, SrcTable


class Someone:
    """A speaker that notes when it had to give way."""

    def __init__(self) -> None:
        self.gone = 0

    def give_way(self) -> None:
        """Note it."""
        self.gone += 1


def opened(table: SrcTable, name: str, owner: str = "o", speaker: Someone | None = None) -> Src:
    """Return a source that can be spoken for."""
    src = table.speak_for(name, owner, speaker or Someone())
    assert src is not None
    return src


def test_the_newest_speaks() -> None:
    """Who spoke before gives way, once; and its leaving changes nothing any more."""
    table = SrcTable(10)
    first, second = Someone(), Someone()
    src = opened(table, "a", speaker=first)
    src.taken = src.seen = 5
    assert opened(table, "a", speaker=second) is src
    assert (first.gone, second.gone) == (1, 0)
    table.leave(src, first)
    assert src.speaker is second
    table.leave(src, second)
    assert opened(table, "a").taken == 5
    assert (first.gone, second.gone) == (1, 0)


def test_another_owner_gets_nothing() -> None:
    """Neither while somebody speaks nor after."""
    table = SrcTable(10)
    speaker = Someone()
    src = opened(table, "a", "mine", speaker)
    src.taken = 0
    assert table.speak_for("a", "yours", Someone()) is None
    assert table.belongs_to_another("a", "yours")
    assert not table.belongs_to_another("a", "mine")
    assert not table.belongs_to_another("b", "yours")
    table.leave(src, speaker)
    assert table.belongs_to_another("a", "yours")
    assert speaker.gone == 0


def test_what_is_remembered_is_bounded() -> None:
    """Those that left last, and those that are there; and of one nothing was taken of, nothing."""
    table = SrcTable(3)
    for number in range(100):
        speaker = Someone()
        src = opened(table, str(number), speaker=speaker)
        src.taken = number % 2 - 1  # of every other one, something was taken
        table.leave(src, speaker)
    assert len(table) == 3
    assert [opened(table, str(number)).taken for number in (99, 97, 95, 93)] == [0, 0, 0, -1]
    assert len(table) == 4  # all connected

"""Whether what was seen of a case is what it must come to, and what was seen in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.audit.case import Case, Expectation
    from wasmhost.audit.stage import Seen
    from wasmhost.host.counters import ObserverSummary
    from wasmhost.panics import PanicRow

_SHOWN: Final = 200
_LONGEST_MESSAGE: Final = 4096
_MOST_FRAMES: Final = 24
_INITIALIZE: Final = "_initialize"
_LOST: Final = ("logs_dropped", "reports_dropped")


def as_expected(case: Case, expected: Expectation, seen: Seen) -> bool:
    """Whether a case came to what it must."""
    if seen.ms is None or seen.ms > case.within * 1e3:
        return False
    if case.kind == "stream":
        return _is_stream_as_expected(expected, seen)
    line = seen.summary
    if line is None:
        return False
    if expected.word == "refused":
        return line.state == "refused" and _says(expected, line.reason or "")
    return line.state != "refused" and _is_run_as_expected(case, expected, line, seen)


def _is_stream_as_expected(expected: Expectation, seen: Seen) -> bool:
    end = seen.ended
    if end is None or len(seen.rejected) != expected.rejected:
        return False
    if expected.word == "ended":
        return end.error is not None and end.offset == expected.at and _says(expected, end.error)
    if end.error is not None:
        return False
    return expected.word == "harmless" or all(_says(expected, reason) for reason in seen.rejected)


def _is_run_as_expected(case: Case, expected: Expectation, line: ObserverSummary, seen: Seen) -> bool:
    if not all(_is_within(getattr(line, name), span) for name, span in expected.counts.items()):
        return False
    panics = case.events if expected.panics is None else expected.panics
    if expected.word == "trapped":
        return line.panics == panics and _are_panics_as_expected(expected, panics, seen)
    if expected.word == "died":
        return bool(seen.panics)
    ran = line.delivered == case.events and line.panics == 0 and line.dropped == 0
    lost = any(getattr(line, name) for name in _LOST if name not in expected.counts)
    return ran and not seen.panics and not (expected.word == "harmless" and lost)


def _are_panics_as_expected(expected: Expectation, count: int, seen: Seen) -> bool:
    """Each is in the panic log, of the right kind, and nothing that is too long to keep."""
    rows = [row for row in seen.panics if row.hook != _INITIALIZE]
    return (
        sum(row.count for row in rows) == count
        and all(row.kind is expected.kind and _says(expected, row.message) for row in rows)
        and all(len(row.message) <= _LONGEST_MESSAGE and len(row.backtrace) <= _MOST_FRAMES for row in rows)
    )


def _says(expected: Expectation, words: str) -> bool:
    return expected.reason is None or expected.reason.search(words) is not None


def _is_within(count: int, span: tuple[int, int | None]) -> bool:
    least, most = span
    return least <= count and (most is None or count <= most)


def in_words(case: Case, seen: Seen) -> str:
    """What was seen of a case, in one line."""
    words = _stream_words(seen) if case.kind == "stream" else _guest_words(seen)
    return escape_untrusted("; ".join(words), 3 * _SHOWN)


def _stream_words(seen: Seen) -> Iterator[str]:
    yield f"{seen.accepted} items accepted"
    if seen.rejected:
        yield f"{len(seen.rejected)} rejected ({_short(seen.rejected[0])})"
    if seen.ended is not None and seen.ended.error is not None:
        yield f"ended at byte {seen.ended.offset}: {_short(seen.ended.error)}"


def _guest_words(seen: Seen) -> Iterator[str]:
    line = seen.summary
    if line is None:
        yield "it is missing in the summary"
        return
    if line.state == "refused":
        yield f"refused: {_short(line.reason or '')}"
        return
    yield "ran" if line.state == "running" else line.state
    for name in ("delivered", "panics", "dropped", "logs", "logs_dropped", "reports", "reports_dropped"):
        if getattr(line, name):
            yield f"{name} {getattr(line, name)}"
    yield from map(_panic_words, seen.panics[:3])


def _panic_words(row: PanicRow) -> str:
    return f"{row.kind} × {row.count} in {row.hook} ({_short(row.message)})"


def _short(text: str) -> str:
    return escape_untrusted(text, _SHOWN)

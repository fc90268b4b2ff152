"""A soak as a page: figures while it ran, what became of everybody, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.soak.verdict import SLACKS, trend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.soak.load import Soak
    from tests.soak.samples import Sample
    from tests.soak.verdict import Trend

_ROWS: Final = 12
_HEAD: Final = (
    *("minute", "resident MiB", "descriptors", "threads", "processes", "database KiB", "events"),
    *("delivered to those that are well", "p50 ms", "p99 ms", "panics"),
)


def trends(soak: Soak) -> list[Trend]:
    """How each figure that must not grow went."""
    return [trend(name, [getattr(sample, name) for sample in soak.samples]) for name in SLACKS]


def passed(soak: Soak) -> bool:
    """Whether nothing grew, and nobody who is well noticed anything."""
    return not soak.complaints and all(found.flat for found in trends(soak))


def page(soak: Soak) -> str:
    """One soak, in Markdown."""
    verdict = "flat" if all(found.flat for found in trends(soak)) else "NOT FLAT"
    verdict += ", and not all as it must be" if soak.complaints else ""
    panics = sum(line.panics for line in soak.observers)
    return "\n".join(
        (
            f"### {soak.isolation} mode, {soak.seconds / 60:g} minutes: {verdict}",
            "",
            f"{soak.emitted:,} events, {panics:,} panics, {soak.killed} shards killed from outside; "
            f"{soak.log_lines:,} lines went to the log.",
            "",
            *_table(_HEAD, map(_row, _chosen(soak.samples))),
            "",
            *_table(
                ("what must not grow", "median of the 2nd quarter", "of the last", "allowed", ""),
                (
                    (
                        found.name,
                        f"{found.earlier:,g}",
                        f"{found.later:,g}",
                        f"{found.most:,.4g}",
                        _word(found),
                    )
                    for found in trends(soak)
                ),
            ),
            "",
            *_table(
                ("observer", "delivered", "panics", "skipped", "dropped", "state"),
                (
                    (
                        line.name,
                        *map(_number, (line.delivered, line.panics, line.skipped, line.dropped)),
                        line.state,
                    )
                    for line in soak.observers
                ),
            ),
            *("", "Not as it must be:", "", *(f"- {each}" for each in soak.complaints))
            * bool(soak.complaints),
        )
    )


def _word(found: Trend) -> str:
    return "flat" if found.flat else "GREW"


def _number(value: int) -> str:
    return f"{value:,}"


def _chosen(samples: Sequence[Sample]) -> Sequence[Sample]:
    step = max(1, -(-len(samples) // _ROWS))
    return samples[step - 1 :: step]


def _row(sample: Sample) -> tuple[str, ...]:
    return (
        f"{sample.at_s / 60:.1f}",
        f"{sample.resident_mib:.1f}",
        *map(_number, (sample.descriptors, sample.threads, sample.processes)),
        f"{sample.database_kib:,.0f}",
        *map(_number, (sample.emitted, sample.delivered)),
        f"{sample.p50_ms:.2f}",
        f"{sample.p99_ms:.2f}",
        _number(sample.panics),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"

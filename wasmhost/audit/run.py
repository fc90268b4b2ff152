"""The whole audit: cases into stages, stages one after the other, and what they came to."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from wasmhost.audit.case import CaseError
from wasmhost.audit.judge import as_expected, in_words
from wasmhost.audit.neighbour import percentile
from wasmhost.audit.result import AuditResult, CaseResult, ClassResult, Memory, Neighbour
from wasmhost.audit.stage import stage
from wasmhost.audit.surroundings import resident_mib, versions, walls
from wasmhost.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wasmhost.audit.case import Case
    from wasmhost.audit.cleanliness import Cleanliness
    from wasmhost.audit.stage import Staged
    from wasmhost.config.model import Isolation

_TOGETHER: Final = 8


def run_audit(
    cases: Sequence[Case],
    isolation: Isolation,
    clean: Cleanliness,
    *,
    telling: Callable[[int, int, str], None] = lambda _done, _all, _name: None,
) -> AuditResult:
    """Run the cases that are for this isolation, each beside a healthy neighbour.

    ``clean`` looks at what is written; a caller that has a log lets it go there too. ``telling`` is told
    how many cases are done, of how many, and the name of the next.

    :raises UserError: two cases have one name, or there are none for this isolation.
    """
    chosen = [case for case in cases if isolation in case.expected]
    twice = [name for name, count in Counter(case.name for case in chosen).items() if count > 1]
    if twice:
        raise CaseError(f"two cases are called {twice[0]}: give one of them another name or class")
    if not chosen:
        raise UserError(f"there is no case for the isolation {isolation}")
    asyncio.run(_Audit(isolation, clean).stage(_warm_up(chosen[0])))  # what is made once is made now
    before = resident_mib()
    audit = _Audit(isolation, clean)
    for together in _stages(chosen):
        telling(len(audit.results), len(chosen), together[0].name)
        asyncio.run(audit.stage(together))
    return AuditResult(
        versions(),
        isolation,
        walls(isolation),
        tuple(audit.classes()),
        tuple(sorted(audit.results, key=lambda result: (result.group, result.name))),
        Memory(round(before, 1), round(resident_mib(), 1)),
        clean.lines,
        tuple(clean.dirty),
    )


def run_case(case: Case, isolation: Isolation, clean: Cleanliness) -> CaseResult:
    """Run one case beside a neighbour of its own."""
    audit = _Audit(isolation, clean)
    asyncio.run(audit.stage([case]))
    (result,) = audit.results
    return result


def _warm_up(case: Case) -> list[Case]:
    """No case at all: an empty stream."""
    return [replace(case, kind="stream", content=b"", events=1)]


def _stages(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Cases of a class share a host, a few at a time, but for those that need one of their own.

    All in a host are given the same number of events.
    """

    def key(case: Case) -> tuple[str, bool, str, int]:
        return case.group, case.alone, case.kind, case.events

    for (_, alone, _, _), found in groupby(sorted(cases, key=lambda case: (*key(case), case.name)), key):
        listed = list(found)
        size = 1 if alone else _TOGETHER
        yield from (listed[start : start + size] for start in range(0, len(listed), size))


class _Audit:
    """Collects what the stages come to."""

    def __init__(self, isolation: Isolation, clean: Cleanliness) -> None:
        self.results: list[CaseResult] = []
        self._isolation: Isolation = isolation
        self._clean = clean
        self._neighbours: dict[str, Neighbour] = {}

    async def stage(self, cases: Sequence[Case]) -> None:
        """Run cases together; where that goes wrong, each once more on its own, to see whose doing it was."""
        staged = await stage(cases, self._isolation, self._clean)
        results = [self._result(case, staged) for case in cases]
        if len(cases) > 1 and not all(result.contained for result in results):
            for case in cases:
                await self.stage([case])
            return
        self.results += results
        self._note(cases[0].group, staged)

    def _result(self, case: Case, staged: Staged) -> CaseResult:
        seen, listener = staged.seen[case.name], staged.listener
        expected = case.expected.get(self._isolation) or next(iter(case.expected.values()))
        contained = as_expected(case, expected, seen)
        words = [in_words(case, seen)]
        if seen.ms is None or seen.ms > case.within * 1e3:
            words.append(f"not done within {case.within:g} s")
        if not listener.whole:
            order = f", not in order: {listener.fault}" if listener.fault else ""
            words.append(f"its neighbour had {len(listener.heard)} of {len(listener.sent)} events{order}")
        if not staged.clean:
            words.append("control characters were written")
        whole = listener.whole and staged.clean
        return CaseResult(
            case.name, case.group, case.title, str(expected), "; ".join(words), contained and whole, seen.ms
        )

    def _note(self, group: str, staged: Staged) -> None:
        neighbour, listener = self._neighbours.setdefault(group, Neighbour()), staged.listener
        neighbour.sent += len(listener.sent)
        neighbour.delivered += len(listener.heard)
        neighbour.in_order &= listener.in_order
        neighbour.latencies_ms += listener.latencies_ms()

    def classes(self) -> Iterator[ClassResult]:
        """What each class came to, by its name."""
        for group, neighbour in sorted(self._neighbours.items()):
            results = [result for result in self.results if result.group == group]
            yield ClassResult(
                group,
                len(results),
                sum(result.contained for result in results),
                neighbour.sent,
                neighbour.delivered,
                neighbour.in_order,
                percentile(neighbour.latencies_ms),
                max(results, key=lambda result: result.ms or float("inf")).name,
            )

"""What an audit came to, for people: where it ran, a line for each class, and what was not contained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.cli.facts import facts
from wasmhost.cli.tables import Cell, Column, styled, table
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmhost.audit.result import AuditResult, CaseResult, ClassResult
    from wasmhost.cli.tables import Row
    from wasmhost.cli.terminal import Terminal

_NAME_LIMIT = 128
_TEXT_LIMIT = 1000


def audit_table(result: AuditResult, screen: Terminal) -> str:
    """Return the whole as text, whole lines."""
    columns = (
        Column("class", least=14),
        Column("cases", "right"),
        Column("contained", "right"),
        Column("neighbour heard", "right"),
        Column("p99", "right", drop=2),
        Column("longest", drop=1, least=16),
    )
    rows = [_row(each) for each in result.classes]
    return _surroundings(result, screen) + table(columns, rows, screen) + _failures(result, screen)


def _surroundings(result: AuditResult, screen: Terminal) -> str:
    versions = result.versions
    memory = result.memory
    returned = "returned to its level" if memory.returned else "did not return to its level"
    said = [
        ("versions", [f"wasmtime {versions['wasmtime']}, Python {versions['python']}, {versions['system']}"]),
        ("cpu", [versions["cpu"]]),
        ("walls", [f"isolation {result.isolation}: {_walls(result)}"]),
        ("memory", [f"{memory.before_mib:,} MiB before, {memory.after_mib:,} MiB after: {returned}"]),
        ("output", [f"{result.lines:,} lines, {_dirt(result)}", *result.dirty]),
    ]
    return facts(f"wasmhost {versions['wasmhost']}", said, screen)


def _walls(result: AuditResult) -> str:
    words = {True: "yes", False: "no", None: "unknown"}
    return ", ".join(
        f"{name} {words[state] if not isinstance(state, str) else state}"
        for name, state in result.walls.items()
    )


def _dirt(result: AuditResult) -> str:
    return f"{len(result.dirty)} or more with control characters" if result.dirty else "no control character"


def _row(each: ClassResult) -> Row:
    heard = f"{each.delivered:,} of {each.sent:,}" + ("" if each.in_order else ", not in order")
    whole = each.in_order and each.delivered == each.sent
    return (
        Cell(each.group, "bold"),
        Cell(f"{each.cases:,}"),
        Cell(f"{each.contained:,}", "green" if each.contained == each.cases else "red"),
        Cell(heard, "" if whole else "red"),
        Cell("-" if each.p99_ms is None else f"{each.p99_ms:.1f} ms"),
        Cell(escape_untrusted(each.worst, _NAME_LIMIT), "dim"),
    )


def _failures(result: AuditResult, screen: Terminal) -> str:
    failed = [case for case in result.cases if not case.contained]
    told = "".join(_failure(case, screen) for case in failed)
    count = len(result.cases)
    verdict = (
        f"all {count:,} cases contained" if not failed else f"{len(failed):,} of {count:,} not contained"
    )
    if not failed and not result.contained:
        verdict += ", and yet not all is as it must be"
    return told + styled(verdict, "green" if result.contained else "red", screen) + "\n"


def _failure(case: CaseResult, screen: Terminal) -> str:
    said = [
        ("what", [case.title]),
        ("expected", [escape_untrusted(case.expected, _TEXT_LIMIT)]),
        ("seen", [escape_untrusted(case.seen, _TEXT_LIMIT)]),
    ]
    return facts(f"not contained: {escape_untrusted(case.name, _NAME_LIMIT)}", said, screen)

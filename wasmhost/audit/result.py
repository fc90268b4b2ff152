"""What an audit came to, and the same as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmhost.config.model import Isolation

SLACK_MIB: Final = 96.0
"""What may be resident in the end and was not before: what an allocator keeps for the next time."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What one case came to; ``expected`` and ``seen`` are words for a person."""

    name: str
    group: str
    title: str
    expected: str
    seen: str
    contained: bool
    ms: float | None


@dataclass(slots=True)
class Neighbour:
    """How the healthy neighbour of a class's cases fared; latencies from emit to report."""

    sent: int = 0
    delivered: int = 0
    in_order: bool = True
    latencies_ms: list[float] = field(default_factory=list[float])


@dataclass(frozen=True, slots=True)
class ClassResult:
    """What the cases of one class came to. ``worst``: the name of the one that took longest."""

    group: str
    cases: int
    contained: int
    sent: int
    delivered: int
    in_order: bool
    p99_ms: float | None
    worst: str

    @property
    def is_contained(self) -> bool:
        """Whether every case was, and the neighbour had every event in order."""
        return self.contained == self.cases and self.in_order and self.delivered == self.sent


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory before the audit and after it, in MiB."""

    before_mib: float
    after_mib: float

    @property
    def returned(self) -> bool:
        """Whether it returned to its level, but for some slack."""
        return self.after_mib - self.before_mib <= SLACK_MIB


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The whole. ``dirty``: lines that hold a control character; ``lines``: how many were looked at."""

    versions: Mapping[str, str]
    isolation: Isolation
    walls: Mapping[str, str | bool | None]
    classes: tuple[ClassResult, ...]
    cases: tuple[CaseResult, ...]
    memory: Memory
    lines: int
    dirty: tuple[str, ...]

    @property
    def contained(self) -> bool:
        """Whether everything was as it must be."""
        return all(each.is_contained for each in self.classes) and self.memory.returned and not self.dirty

    def as_json(self) -> dict[str, object]:
        """Give the keys of ``wasmhost audit --json``."""
        return {
            **self.versions,
            "isolation": self.isolation,
            "walls": dict(self.walls),
            "classes": [_class_json(each) for each in self.classes],
            "cases": [_case_json(case) for case in self.cases],
            "memory": {**asdict(self.memory), "slack_mib": SLACK_MIB, "returned": self.memory.returned},
            "output": {"lines": self.lines, "dirty": list(self.dirty)},
            "contained": self.contained,
        }


def _class_json(result: ClassResult) -> dict[str, object]:
    return {
        "class": result.group,
        "cases": result.cases,
        "contained": result.contained,
        "neighbour": {
            "sent": result.sent,
            "delivered": result.delivered,
            "in_order": result.in_order,
            "p99_ms": _rounded(result.p99_ms),
        },
    }


def _case_json(case: CaseResult) -> dict[str, object]:
    return {
        "name": case.name,
        "class": case.group,
        "expected": case.expected,
        "seen": case.seen,
        "contained": case.contained,
        "ms": _rounded(case.ms),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)

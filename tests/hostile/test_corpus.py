"""Every case of the corpus comes to what it says, beside a neighbour that hears everything, in order."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import pytest

from wasmhost.audit.cleanliness import Cleanliness
from wasmhost.audit.corpus import case_files, own_corpus, read_case
from wasmhost.audit.run import run_case

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.audit.case import Case
    from wasmhost.config.model import Isolation

FILES: Final = {f"{path.parent.name}/{path.stem}": path for path in case_files(own_corpus())}
CLASSES: Final = frozenset(
    {"time", "memory", "stack", "tables", "allocator", "canonical-abi", "imports", "wasi", "text"}
    | {"amplification", "compile", "malformed", "cbor", "state", "start", "post-return", "components"}
)

# What is not contained yet, by case or class, and why. It is to be empty.
PENDING: Final[dict[Isolation, dict[str, str]]] = {
    "thread": {},
    "process": {},
}
ISOLATIONS: Final[tuple[Isolation, ...]] = ("thread",)


@lru_cache(maxsize=4)
def _case(path: Path) -> Case:
    return read_case(path)


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("name", FILES)
def test_it_is_contained(name: str, isolation: Isolation) -> None:
    """As its file says, in time, and without a control character in anything that is written."""
    pending = PENDING[isolation]
    why = pending.get(name) or pending.get(FILES[name].parent.name)
    if why is not None:
        pytest.xfail(why)
    case = _case(FILES[name])
    if isolation not in case.expected:
        return
    result = run_case(case, isolation, Cleanliness())
    assert result.contained, f"{case.title}: expected {result.expected}; seen: {result.seen}"


def test_there_is_a_case_of_everything() -> None:
    """Several of each class, and no class that nobody meant."""
    counts = Counter(path.parent.name for path in FILES.values())
    assert set(counts) == CLASSES
    assert min(counts.values()) >= 5
    assert len(FILES) >= 80

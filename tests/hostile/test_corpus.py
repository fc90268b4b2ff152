"""Every case of the corpus comes to what it says, beside a neighbour that hears everything, in order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from wasmhost.audit.cleanliness import Cleanliness
from wasmhost.audit.corpus import case_files, own_corpus, read_case
from wasmhost.audit.run import run_case

if TYPE_CHECKING:
    from wasmhost.config.model import Isolation

FILES: Final = {f"{path.parent.name}/{path.stem}": path for path in case_files(own_corpus())}
CLASSES: Final = frozenset(
    {"time", "memory", "stack", "tables", "allocator", "canonical-abi", "imports", "wasi", "text"}
    | {"amplification", "compile", "malformed", "cbor", "state", "start", "post-return", "components"}
)

CASES: Final = {name: read_case(path) for name, path in FILES.items()}
ISOLATIONS: Final[tuple[Isolation, ...]] = ("thread", "process")


@pytest.mark.parametrize(
    ("name", "isolation"),
    [
        (name, isolation)
        for isolation in ISOLATIONS
        for name, case in CASES.items()
        if isolation in case.expected
    ],
)
def test_it_is_contained(name: str, isolation: Isolation) -> None:
    """As its file says, in time, and without a control character in anything that is written."""
    result = run_case(CASES[name], isolation, Cleanliness())
    assert result.contained, f"{CASES[name].title}: expected {result.expected}; seen: {result.seen}"


def test_there_is_a_case_of_everything() -> None:
    """Several of each class, and no class that nobody meant."""
    counts = Counter(path.parent.name for path in FILES.values())
    assert set(counts) == CLASSES
    assert min(counts.values()) >= 5
    assert len(FILES) >= 80

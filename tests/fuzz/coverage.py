"""Fuzzes one target in this process, led by coverage: what `run.py` starts, one child for each target.

    python -m tests.fuzz.coverage TARGET FOUND CORPUS [libFuzzer's options]

The engine is native code that nobody instrumented, so what leads is the coverage of wasmhost's own Python.
A crash of native code ends this process: libFuzzer writes the input out as it goes, and for what no handler
sees (the kernel's own kill) the latest input is kept in FOUND too.
"""

from __future__ import annotations

import importlib
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.fuzz.targets import Target

_MOST_DATA: Final = 4 << 30
NATIVE: Final = frozenset({"module"})
"""Targets in which native code reads what a stranger wrote."""


class _Atheris(Protocol):
    """What is used of atheris, which has no types, and is not there where nobody fuzzes."""

    def instrument_imports(self, include: list[str]) -> AbstractContextManager[None]: ...

    def Setup(  # noqa: N802 - its name
        self,
        argv: list[str],
        test_one_input: Callable[[bytes], None],
        *,
        custom_mutator: Callable[[bytes, int, int], bytes] | None = None,
    ) -> list[str]: ...

    def Fuzz(self) -> None: ...  # noqa: N802


def main() -> None:
    """Fuzz, until libFuzzer's own limits end it."""
    name, found, corpus, *options = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_DATA, _MOST_DATA))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    atheris = cast("_Atheris", importlib.import_module("atheris"))
    with atheris.instrument_imports(include=["wasmhost"]):
        target: Target = importlib.import_module("tests.fuzz.targets").TARGETS[name]
    check = _remembering(target.check, Path(found) / f"latest-{name}") if name in NATIVE else target.check
    arguments = [sys.argv[0], f"-artifact_prefix={found}/{name}-", *options, corpus]
    if target.mutated is None:
        atheris.Setup(arguments, check)
    else:
        atheris.Setup(arguments, check, custom_mutator=_mutator(target.mutated))
    atheris.Fuzz()


def _remembering(check: Callable[[bytes], None], latest: Path) -> Callable[[bytes], None]:
    def remember(data: bytes) -> None:
        latest.write_bytes(data)
        check(data)

    return remember


def _mutator(mutated: Callable[[bytes, int], bytes]) -> Callable[[bytes, int, int], bytes]:
    return lambda data, max_size, seed: mutated(data, seed)[:max_size]


if __name__ == "__main__":
    main()

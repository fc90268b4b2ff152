"""Runs observers that are well beside hostile ones for a long time: `make soak`.

    python -m tests.soak.run [--minutes N] [--isolation thread|process|both] [--write]

``--write`` writes what it saw to docs/soak.md. Ends with 1 where something was not as it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.soak.load import BURST, BURST_EVERY_S, KILL_EVERY_S, PER_SECOND, soak
from tests.soak.report import page, passed
from tests.soak.verdict import SLACKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.soak.load import Soak
    from wasmhost.config.model import Isolation

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "soak.md"
_BOTH: Final[tuple[Isolation, ...]] = ("thread", "process")


def main(argv: Sequence[str] | None = None) -> int:
    """Soak, one way of isolation after the other."""
    parser = argparse.ArgumentParser(description="run hostile observers beside others for a long time")
    parser.add_argument("--minutes", type=float, default=60, help="for each way of isolation")
    parser.add_argument("--isolation", choices=(*_BOTH, "both"), default="both")
    parser.add_argument("--write", action="store_true", help="write docs/soak.md")
    given = parser.parse_args(argv)
    soaks: list[Soak] = []
    for isolation in _BOTH:
        if given.isolation in {isolation, "both"}:
            soaks.append(asyncio.run(soak(isolation, given.minutes * 60)))
            sys.stdout.write(page(soaks[-1]) + "\n\n")
            sys.stdout.flush()
    if given.write:
        PAGE.write_text(document(soaks), encoding="utf-8")
    return 0 if all(map(passed, soaks)) else 1


def document(soaks: Sequence[Soak]) -> str:
    """The page in docs/."""
    machine = f"Python {platform.python_version()}, wasmtime {metadata.version('wasmtime')}"
    slack = "; ".join(f"{name} {slack.share:.0%} and {slack.more:g}" for name, slack in SLACKS.items())
    head = f"""# A long soak

Observers that are well beside others that trap, spin, flood, grow, recurse, reach out of bounds, exit,
allocate wrongly and hoard, none of them in quarantine and all restarted at once, written by `make soak`
({platform.system()} {platform.machine()}, {machine}). {PER_SECOND} events a second, and {BURST} at once every
{BURST_EVERY_S:g} seconds; in process mode a shard is killed from outside every {KILL_EVERY_S:g} seconds.
The figures are of the host and all its processes together.

Those that are well must hear every event, in order. What must not grow is judged by medians: that of the last
quarter of the run may be above that of the second by a share and a bit ({slack}).
"""
    return "\n".join((head, *(f"{page(one)}\n" for one in soaks)))


if __name__ == "__main__":
    sys.exit(main())

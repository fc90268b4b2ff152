"""A thing and what there is to say of it: a label in front of each kind of fact, folded to the terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.cli.terminal import Terminal

_PLAIN_WIDTH: Final = 10_000
_LABEL: Final = 9


def facts(title: str, said: Sequence[tuple[str, Sequence[str]]], screen: Terminal) -> str:
    """Return the facts as whole lines: for each label its values, one below the other."""
    width = screen.width or _PLAIN_WIDTH
    lines = [title]
    for label, values in said:
        for place, value in enumerate(values):
            first = f"  {label if place == 0 else '':<{_LABEL}}"
            # Never at a hyphen: paths and names are to be copied.
            lines += textwrap.wrap(
                value,
                width,
                initial_indent=first,
                subsequent_indent=" " * (_LABEL + 4),
                break_on_hyphens=False,
            )
    return "\n".join(lines) + "\n"

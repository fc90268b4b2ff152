"""``wasmhost inspect``: what a module shows to the outside, and whether a run would let it in."""

import json as json_format
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wasmhost.cli.options import GrantOption, JsonOption
from wasmhost.cli.terminal import Terminal, complain, put, terminal
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmhost.cli.description import Description

_NAME_LIMIT = 128
_PLAIN_WIDTH = 10_000
_LABEL = 9


def inspect(
    module: Annotated[
        Path, typer.Argument(metavar="MODULE", help="A WebAssembly module.", show_default=False)
    ],
    grant: GrantOption = None,
    json: JsonOption = False,
) -> int:
    """Show what a module has, and whether it may run.

    That is: its hooks, imports and memory, and whether a run would let it in with the default grants
    and those given here. It is compiled and started as in a run, in a sandbox that is thrown away
    before any event.
    """
    from wasmhost.cli.description import describe
    from wasmhost.config import HostConfig
    from wasmhost.errors import GuestRefused

    (observer,) = HostConfig().with_observers([module], grant or ()).observers
    try:
        description = describe(observer)
    except GuestRefused as unreadable:
        complain(str(unreadable))
        return 1
    if json:
        put(json_format.dumps(description.as_json(), allow_nan=False) + "\n")
    else:
        put(_words(description, terminal(sys.stdout)))
    if description.reason is not None:
        complain(f"{module} is refused: {description.reason}")
        return 1
    return 0


def _words(description: "Description", screen: Terminal) -> str:
    width = screen.width or _PLAIN_WIDTH
    lines = [f"{description.name}: {'accepted' if description.reason is None else 'refused'}"]
    for label, values in _facts(description):
        for place, value in enumerate(values):
            first = f"  {label if place == 0 else '':<{_LABEL}}"
            lines += textwrap.wrap(value, width, initial_indent=first, subsequent_indent=" " * (_LABEL + 4))
    return "\n".join(lines) + "\n"


def _facts(description: "Description") -> list[tuple[str, list[str]]]:
    """Return what to say of it, in order; what strangers wrote is escaped."""
    shown = description.as_json()
    return [
        ("kind", [f"{description.kind or 'unknown'}, {description.size:,} bytes"]),
        ("sha256", [description.sha256 or "not taken of a file this large"]),
        ("hooks", [", ".join(shown["hooks"]) or "none"]),
        ("imports", [_import_words(entry) for entry in shown["imports"]] or ["none"]),
        ("memory", [_memory_words(shown["memory"])]),
    ]


def _import_words(entry: dict[str, str | None]) -> str:
    name = escape_untrusted(f"{entry['module']}#{entry['name']}", _NAME_LIMIT)
    return f"{name} ({entry['capability'] or 'not offered'})"


def _memory_words(memory: dict[str, int | None] | None) -> str:
    if memory is None:
        return "none exported"
    most = "no limit of its own" if memory["max"] is None else f"{memory['max']:,} at most"
    pages = "1 page" if memory["min"] == 1 else f"{memory['min']:,} pages"
    return f"{pages} of 64 KiB to begin with, {most}"

"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Final

import typer

from wasmhost.errors import ConfigError

DEFAULT_DB: Final = Path("wasmhost.db")

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
DbOption = Annotated[
    Path | None,
    typer.Option("--db", metavar="FILE", help="The database of the runs.  [default: wasmhost.db]"),
]
GrantOption = Annotated[
    list[str] | None,
    typer.Option(
        "--grant",
        metavar="NAME",
        help="Grant a capability (state) or a field of events (peer, self, stream, credential) on top of "
        "config, metrics and report. Can be repeated.",
    ),
]


def one_of(first: Path | None, second: Path | None, names: str) -> Path | None:
    """Return the path given under either of two spellings of the same option.

    :raises ConfigError: both were given, and differ.
    """
    if first is not None and second is not None and first != second:
        raise ConfigError(f"{names} name the same thing: give one of them")
    return first if first is not None else second

"""``wasmhost panics``: the panic log, as JSON or to read."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from wasmhost.cli.options import DEFAULT_DB, DbOption, JsonOption, one_of
from wasmhost.cli.terminal import put, terminal
from wasmhost.text import safe_json


def panics(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The same as --db.", show_default=False)
    ] = None,
    db: DbOption = None,
    json: JsonOption = False,
) -> int:
    """Show the panic log.

    One row stands for all panics of the same observer, hook, kind and place; the newest comes first.
    It can be read while a run writes to it.
    """
    from wasmhost.panics import read_panics

    path = one_of(file, db, "FILE and --db") or DEFAULT_DB
    rows = read_panics(path)
    if json:
        put(safe_json([asdict(row) for row in rows]) + "\n")
        return 0
    from wasmhost.cli.panic_table import panic_table

    put(panic_table(rows, path, terminal(sys.stdout)))
    return 0

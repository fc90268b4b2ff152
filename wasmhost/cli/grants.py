"""``wasmhost grants``: for each observer what is asked, granted and used so far."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wasmhost.cli.options import DEFAULT_DB, DbOption, GrantOption, JsonOption
from wasmhost.cli.terminal import Terminal, complain, put, terminal
from wasmhost.errors import ConfigError
from wasmhost.text import safe_json

if TYPE_CHECKING:
    from wasmhost.cli.grants_overview import Overview, Row
    from wasmhost.config import HostConfig

_KINDS = {"hook": "hooks", "capability": "capabilities", "field": "fields"}


def grants(
    observer: Annotated[
        list[Path] | None,
        typer.Option("--observer", metavar="MODULE", help="A WebAssembly module. Can be repeated."),
    ] = None,
    grant: GrantOption = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Read observers from this file (wasmhost.toml)."),
    ] = None,
    db: DbOption = None,
    json: JsonOption = False,
) -> int:
    """Show what observers ask for, are granted, and have used so far.

    That is: hooks, capabilities and fields of events. What was granted and never used can be taken away.
    What was used is in the database of the runs, and of the very module that is there now. Nothing is run.
    """
    from wasmhost.cli.grants_overview import overview
    from wasmhost.errors import GuestRefused
    from wasmhost.grants.usage import read_usage

    settings = _configuration(config, observer or [], grant or [], db)
    found: list[Overview] = []
    refused: list[tuple[str, str]] = []
    for each in settings.observers:
        try:
            found.append(overview(each, partial(read_usage, settings.db or DEFAULT_DB)))
        except GuestRefused as error:
            refused.append((each.name, str(error)))
    refused += [(shown.name, shown.refused) for shown in found if shown.refused is not None]
    if json:
        put(safe_json({"observers": [_as_json(shown) for shown in found]}) + "\n")
    else:
        put("\n".join(_words(shown, terminal(sys.stdout)) for shown in found))
    for name, reason in refused:
        complain(f"observer {name} refused: {reason}")
    return 1 if refused else 0


def _configuration(file: Path | None, modules: list[Path], names: list[str], db: Path | None) -> "HostConfig":
    from wasmhost.config import HostConfig, load_config

    settings = (load_config(file) if file is not None else HostConfig()).with_observers(modules, names)
    if not settings.observers:
        raise ConfigError("no observer: name one with --observer MODULE, or in a file given with --config")
    if names and not modules:
        raise ConfigError("--grant is for observers named by --observer; in the file, say grant = […]")
    return settings if db is None else replace(settings, db=db)


def _as_json(each: "Overview") -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": each.name,
        "module_sha256": each.module_sha256,
        "profile": each.profile,
        "refused": each.refused,
    }
    for kind, title in _KINDS.items():
        shown[title] = [
            {
                "name": row.name,
                "asked": row.asked,
                "optional": row.optional,
                "granted": row.granted,
                "given": row.given,
                "used": row.used,
            }
            for row in each.rows
            if row.kind == kind and (kind != "hook" or row.asked is not False)
        ]
    return shown


def _words(each: "Overview", screen: Terminal) -> str:
    from wasmhost.cli.tables import Cell, Column, table

    columns = (Column("what"), Column("name", least=12), Column("asked"), Column("granted"), Column("used"))
    rows = [
        (
            Cell(row.kind),
            Cell(row.name, "bold"),
            Cell(_asked(row)),
            Cell("yes" if row.granted else "no"),
            Cell(_used(row), "yellow" if row.spare else ""),
        )
        for row in each.rows
        if row.asked is not False or (row.granted and row.kind != "hook")
    ]
    shared = f", profile {each.profile}" if each.profile != each.name else ""
    spare = [row.name for row in each.rows if row.spare and row.kind != "hook"]
    advice = f"granted and never used: {', '.join(spare)}\n" if spare else ""
    return f"{each.name}{shared}\n{table(columns, rows, screen)}{advice}"


def _asked(row: "Row") -> str:
    if row.asked is None:
        return "not said"
    return ("optional" if row.optional else "yes") if row.asked else "no"


def _used(row: "Row") -> str:
    if not row.used:
        return "never" if row.given else "-"
    return "yes" if row.kind == "capability" else f"{row.used:,}"

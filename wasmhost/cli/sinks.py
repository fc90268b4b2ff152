"""``wasmhost sinks``: what waits for sinks, what they could not deliver, and how to send that again."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wasmhost.cli.options import DEFAULT_DB, DbOption, JsonOption
from wasmhost.cli.terminal import put, say, terminal
from wasmhost.errors import ConfigError
from wasmhost.text import safe_json


def sinks(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Take the database from this file.")
    ] = None,
    db: DbOption = None,
    dead: Annotated[
        str | None, typer.Option("--dead", metavar="NAME", help="Show the dead letters of a sink, as NDJSON.")
    ] = None,
    resend: Annotated[
        str | None, typer.Option("--resend", metavar="NAME", help="Have a sink's dead letters sent again.")
    ] = None,
    forget: Annotated[
        str | None,
        typer.Option("--forget", metavar="NAME", help="Forget a sink, and what waits for it alone."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Show what waits for each sink, what was sent and what was not.

    It can be looked at while a run sends. Dead letters that are sent again keep their ids, and a run that
    is under way takes them within some seconds.
    """
    from wasmhost.sinks import office

    if sum(option is not None for option in (dead, resend, forget)) > 1:
        raise ConfigError("--dead, --resend and --forget are three things: give one of them")
    path = _database(config, db)
    if dead is not None:
        put("".join(safe_json(letter, compact=True) + "\n" for letter in office.letters(path, dead)))
    elif resend is not None:
        say(f"{office.resend(path, resend)} dead letters of {resend} are in the outbox again\n")
    elif forget is not None:
        say(f"{forget} is forgotten, with {office.forget(path, forget)} records that waited for it\n")
    else:
        from wasmhost.cli.sink_table import sink_table, sinks_json

        found = office.look(path)
        put(sinks_json(found) if json else sink_table(found, path, terminal(sys.stdout)))
    return 0


def _database(config: Path | None, db: Path | None) -> Path:
    if db is not None or config is None:
        return db or DEFAULT_DB
    from wasmhost.config import load_config

    return load_config(config).db or DEFAULT_DB

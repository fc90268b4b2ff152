"""``wasmhost new``: an observer to begin with."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from wasmhost.cli.terminal import put
from wasmhost.errors import UserError


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The observer's name.", show_default=False)],
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="LANGUAGE",
            help="rust, c, zig, go, assemblyscript, javascript, python or wat.",
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="The project's folder.  [default: NAME]")
    ] = None,
) -> int:
    """Make the project of an observer.

    It has one hook, a test and a copy of the language's SDK, and builds as it is. Nothing that is
    there already is overwritten.
    """
    from wasmhost.authoring.languages import LANGUAGES
    from wasmhost.authoring.scaffold import scaffold

    if lang is None:
        raise UserError(f"--lang is missing; the languages are {', '.join(LANGUAGES)}")
    target = folder if folder is not None else Path(name)
    scaffold(name, lang, target)
    shown = "." if target.resolve() == Path.cwd() else shlex.quote(str(target))
    where = "" if shown == "." else f" {shown}"
    put(f"made {shown}, an observer in {LANGUAGES[lang].title}; next:\n")
    put(f"  wasmhost build{where}\n  wasmhost test{where}\n")
    return 0

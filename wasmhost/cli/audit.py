"""``wasmhost audit``: whether hostile guests and streams are contained by the installation it is on."""

import json as json_format
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wasmhost.cli.loglevel import LogLevel
from wasmhost.cli.options import JsonOption
from wasmhost.cli.terminal import put, say, terminal


class Isolation(StrEnum):
    """Where guests run: `wasmhost.config.model.Isolation`."""

    THREAD = "thread"
    PROCESS = "process"


def audit(
    folder: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER]...", help="Folders of cases to run besides those of wasmhost."),
    ] = None,
    isolation: Annotated[
        Isolation, typer.Option("--isolation", help="Run the guests in threads or in shard processes.")
    ] = Isolation.PROCESS,
    only: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME", help="Run the cases of this class only. Can be repeated."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Run hostile guests and streams, and say of each whether it was contained.

    Every case is an observer, or a stream, of a real host beside a healthy observer. It must come to what
    it says of itself, and the healthy one must hear of every event, in order. Takes about a minute.
    """
    from wasmhost.audit.cleanliness import Cleanliness
    from wasmhost.audit.corpus import own_corpus, read_cases
    from wasmhost.audit.run import run_audit
    from wasmhost.cli.audit_table import audit_table
    from wasmhost.cli.logs import configure_logs

    cases = read_cases([own_corpus(), *(folder or ())], only or ())
    clean = Cleanliness()
    configure_logs(LogLevel.DEBUG, clean)
    if not terminal(sys.stderr).plain:
        say(f"running {len(cases)} cases …\n")
    result = run_audit(cases, isolation.value, clean)
    if json:
        put(json_format.dumps(result.as_json(), allow_nan=False) + "\n")
    else:
        put(audit_table(result, terminal(sys.stdout)))
    return 0 if result.contained else 1

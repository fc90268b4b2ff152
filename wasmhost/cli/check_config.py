"""``wasmhost check-config``: whether a run or a reload would take a configuration, before one does."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wasmhost.cli.options import JsonOption
from wasmhost.cli.terminal import Terminal, complain, put, terminal
from wasmhost.text import safe_json

if TYPE_CHECKING:
    from wasmhost.cli.configuration import Checked, CheckedObserver


def check_config(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The configuration.")] = Path("wasmhost.toml"),
    json: JsonOption = False,
) -> int:
    """Check a configuration, the modules it names, and the places it writes to.

    Each module is compiled and started as a run would, and thrown away before any event. Nothing is written.
    """
    from wasmhost.cli.configuration import check

    checked = check(file)
    if json:
        put(safe_json(_as_json(checked)) + "\n")
    else:
        put(_words(checked, terminal(sys.stdout)))
    for observer in checked.observers:
        if observer.reason is not None:
            complain(f"observer {observer.name} would be refused: {observer.reason}")
    for problem in checked.problems:
        complain(problem)
    return 0 if checked.good else 1


def _as_json(checked: "Checked") -> dict[str, Any]:
    return {
        "good": checked.good,
        "observers": [
            {
                "name": observer.name,
                "module": str(observer.module),
                "module_sha256": observer.module_sha256,
                "hooks": list(observer.hooks),
                "grant": list(observer.grant),
                "accepted": observer.reason is None,
                "reason": observer.reason,
            }
            for observer in checked.observers
        ],
        "problems": list(checked.problems),
    }


def _words(checked: "Checked", screen: Terminal) -> str:
    from wasmhost.cli.tables import Cell, Column, table

    columns = (Column("observer", least=12), Column("hooks"), Column("granted", least=12), Column("verdict"))
    rows = [
        (
            Cell(observer.name, "bold"),
            Cell(str(len(observer.hooks))),
            Cell(", ".join(observer.grant) or "nothing"),
            _verdict(observer),
        )
        for observer in checked.observers
    ]
    shown = table(columns, rows, screen) if rows else "no observer\n"
    return shown + ("the configuration is good\n" if checked.good else "")


def _verdict(observer: "CheckedObserver") -> Any:
    from wasmhost.cli.tables import Cell

    return Cell("runs", "green") if observer.reason is None else Cell("refused", "red")

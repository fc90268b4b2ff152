"""``wasmhost test``: an observer's golden tests, and what its hooks cost."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wasmhost.cli.build import ProjectArgument, built_project
from wasmhost.cli.options import JsonOption
from wasmhost.cli.terminal import Terminal, complain, put, terminal
from wasmhost.errors import GuestRefused, UserError
from wasmhost.text import escape_untrusted, safe_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wasmhost.authoring.golden.run import GoldenTest, HookFuel, Outcome, Result
    from wasmhost.authoring.project import Project

_PATH_LIMIT = 400
_WORDS = {"failed": "FAILED", "missing": "FAILED"}
_STYLES = {"ok": "green", "failed": "bold red", "missing": "bold red", "updated": "yellow"}


def golden(
    folder: ProjectArgument = Path(),
    only: Annotated[
        str,
        typer.Option(
            "-k", metavar="NAME", help="Run only the tests with this in their name.", show_default=False
        ),
    ] = "",
    update: Annotated[
        bool, typer.Option("--update", help="Write what comes as what is expected from now on.")
    ] = False,
    module: Annotated[
        Path | None,
        typer.Option(
            "--module", metavar="FILE", help="Test this module, and build none.  [default: build/NAME.wasm]"
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Run an observer's golden tests.

    Each file of events in tests/ (NAME.events.ndjson or NAME.cborseq) is given to the observer in the
    real sandbox, and what it does (logs, reports, metrics, state, errors, panics) is compared with
    NAME.expected.ndjson. Ends with what the calls of each hook cost. Builds first where that is due.
    """
    from wasmhost.authoring.golden.run import find_tests
    from wasmhost.authoring.project import load_project

    project = load_project(folder)
    tests = find_tests(project.tests, only)
    if not tests:
        raise UserError(_nothing(project, only))
    if module is None:
        code = _build_if_due(project)
        if code:
            return code
    tested = module or project.module
    try:
        outcome = _run(project, tested, tests, update=update)
    except GuestRefused as refused:
        complain(f"{escape_untrusted(str(tested), _PATH_LIMIT)} is refused: {refused}")
        return 1
    put(_as_json(outcome, tested) if json else _words(outcome, terminal(sys.stdout)))
    return _verdict(outcome.results)


def _nothing(project: "Project", only: str) -> str:
    shown = escape_untrusted(str(project.tests), _PATH_LIMIT)
    if only:
        return f'no test in {shown} has "{escape_untrusted(only, _PATH_LIMIT)}" in its name'
    return f"no tests in {shown}: a test is a file NAME.events.ndjson or NAME.cborseq"


def _build_if_due(project: "Project") -> int:
    from wasmhost.authoring.freshness import is_stale

    if not is_stale(project):
        return 0
    built = built_project(project)
    return built if isinstance(built, int) else 0


def _run(project: "Project", module: Path, tests: "Sequence[GoldenTest]", *, update: bool) -> "Outcome":
    """Run the tests, with progress shown: compiling a large module takes seconds."""
    from wasmhost.authoring.golden.run import run_tests
    from wasmhost.authoring.tryout import engine, tryout_of
    from wasmhost.cli.working import at_work

    def work(tell: "Callable[[str], None]") -> "Outcome":
        tell("making a sandbox")
        with engine() as made, tryout_of(made, project, module) as tryout:
            tell("running")
            return run_tests(tryout, tests, update=update)

    return at_work(f"testing {project.name}", work)


def _verdict(results: "Sequence[Result]") -> int:
    missing = [result.name for result in results if result.status == "missing"]
    failed = sum(not result.passed for result in results)
    if not failed:
        return 0
    hint = ""
    if missing:
        hint = f"; for {', '.join(missing)} nothing is expected yet: --update writes what comes"
    complain(f"{failed} of {len(results)} test{'s' if len(results) > 1 else ''} failed{hint}")
    return 1


def _as_json(outcome: "Outcome", module: Path) -> str:
    shown: dict[str, Any] = {
        "module": str(module),
        "tests": [
            {"name": result.name, "status": result.status, "difference": list(result.difference)}
            for result in outcome.results
        ],
        "fuel": [
            {"hook": row.hook, "calls": row.calls, "p50": row.p50, "max": row.most} for row in outcome.fuel
        ],
    }
    return safe_json(shown) + "\n"


def _words(outcome: "Outcome", screen: Terminal) -> str:
    told = "".join(_result(result, screen) for result in outcome.results)
    return told + (_fuel_table(outcome.fuel, screen) if outcome.fuel else "")


def _result(result: "Result", screen: Terminal) -> str:
    from wasmhost.cli.tables import styled

    word = styled(_WORDS.get(result.status, result.status), _STYLES.get(result.status, ""), screen)
    lines = [f"{escape_untrusted(result.name, 200)}: {word}"]
    if result.status == "missing":
        lines[0] += " (nothing is expected yet)"
    lines += [styled(line, _diff_style(line), screen) for line in result.difference]
    return "\n".join(lines) + "\n"


def _diff_style(line: str) -> str:
    return {"-": "red", "+": "green", "@": "dim"}.get(line[:1], "")


def _fuel_table(rows: "Sequence[HookFuel]", screen: Terminal) -> str:
    from wasmhost.cli.tables import Cell, Column, table

    columns = (
        Column("hook", least=16),
        Column("calls", "right"),
        Column("fuel p50", "right"),
        Column("max", "right", drop=1),
    )
    cells = [
        (Cell(row.hook), Cell(f"{row.calls:,}"), Cell(f"{row.p50:,}", "bold"), Cell(f"{row.most:,}"))
        for row in rows
    ]
    return "\n" + table(columns, cells, screen)

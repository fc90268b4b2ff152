"""``wasmhost build``: from a project to a module, and what there is to say of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wasmhost.cli.options import JsonOption
from wasmhost.cli.terminal import Terminal, complain, put, say, terminal
from wasmhost.text import escape_untrusted, safe_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.authoring.build import Build
    from wasmhost.authoring.project import Project

_NAME_LIMIT = 128
_LINE_LIMIT = 1000
_WORDS_LIMIT = 200

ProjectArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The project's folder.", show_default=True)
]


def build(
    folder: ProjectArgument = Path(),
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where the module goes.  [default: build/NAME.wasm]"),
    ] = None,
    component: Annotated[
        bool,
        typer.Option("--component", help="Make a component, also of a language that makes core modules."),
    ] = False,
    json: JsonOption = False,
) -> int:
    """Build an observer.

    Compiles the project whose observer.toml is in DIR, checks that a host would let the module in,
    and writes into it the manifest: its name and version, the hooks it serves, the capabilities it
    asks for. Then tells its size, and what one call of each hook costs with a typical event.
    """
    from wasmhost.authoring.project import load_project

    project = load_project(folder)
    built = built_project(project, out=out, component=component)
    if isinstance(built, int):
        return built
    if json:
        put(safe_json(_as_json(built)) + "\n")
    else:
        put(_words(built, terminal(sys.stdout)))
    return 0


def built_project(project: "Project", *, out: Path | None = None, component: bool = False) -> "Build | int":
    """Build with progress shown; or tell what the compiler or a host said against it, and the exit code.

    :raises UserError: it is not the source that is wrong, but the project or the installation.
    """
    from wasmhost.authoring.build import build_project
    from wasmhost.authoring.toolchains.base import BuildError, SourceRefused
    from wasmhost.cli.working import at_work
    from wasmhost.errors import GuestRefused

    def work(tell: "Callable[[str], None]") -> "Build":
        return build_project(project, out=out, component=component, tell=tell)

    try:
        return at_work(f"building {project.name}", work)
    except BuildError as error:
        if not error.output and not isinstance(error, SourceRefused):
            raise
        if error.output:
            say(_compilers_words(error.output))
        complain(f"{project.name} is not built: {error}")
    except GuestRefused as refused:
        complain(f"{project.name} is not built: a host would refuse the module: {refused}")
    return 1


def _compilers_words(output: str) -> str:
    """What a compiler said, line by line: it quotes the source, which may be a stranger's."""
    lines = output.rstrip("\n").expandtabs().splitlines()
    return "".join(f"{escape_untrusted(line, _LINE_LIMIT)}\n" if line else "\n" for line in lines)


def _as_json(built: "Build") -> dict[str, Any]:
    return {
        "path": str(built.path),
        "sha256": built.sha256,
        "size": built.size,
        "kind": built.kind,
        "manifest": built.manifest.as_map(),
        "imports": [
            {"module": entry.module, "name": entry.name, "capability": entry.capability}
            for entry in built.imports
        ],
        "calls": [{"hook": call.hook, "fuel": call.fuel, "panic": call.panic} for call in built.calls],
    }


def _words(built: "Build", screen: Terminal) -> str:
    from wasmhost.cli.facts import facts

    manifest = built.manifest
    lines = [
        ("kind", [f"{built.kind}, {built.size:,} bytes"]),
        ("hooks", [_call_words(call.hook, call.fuel, call.panic) for call in built.calls]),
        ("imports", _import_words(built) or ["none"]),
        ("asks for", [", ".join(manifest.capabilities) or "nothing"]),
        ("module", [_shown_path(built.path)]),
    ]
    return facts(f"{manifest.name} {escape_untrusted(manifest.version, _NAME_LIMIT)}: built", lines, screen)


def _call_words(hook: str, fuel: int, panic: str | None) -> str:
    if panic is None:
        return f"{hook}: {fuel:,} fuel for a typical event"
    return f"{hook}: panics on a typical event: {escape_untrusted(panic, _WORDS_LIMIT)}"


def _import_words(built: "Build") -> list[str]:
    """A line for each capability, with what is used of it."""
    used: dict[str, list[str]] = {}
    for entry in built.imports:
        used.setdefault(entry.capability or entry.module, []).append(entry.name)
    return [f"{escape_untrusted(name, _NAME_LIMIT)}: {', '.join(names)}" for name, names in used.items()]


def _shown_path(path: Path) -> str:
    """Relative to here where it is below, so that it can be copied."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)

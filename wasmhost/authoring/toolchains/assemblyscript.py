"""AssemblyScript, by npm's ``assemblyscript``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.authoring.sections import strip_debug
from wasmhost.authoring.toolchains.base import BuildError, Built, run
from wasmhost.authoring.toolchains.node import find_node, npm_tools

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.authoring.toolchains.base import Job

TOOLS: Final = {"assemblyscript": "0.28.20", "long": "5.3.2"}
"""The compiler, and what it asks for without saying which version."""

_CONFIG: Final = "asconfig.json"


def build(job: Job) -> Built:
    """Compile an observer. The source is its entry file, or the folder with its ``index.ts``.

    The compiler's settings are the SDK's, or those of the project's own ``asconfig.json``, which is to extend
    them. Only the transform stands in none: from a folder's settings the compiler would not find it.
    """
    modules = npm_tools(job.cache, TOOLS, project=job.project)
    # With this option the compiler runs at once. Without, it starts a second Node.js that has it.
    node = [*find_node().node, "--enable-source-maps"]
    compiler = modules / "assemblyscript" / "bin" / "asc.js"
    options: dict[str, str | Path] = {
        "--config": job.relative(_settings(job)),
        "--transform": job.sdk / "transform.mjs",
        "--outFile": job.out,
    }
    words = (word for option in options.items() for word in option)
    try:
        run([*node, compiler, job.relative(_entry(job.source)), *words], cwd=job.project)
    except BuildError as error:
        raise BuildError("asc failed", error.output or str(error)) from error
    job.out.write_bytes(strip_debug(job.out.read_bytes()))
    return Built()


def _entry(source: Path) -> Path:
    return source / "index.ts" if source.is_dir() else source


def _settings(job: Job) -> Path:
    own = job.project / _CONFIG
    return own if own.is_file() else job.sdk / _CONFIG

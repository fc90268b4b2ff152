"""Zig, by the ``ziglang`` of PyPI or the user's own; its C compiler is C's, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.authoring.sections import strip_debug
from wasmhost.authoring.toolchains.base import (
    STACK_BYTES,
    BuildError,
    Built,
    find_module,
    find_program,
    run,
)

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.authoring.toolchains.base import Job

TARGET: Final = ("-target", "wasm32-freestanding", "-mcpu=generic+bulk_memory")


def build(job: Job) -> Built:
    """Compile an observer with the SDK as its module ``wasmhost``. The source is its root file."""
    code = ["-O", "ReleaseSmall", "-fno-strip", "-fno-entry", "-rdynamic", "--stack", str(STACK_BYTES)]
    root = job.relative(_root(job.source))
    sdk = job.relative(job.sdk / "src" / "wasmhost.zig")
    modules = ["--dep", "wasmhost", f"-Mroot={root}", f"-Mwasmhost={sdk}"]
    run_zig(job, ["build-exe", *TARGET, *code, *modules, f"-femit-bin={job.out}"])
    job.out.write_bytes(strip_debug(job.out.read_bytes()))
    return Built()


def run_zig(job: Job, arguments: list[str]) -> None:
    """Run zig in the project; its caches stay out of there."""
    program = find_program("zig")
    zig = find_module("ziglang") or ([program] if program else None)
    if zig is None:
        raise BuildError("needs Zig: pip install 'wasmhost[zig]' or install Zig 0.17")
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(job.cache), "ZIG_LOCAL_CACHE_DIR": str(job.cache)}
    run([*zig, *arguments], cwd=job.project, environment=caches)


def _root(source: Path) -> Path:
    """The root file: the source itself, or the one Zig file in its folder."""
    if source.is_file():
        return source
    found = [path for path in source.glob("*.zig") if path.name != "build.zig"]
    if len(found) != 1:
        raise BuildError(f"{source.name} has {len(found)} Zig files: name the root file as the source")
    return found[0]

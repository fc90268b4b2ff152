"""C, by the clang in ``ziglang``. There is no C library: the SDK's one source is compiled along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.authoring.sections import strip_debug
from wasmhost.authoring.toolchains.base import STACK_BYTES, BuildError, Built
from wasmhost.authoring.toolchains.zig import TARGET, run_zig

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.authoring.toolchains.base import Job


def build(job: Job) -> Built:
    """Compile an observer. The source is its file, or the folder of all of them."""
    language = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib"]
    # zig cc turns on the undefined-behaviour sanitizer by default. -g brings the function names that
    # backtraces need; what else it brings is stripped.
    code = ["-Os", "-g", "-fno-sanitize=all", f"-I{job.relative(job.sdk)}"]
    link = ["-Wl,--no-entry", f"-Wl,-z,stack-size={STACK_BYTES}"]
    sources = [job.relative(path) for path in [*_sources(job.source), job.sdk / "wasmhost_observer.c"]]
    run_zig(job, ["cc", *TARGET, *language, *code, *link, "-o", str(job.out), *sources])
    job.out.write_bytes(strip_debug(job.out.read_bytes()))
    return Built()


def _sources(source: Path) -> list[Path]:
    """The files to compile, in an order that is the same everywhere."""
    if source.is_file():
        return [source]
    found = sorted(source.glob("*.c"))
    if not found:
        raise BuildError(f"{source.name} has no C files")
    return found

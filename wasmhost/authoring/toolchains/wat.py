"""WebAssembly text, by the engine's own assembler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime

from wasmhost.authoring.sections import strip_debug
from wasmhost.authoring.toolchains.base import BuildError, Built

if TYPE_CHECKING:
    from wasmhost.authoring.toolchains.base import Job


def build(job: Job) -> Built:
    """Assemble an observer. The source is its one file."""
    try:
        module = wasmtime.wat2wasm(job.source.read_text(encoding="utf-8"))
    except wasmtime.WasmtimeError as error:
        raise BuildError(f"{job.source.name} is not valid", str(error).strip()) from error
    job.out.write_bytes(strip_debug(bytes(module)))
    return Built()

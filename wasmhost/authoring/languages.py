"""The languages an observer can be written in, by the names that `observer.toml` and ``--lang`` have."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from wasmhost.errors import InternalError

if TYPE_CHECKING:
    from wasmhost.authoring.toolchains.base import Toolchain


@dataclass(frozen=True, slots=True)
class Language:
    """A language: how a sentence calls it, and where its source is unless a project says otherwise."""

    name: str
    title: str
    source: str


LANGUAGES: Final[dict[str, Language]] = {
    language.name: language
    for language in (
        Language("rust", "Rust", "."),
        Language("c", "C", "."),
        Language("zig", "Zig", "."),
        Language("go", "Go", "."),
        Language("assemblyscript", "AssemblyScript", "assembly/index.ts"),
        Language("javascript", "JavaScript", "observer.js"),
        Language("python", "Python", "observer.py"),
        Language("wat", "WebAssembly text", "observer.wat"),
    )
}


def toolchain(language: str) -> Toolchain:
    """The toolchain of a language; nothing of it is loaded before."""
    if language not in LANGUAGES:
        raise InternalError(f"there is no toolchain for {language}")
    return cast("Toolchain", import_module(f"wasmhost.authoring.toolchains.{language}"))

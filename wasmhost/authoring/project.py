"""An observer's project: its folder, and what `observer.toml` says, read and checked.

Every message names the line. What is not said has a default, and a typo is an error.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.authoring.languages import LANGUAGES
from wasmhost.config import checks
from wasmhost.config.document import read_document
from wasmhost.config.model import is_safe_name
from wasmhost.config.nodes import member, suggestion, text
from wasmhost.contract.manifest import FIELDS, in_order
from wasmhost.errors import ConfigError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmhost.config.nodes import Node

FILE: Final = "observer.toml"
BUILD_FOLDER: Final = "build"
_KEYS: Final = (
    "name",
    "version",
    "language",
    "source",
    "sdk",
    "capabilities",
    "optional",
    "fields",
    "hooks",
    "test",
)
_TEST_KEYS: Final = ("config",)
_SECTION_OF: Final = {"config": "[test]"}
_MAX_VERSION: Final = 64


@dataclass(frozen=True, slots=True)
class Project:
    """One observer's project. Paths are absolute.

    ``capabilities`` and ``hooks`` are None where the module's own imports and exports say it. ``optional``
    names those of the capabilities and fields that it can do without. ``config`` is what its golden tests
    give it.
    """

    folder: Path
    name: str
    version: str
    language: str
    source: Path
    sdk: Path
    capabilities: tuple[str, ...] | None = None
    optional: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    hooks: tuple[str, ...] | None = None
    config: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def module(self) -> Path:
        """Where its build is, unless somebody says otherwise."""
        return self.folder / BUILD_FOLDER / f"{self.name}.wasm"

    @property
    def tests(self) -> Path:
        """Where its golden tests are."""
        return self.folder / "tests"


def load_project(folder: Path) -> Project:
    """Read the project in a folder.

    Raises ConfigError with one line to show: there is none, or `observer.toml` says something that
    cannot be meant.
    """
    shown = folder / FILE  # in messages as the user wrote it, not absolute
    if not shown.is_file():
        where = escape_untrusted(str(folder), 400)
        what = "is no folder" if not folder.is_dir() else f"has no {FILE}"
        raise ConfigError(f"{where} {what}: wasmhost new NAME --lang … makes an observer's project")
    values = read_document(shown).table(_KEYS, _SECTION_OF)
    for key in ("name", "language"):
        if key not in values:
            raise ConfigError(f'{escape_untrusted(str(shown), 400)}:1: there is no "{key}"')
    return _project(folder.resolve(), values)


def _project(folder: Path, values: dict[str, Node]) -> Project:
    language = _language(values["language"])
    capabilities = _sorted(values, "capabilities")
    fields = _fields(values["fields"]) if "fields" in values else ()
    return Project(
        folder=folder,
        name=_name(values["name"]),
        version=_version(values["version"]) if "version" in values else "0.0.0",
        language=language,
        source=_path(folder, values, "source", LANGUAGES[language].source),
        sdk=_path(folder, values, "sdk", "sdk"),
        capabilities=capabilities,
        optional=_optional(values, capabilities, fields),
        fields=fields,
        hooks=in_order(checks.hooks(values["hooks"])) if "hooks" in values else None,
        config=_config(values["test"]) if "test" in values else {},
    )


def _name(node: Node) -> str:
    name = text(node)
    if not is_safe_name(name):
        rule = "up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit"
        raise node.error(f"must be {rule}, not {node.shown()}")
    return name


def _version(node: Node) -> str:
    version = text(node)
    if len(version) > _MAX_VERSION or not version.isprintable():
        raise node.error(f"must be at most {_MAX_VERSION} printable characters")
    return version


def _language(node: Node) -> str:
    language = text(node)
    if language not in LANGUAGES:
        guess = suggestion(language.lower(), LANGUAGES) or f"; there are {', '.join(LANGUAGES)}"
        raise node.error(f"is no language wasmhost builds, {node.shown()}{guess}")
    return language


def _path(folder: Path, values: dict[str, Node], key: str, default: str) -> Path:
    said = text(values[key]) if key in values else default
    if Path(said).is_absolute():
        raise values[key].error("must be relative to the project's folder")
    # Without following links: a compiler's paths are to be relative to the project.
    return Path(os.path.normpath(folder / said))


def _sorted(values: dict[str, Node], key: str) -> tuple[str, ...] | None:
    return tuple(sorted(checks.capabilities(values[key]))) if key in values else None


def _optional(
    values: dict[str, Node], capabilities: tuple[str, ...] | None, fields: tuple[str, ...]
) -> tuple[str, ...]:
    optional = tuple(sorted(checks.grants(values["optional"]))) if "optional" in values else ()
    for name in optional:
        if name in FIELDS and name not in fields:
            raise values["optional"].error(f'names "{name}", which is not among the fields')
        if name not in FIELDS and capabilities is not None and name not in capabilities:
            raise values["optional"].error(f'names "{name}", which is not among the capabilities')
    return optional


def _fields(node: Node) -> tuple[str, ...]:
    named = {str(member(*FIELDS)(element)) for element in node.elements()}
    return tuple(name for name in FIELDS if name in named)


def _config(node: Node) -> dict[str, str]:
    values = node.renamed("[test]").table(_TEST_KEYS, {})
    return checks.config(values["config"]) if "config" in values else {}

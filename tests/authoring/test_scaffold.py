"""What `wasmhost new` makes, and what it refuses to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import ROOT
from wasmhost.authoring.languages import LANGUAGES
from wasmhost.authoring.project import load_project
from wasmhost.authoring.resources import sdk_folder, template_folder
from wasmhost.authoring.scaffold import scaffold
from wasmhost.authoring.sdk_version import sdk_version
from wasmhost.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_project_is_whole(tmp_path: Path, language: str) -> None:
    """Its project file is read, its source and its test are there, no placeholder is left."""
    scaffold("my-watch", language, tmp_path / "p")
    project = load_project(tmp_path / "p")
    assert (project.name, project.language) == ("my-watch", language)
    assert project.source.exists()
    assert (project.tests / "first.events.ndjson").is_file()
    assert (project.tests / "first.expected.ndjson").is_file()
    assert (project.folder / "README.md").is_file()
    assert "build" in (project.folder / ".gitignore").read_text()
    own = [path for path in project.folder.rglob("*") if project.sdk not in path.parents]
    assert not [path for path in own if "{{" in path.name]
    assert not [
        path for path in own if path.is_file() and re.search(r"\{\{(name|snake|camel)\}\}", path.read_text())
    ]
    assert (project.folder.stat().st_mode & 0o777) == (tmp_path.stat().st_mode & 0o777 | 0o055)


@pytest.mark.parametrize("language", [name for name in LANGUAGES if sdk_folder(name)])
def test_the_sdk_comes_along_without_what_is_its_makers(tmp_path: Path, language: str) -> None:
    """Its sources, and which version it is; none of its tests, nor what tools left behind."""
    scaffold("a", language, tmp_path / "p")
    sdk = tmp_path / "p" / "sdk"
    assert sdk_version(sdk) == "0.1.0"
    names = {part for path in sdk.rglob("*") for part in path.relative_to(sdk).parts}
    assert not names & {"tests", "test", "target", "node_modules", "Cargo.lock", "__pycache__"}
    assert not [name for name in names if name.endswith("_test.go")]
    assert not (sdk / "Cargo.toml").exists()


def test_names_are_spelt_as_the_language_needs_them(tmp_path: Path) -> None:
    """As given, in snake case, in camel case; in files and in their names."""
    scaffold("my-own_watch", "zig", tmp_path / "p")
    source = (tmp_path / "p" / "my_own_watch.zig").read_text()
    assert "const MyOwnWatch = struct" in source
    assert 'name = "my-own_watch"' in (tmp_path / "p" / "observer.toml").read_text()


@pytest.mark.parametrize(("name", "made"), [("observer", "MyObserver"), ("self", "MySelf")])
def test_a_name_that_is_taken_is_made_another(tmp_path: Path, name: str, made: str) -> None:
    """The type Observer is the SDK's, and Self is Rust's own."""
    scaffold(name, "rust", tmp_path / "p")
    assert f"struct {made};" in (tmp_path / "p" / "src" / "lib.rs").read_text()


@pytest.mark.parametrize("name", ["", "-a", "9a", "a b", "a/b", "../a", "a.b", "é", "a" * 65, "a\n"])
def test_a_name_that_not_everybody_can_spell(tmp_path: Path, name: str) -> None:
    """One line that says which names there are."""
    with pytest.raises(UserError, match="NAME must be up to 64 letters, digits, '_' and '-'"):
        scaffold(name, "wat", tmp_path / "p")
    assert not list(tmp_path.iterdir())


def test_an_unknown_language(tmp_path: Path) -> None:
    """One line, with a guess or with all there are."""
    with pytest.raises(UserError, match='did you mean "zig"'):
        scaffold("a", "zug", tmp_path / "p")
    with pytest.raises(UserError, match="there are rust, c, zig, "):
        scaffold("a", "cobol", tmp_path / "p")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Neither a file nor a folder that has something in it."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").write_text("mine")
    for name in ("file", "folder"):
        with pytest.raises(UserError, match="is there already: nothing is overwritten"):
            scaffold("a", "wat", tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "x"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    """It stays the same folder: somebody may stand in it."""
    before = tmp_path.stat().st_ino
    scaffold("a", "wat", tmp_path)
    assert tmp_path.stat().st_ino == before
    assert (tmp_path / "observer.toml").is_file()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".a-")]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    """One line, with the system's reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*: (not a directory|file exists)"):
        scaffold("a", "wat", tmp_path / "file" / "p")


def test_the_templates_of_all_languages_tell_the_same() -> None:
    """Each README says how to build and to test."""
    for language in LANGUAGES:
        readme = (template_folder(language) / "README.md").read_text()
        assert "wasmhost build" in readme
        assert "wasmhost test" in readme


def test_the_package_has_no_copy_of_an_sdk_in_the_checkout() -> None:
    """There, it is where it is written."""
    assert sdk_folder("c") == ROOT / "guest-sdk" / "c"

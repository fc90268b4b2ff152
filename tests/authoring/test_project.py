"""observer.toml: what it may say, and how it is told what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.helpers import TOML, project
from wasmhost.authoring.languages import LANGUAGES
from wasmhost.authoring.project import load_project
from wasmhost.errors import ConfigError


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    """Name and language are enough."""
    (tmp_path / "observer.toml").write_text('name = "a"\nlanguage = "wat"\n')
    loaded = load_project(tmp_path)
    assert (loaded.name, loaded.version, loaded.language) == ("a", "0.0.0", "wat")
    assert loaded.source == tmp_path / "observer.wat"
    assert loaded.sdk == tmp_path / "sdk"
    assert loaded.module == tmp_path / "build" / "a.wasm"
    assert (loaded.capabilities, loaded.optional, loaded.fields, loaded.hooks) == (None, (), (), None)
    assert loaded.config == {}


def test_all_that_can_be_said(tmp_path: Path) -> None:
    """In the contract's order, whatever order it is written in."""
    more = """source = "../elsewhere/o.wat"
sdk = "../sdk"
capabilities = ["state", "config", "log"]
optional = ["state"]
fields = ["self", "peer"]
hooks = ["on_stop", "on_start"]
[test]
config = { threshold = "0.3" }
"""
    loaded = load_project(project(tmp_path / "p", more=more))
    assert loaded.source == tmp_path / "elsewhere" / "o.wat"
    assert loaded.sdk == tmp_path / "sdk"
    assert loaded.capabilities == ("config", "state")
    assert loaded.optional == ("state",)
    assert loaded.fields == ("peer", "self")
    assert loaded.hooks == ("on_start", "on_stop")
    assert loaded.config == {"threshold": "0.3"}


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        ("hoks = []\n", 4, 'unknown key "hoks" in the top level; did you mean "hooks"?'),
        ('config = { a = "b" }\n', 4, 'unknown key "config" in the top level; it belongs in [test]'),
        ('[test]\nconfg = { a = "b" }\n', 5, 'unknown key "confg" in [test]; did you mean "config"?'),
        ("[test]\nconfig = { a = 1 }\n", 5, "must be a string, not 1: quote it"),
        ('\nhooks = [\n"on_start",\n"on-stop"]\n', 7, 'unknown hook, "on-stop"; did you mean "on_stop"?'),
        ("hooks = []\n", 4, "is empty"),
        ('capabilities = ["reports"]\n', 4, 'unknown capability, "reports"; did you mean "report"?'),
        ('capabilities = "report"\n', 4, 'must be an array, not "report"'),
        ('capabilities = ["report"]\noptional = ["state"]\n', 5, '"state", which is not among the capab'),
        ('fields = ["peers"]\n', 4, 'must be "peer" or "self" or "stream" or "credential", not "peers"'),
        ('source = "/etc/passwd"\n', 4, "must be relative to the project's folder"),
        ("source = 3\n", 4, "must be a string that is not empty, not 3"),
        ("name = \n", 4, "not valid TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, more: str, line: int, words: str) -> None:
    """One line: the file, the line, what is wrong, and what may be meant."""
    folder = project(tmp_path, more=more)
    with pytest.raises(ConfigError) as error:
        load_project(folder)
    message = str(error.value)
    assert message.startswith(f"{folder / 'observer.toml'}:{line}: ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('language = "wat"\n', 'there is no "name"'),
        ('name = "a"\n', 'there is no "language"'),
        ('name = "a b"\nlanguage = "wat"\n', "must be up to 64 letters"),
        ('name = "a"\nlanguage = "Pyton"\n', 'no language wasmhost builds, "Pyton"; did you mean "python"?'),
        ('name = "a"\nlanguage = "cobol"\n', "there are rust, c, zig, go, "),
        (TOML.replace("1.2.3", "1\\n2"), "must be at most 64 printable characters"),
    ],
)
def test_what_names_the_observer_is_checked(tmp_path: Path, text: str, words: str) -> None:
    """Name, version and language."""
    (tmp_path / "observer.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"observer\.toml:[12]: ") as error:
        load_project(tmp_path)
    assert words in str(error.value)


@pytest.mark.parametrize("folder", [".", "nowhere"])
def test_a_folder_without_a_project(tmp_path: Path, folder: str) -> None:
    """It says how to make one."""
    with pytest.raises(ConfigError, match="wasmhost new NAME --lang"):
        load_project(tmp_path / folder)


def test_every_language_has_a_source_to_look_for() -> None:
    """A path relative to the project."""
    assert len(LANGUAGES) == 8
    assert not any(Path(language.source).is_absolute() for language in LANGUAGES.values())

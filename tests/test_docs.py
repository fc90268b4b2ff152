"""What README and docs say holds: the examples run, and the files they point at are there."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
from pathlib import Path

import pytest

import wasmhost

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "wasmhost"
DOCS = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")])

_CODE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)\)")
_FILE = re.compile(r"`([\w/.-]+\.(?:py|wat|wit|cddl|toml|md))`")
_MENTIONED_ONLY = frozenset({"wasmhost.toml"})


def _blocks(language: str) -> list[str]:
    return [code for found, code in _CODE.findall((ROOT / "README.md").read_text()) if found == language]


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link of a document is a file or a folder."""
    links = _LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_it_names_exist(document: Path) -> None:
    """Every file named in code voice is in the project, under that path or one that ends so."""
    folders = ("wasmhost", "wit", "docs", "tests", "examples", "guest-sdk")
    there = [
        f"/{path.relative_to(ROOT).as_posix()}" for name in folders for path in (ROOT / name).rglob("*.*")
    ]
    there += [f"/{path.name}" for path in ROOT.glob("*.*")]
    named = set(_FILE.findall(document.read_text())) - _MENTIONED_ONLY
    assert sorted(name for name in named if not any(path.endswith(f"/{name}") for path in there)) == []


async def test_the_readme_embeds_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """README's configuration loads, and its Python runs with it as printed."""
    (configuration,) = _blocks("toml")
    (code,) = _blocks("python")
    monkeypatch.chdir(tmp_path)
    shutil.copy(PACKAGE / "demo" / "guests" / "relay-watch.wasm", tmp_path)
    # The reports go where a test can read them; the rest is README's own text.
    Path("wasmhost.toml").write_text(f'[host]\nreports = "reports.ndjson"\n\n{configuration}')
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    names: dict[str, object] = {}
    running = eval(compile(code, "README.md", "exec", flags=flags), names)  # noqa: S307 - our own README
    assert inspect.isawaitable(running)
    await running
    host = names["host"]
    assert isinstance(host, wasmhost.ObserverHost)
    (line,) = host.summary().observers
    assert (line.name, line.state, line.delivered, line.skipped) == ("relay-watch", "running", 1, 1)


def test_security_names_every_class_of_the_corpus_and_tests_that_are_there() -> None:
    """The table of attack classes has the folders of tests/hostile, and points at nothing that is gone."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    assert named == {path.name for path in (ROOT / "tests" / "hostile").iterdir() if path.is_dir()} - {
        "__pycache__"
    }
    paths = set(re.findall(r"`(tests/[^`]*)`", text))
    assert [path for path in sorted(paths) if not any(ROOT.glob(path))] == []

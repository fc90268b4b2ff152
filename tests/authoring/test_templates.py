"""From an empty folder to a tested observer, in every language, as its author does it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import REAL, wasmhost
from tests.guests.helpers import require_cargo
from wasmhost.authoring.languages import LANGUAGES

if TYPE_CHECKING:
    from pathlib import Path

FIRST_BUILD_S = 280
"""The first build of a language fills its caches: compilers from npm, Go's standard library, a QuickJS."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", LANGUAGES)
def test_new_build_test(tmp_path: Path, language: str) -> None:
    """Each command ends well; the test is the same for all, and passes to the letter."""
    if language == "rust":
        require_cargo()
    assert wasmhost("new", "my-watch", "--lang", language, cwd=tmp_path).code == 0
    built = wasmhost("build", "my-watch", "--json", cwd=tmp_path, timeout=FIRST_BUILD_S)
    if built.code == 2 and built.complaints[0].startswith("needs "):
        pytest.fail(f"{LANGUAGES[language].title} {built.complaints[0]}")
    assert built.code == 0, built.err
    manifest = built.json["manifest"]
    assert manifest["hooks"] == ["on_webrtc_connected"]
    assert {"metrics", "report"} <= set(manifest["capabilities"])
    assert (manifest["language"], manifest["sdk"]) == (language, "0.1.0")
    assert [call["panic"] for call in built.json["calls"]] == [None]
    tested = wasmhost("test", "my-watch", "--json", cwd=tmp_path, timeout=FIRST_BUILD_S)
    assert tested.code == 0, tested.out
    assert tested.json["tests"] == [{"name": "first", "status": "ok", "difference": []}]
    module = tmp_path / "my-watch" / "build" / "my-watch.wasm"
    run = wasmhost("run", "--observer", module, "--from", REAL, "--json", cwd=tmp_path)
    assert run.code == 0
    assert len(run.reports) == run.observer("my-watch")["delivered"] == 6


SOURCES = {
    "rust": "src/lib.rs",
    "c": "my_watch.c",
    "zig": "my_watch.zig",
    "go": "main.go",
    "assemblyscript": "assembly/index.ts",
    "javascript": "observer.js",
    "python": "observer.py",
    "wat": "observer.wat",
}


def with_another_hook(language: str, source: str, snippet: str) -> str:
    """Paste what the README tells how to hear another hook, where its words say that it belongs."""
    match language:
        case "rust":
            return (
                source.replace("{Context,", "{Context, CredentialEvent,").removesuffix("}\n")
                + snippet
                + "}\n"
            )
        case "zig":
            return re.sub(r"= struct \{\n", lambda found: found[0] + snippet, source)
        case "go":
            imports, _, rest = snippet.partition("\n")
            return source.replace("package main\n", f"package main\n{imports}\n") + rest
        case "assemblyscript" | "python":
            return re.sub(r"\bContext,", "Context, CredentialEvent,", source, count=1) + snippet
        case "javascript":
            return source.replace("observer({\n", "observer({\n" + snippet)
        case _:
            return source + snippet


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_readme_s_other_hook(tmp_path: Path, language: str) -> None:
    """It compiles to the letter, and is then heard as well."""
    if language == "rust":
        require_cargo()
    assert wasmhost("new", "my-watch", "--lang", language, cwd=tmp_path).code == 0
    project = tmp_path / "my-watch"
    snippets = re.findall(r"```(?!sh)\w+\n(.*?)```", (project / "README.md").read_text("utf-8"), re.DOTALL)
    source = project / SOURCES[language]
    source.write_text(with_another_hook(language, source.read_text("utf-8"), snippets[0]), "utf-8")
    assert heard(project, language) == ["on_webrtc_connected", "on_credential_expiring"]


def heard(project: Path, language: str) -> list[str]:
    """The hooks that a build finds. A component of Python takes long: there the module itself is asked."""
    if language == "python":
        script = project / "sdk" / "wasmhost_observer" / "describe.py"
        command = [sys.executable, "-I", "-S", "-B", str(script), str(project), "observer"]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["hooks"]
    else:
        built = wasmhost("build", str(project), "--json", cwd=project, timeout=FIRST_BUILD_S)
        assert built.code == 0, built.err
        told = built.json["manifest"]["hooks"]
    hooks: list[str] = told
    return hooks

"""From an empty folder to a tested observer, in every language, as its author does it."""

from __future__ import annotations

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

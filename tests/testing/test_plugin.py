"""The plugin as an author has it: found by pytest itself, and free of charge for who does not use it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.guests.helpers import PREBUILT, ROOT
from wasmhost.authoring.scaffold import scaffold

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = ROOT / "docs" / "testing.md"


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, as its author would."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def examples() -> list[str]:
    """The Python of docs/testing.md."""
    return re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_documents_first_example_passes_in_a_new_project(tmp_path: Path) -> None:
    """As printed; the project is built on the way."""
    scaffold("my-watch", "wat", tmp_path / "my-watch")
    (tmp_path / "my-watch" / "tests" / "test_watch.py").write_text(examples()[0], encoding="utf-8")
    done = run_pytest(tmp_path / "my-watch")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    assert (tmp_path / "my-watch" / "build" / "my-watch.wasm").is_file()


def test_the_documents_other_example_passes_with_an_observer_that_has_such_a_config(tmp_path: Path) -> None:
    """As printed, but that relay-watch is the observer."""
    shutil.copy(PREBUILT / "relay-watch.wasm", tmp_path)
    code = "import pytest\n" + examples()[1].replace("observer_host(", 'observer_host("relay-watch.wasm", ')
    (tmp_path / "test_watch.py").write_text(code, encoding="utf-8")
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_compilers_words_are_in_the_failure(tmp_path: Path) -> None:
    """An author who breaks the source reads in pytest's output what the compiler said."""
    scaffold("my-watch", "wat", tmp_path / "my-watch")
    source = tmp_path / "my-watch" / "observer.wat"
    source.write_text(source.read_text("utf-8").replace("call $log ", "call $lgo "), encoding="utf-8")
    (tmp_path / "my-watch" / "tests" / "test_watch.py").write_text(examples()[0], encoding="utf-8")
    done = run_pytest(tmp_path / "my-watch")
    assert done.returncode == 1
    assert "unknown func" in done.stdout
    assert "$lgo" in done.stdout


def test_a_test_outside_of_any_project_says_what_is_missing(tmp_path: Path) -> None:
    """One line, and what to do."""
    (tmp_path / "test_it.py").write_text("def test_it(observer_host): observer_host()\n", encoding="utf-8")
    done = run_pytest(tmp_path)
    assert "say which module it is about" in done.stdout


def test_who_does_not_use_it_does_not_load_it(tmp_path: Path) -> None:
    """Neither the engine nor anything else of weight is imported where no test asks for the fixture."""
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'wasmhost.testing.plugin' in sys.modules\n"
        "    heavy = {'wasmtime', 'cbor2', 'wasmhost.authoring', 'wasmhost.sandbox', 'wasmhost.config'}\n"
        "    assert not heavy & sys.modules.keys()\n",
        encoding="utf-8",
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["Delivery", "Desk", "Event", "Observer", "ObserverPanicked", "events"])
def test_each_public_name_is_there(name: str) -> None:
    """Lazily, and listed."""
    import wasmhost.testing

    assert name in wasmhost.testing.__all__
    assert getattr(wasmhost.testing, name).__doc__

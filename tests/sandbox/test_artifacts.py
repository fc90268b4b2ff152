"""The cache of compiled modules: what is loaded from it was stored there, whole, by us."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox import wat
from wasmhost.authoring.caches import cache_folder
from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.sandbox import artifacts
from wasmhost.sandbox.artifacts import ArtifactCache, user_cache
from wasmhost.sandbox.engine import SandboxEngine

if TYPE_CHECKING:
    from wasmtime import Module

ARTIFACT = bytes(range(256)) * 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a cache may be; nothing is there yet."""
    return tmp_path / "some" / "artifacts"


def big_module() -> bytes:
    """A module large enough to be worth keeping."""
    functions = "\n".join(f"(func (result i32) (i32.const {number}))" for number in range(4000))
    return wat.wasm(f"(module {functions})")


class Counting(ArtifactCache):
    """Counts what was compiled, which is what is stored."""

    stored = 0

    def store(self, name: str, artifact: bytes) -> None:
        """Count it, and store it."""
        self.stored += 1
        super().store(name, artifact)


def compiled(cache: ArtifactCache | None, wasm: bytes, stack_kib: int = 256) -> Module:
    """A module, compiled by a new engine."""
    with SandboxEngine(stack_kib, cache) as engine:
        return engine.compile(wasm)


def test_what_was_stored_is_loaded_by_another_start(folder: Path) -> None:
    """Under its own name, and no other."""
    ArtifactCache(folder).store("a", ARTIFACT)
    again = ArtifactCache(folder)
    assert again.load("a") == ARTIFACT
    assert again.load("b") is None
    assert again.trouble is None


def test_the_cache_is_ours_alone(folder: Path) -> None:
    """Nobody else reads or writes the folder, the key or an artifact."""
    ArtifactCache(folder).store("a", ARTIFACT)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir() if not path.name.startswith("lock")} == {
        0
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_torn_or_changed_is_never_loaded(tmp_path: Path, data: st.DataObject) -> None:
    """Cut anywhere, or with one bit turned anywhere: gone, and made anew."""
    cache = ArtifactCache(tmp_path / "cache")
    cache.store("a", ARTIFACT)
    (path,) = (tmp_path / "cache").glob("*.artifact")
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(whole[:place])
    else:
        turned = bytearray(whole)
        turned[place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(turned)
    assert cache.load("a") is None
    assert not path.exists()


def test_an_artifact_of_another_name_or_key_is_never_loaded(tmp_path: Path) -> None:
    """Moved to another name, or made under another key by somebody who can write here for a moment."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        ArtifactCache(folder).store("a", ARTIFACT)
    (ours / "a.artifact").rename(ours / "b.artifact")
    (theirs / "a.artifact").rename(ours / "a.artifact")
    assert ArtifactCache(ours).load("b") is None
    assert ArtifactCache(ours).load("a") is None


def test_a_folder_that_others_may_write_is_not_used(folder: Path) -> None:
    """And it is said why."""
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    cache = ArtifactCache(folder)
    cache.store("a", ARTIFACT)
    assert cache.load("a") is None
    assert list(folder.iterdir()) == []
    assert "not ours alone" in (cache.trouble or "")


def test_without_a_place_all_is_compiled(tmp_path: Path) -> None:
    """Where the folder cannot be made, a module still compiles."""
    (tmp_path / "file").write_text("")
    cache = ArtifactCache(tmp_path / "file" / "artifacts")
    assert len(compiled(cache, big_module()).exports) == 0
    assert cache.trouble == "Not a directory"


def test_a_full_disk_is_no_failure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written leaves nothing behind, half-written least of all."""

    def full(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    cache = ArtifactCache(folder)
    cache.store("first", ARTIFACT)  # makes the key
    monkeypatch.setattr(Path, "replace", full)
    cache.store("a", ARTIFACT)
    assert cache.trouble == "No space left on device"
    assert not list(folder.glob("new-*"))
    assert cache.load("a") is None


def test_the_least_used_goes_first(folder: Path) -> None:
    """Beyond its size, the cache lets go of what was not used for longest."""
    cache = ArtifactCache(folder, max_bytes=3 * (len(ARTIFACT) + 100))
    for hour, name in enumerate("abc"):
        cache.store(name, ARTIFACT)
        os.utime(folder / f"{name}.artifact", (hour, hour))
    assert cache.load("a") == ARTIFACT  # used now
    cache.store("d", ARTIFACT)
    assert [name for name in "abcd" if cache.load(name)] == ["a", "c", "d"]


def test_what_a_killed_process_left_behind_goes(folder: Path) -> None:
    """A day later; what another process is about to write stays."""
    ArtifactCache(folder).store("a", ARTIFACT)
    for name, age in (("new-left", 25 * 3600), ("new-writing", 60)):
        (folder / name).write_bytes(ARTIFACT)
        changed = time.time() - age
        os.utime(folder / name, (changed, changed))
    ArtifactCache(folder).store("b", ARTIFACT)
    assert {path.name for path in folder.glob("*a*")} == {"a.artifact", "b.artifact"}
    assert {path.name for path in folder.glob("new-*")} == {"new-writing"}


def test_a_module_is_compiled_once(folder: Path) -> None:
    """The second engine loads it; one of other settings, or another module, has its own."""
    wasm = big_module()
    cache = Counting(folder)
    compiled(cache, wasm)
    compiled(cache, wasm)
    assert cache.stored == 1
    compiled(cache, wasm, stack_kib=128)
    assert cache.stored == 2
    compiled(cache, wat.wasm("(module)"))  # too small to be worth it
    assert cache.stored == 2


def test_an_artifact_the_engine_refuses_is_made_anew(folder: Path) -> None:
    """Our digest says that we wrote it, the engine whether it is for this engine."""
    wasm = big_module()
    cache = Counting(folder)
    compiled(cache, wasm)
    (path,) = folder.glob("*.artifact")
    ArtifactCache(folder).store(path.stem, b"an artifact of some other engine")
    assert compiled(cache, wasm) is not None
    assert cache.stored == 2


CHILD = """
import sys
from pathlib import Path
from tests.sandbox.test_artifacts import Counting, big_module, compiled
cache = Counting(Path(sys.argv[1]))
compiled(cache, big_module())
print(cache.stored)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    """A process that compiles the module and says how many times it had to."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True, cwd=root
    )


def test_processes_that_want_the_same_module_compile_it_once(folder: Path) -> None:
    """One compiles, the others wait and load."""
    children = [start(folder) for _ in range(3)]
    assert sum(int(child.communicate(timeout=60)[0]) for child in children) == 1


def test_a_process_that_was_stopped_while_it_compiles_holds_nobody_off_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some patience the module is compiled all the same."""
    monkeypatch.setattr(artifacts, "_PATIENCE_S", 0.1)
    cache = Counting(folder)
    with ArtifactCache(folder).only_one("a"), cache.only_one("a"):
        cache.store("a", ARTIFACT)
    assert cache.load("a") == ARTIFACT


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that says nothing of a cache."""
    monkeypatch.delenv("WASMHOST_CACHE", raising=False)
    return monkeypatch


def test_the_environment_says_where(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user's cache folder, another one, or none."""
    environment.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = user_cache()
    assert cache is not None
    cache.store("a", ARTIFACT)
    assert (tmp_path / "wasmhost" / "artifacts" / "a.artifact").exists()
    environment.setenv("WASMHOST_CACHE", str(tmp_path / "other"))
    other = user_cache()
    assert other is not None
    assert other.load("a") is None
    environment.setenv("WASMHOST_CACHE", "off")
    assert user_cache() is None


def test_who_has_no_home_has_no_cache(environment: pytest.MonkeyPatch) -> None:
    """As in a container whose user is a number only; a build says what it needs."""
    environment.delenv("XDG_CACHE_HOME", raising=False)
    environment.delenv("HOME", raising=False)
    environment.setattr("os.getuid", lambda: 54_321)
    assert user_cache() is None
    with pytest.raises(BuildError, match="set HOME or XDG_CACHE_HOME"):
        cache_folder("zig")

"""From a project to a module with its manifest: what is checked, and that nothing is half written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.authoring.helpers import COUNT, LOG, PANIC, QUIET, STATE, logging_guest, panicking_guest, project
from tests.cli.helpers import small_guest
from wasmhost.authoring.build import build_project
from wasmhost.authoring.project import load_project
from wasmhost.authoring.scaffold import scaffold
from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.config import Limits
from wasmhost.contract.manifest import SECTION, decode_manifest
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import load_guest
from wasmhost.sandbox.sections import custom_sections

if TYPE_CHECKING:
    from wasmtime import Module

    from wasmhost.authoring.build import Build
    from wasmhost.sandbox.compiling import Bounds


def build(folder: Path, text: str = QUIET, more: str = "") -> Build:
    """Build a small project."""
    return build_project(load_project(project(folder, text, more)))


def test_the_manifest_is_in_the_module(tmp_path: Path) -> None:
    """What observer.toml says, and what the module shows where that says nothing."""
    built = build(tmp_path, small_guest(more=f"{LOG} {STATE} {COUNT}"), 'fields = ["peer"]\n')
    assert built.path == tmp_path / "build" / "small.wasm"
    (section,) = custom_sections(built.path.read_bytes(), SECTION)
    manifest = decode_manifest(section)
    assert manifest == built.manifest
    assert (manifest.name, manifest.version, manifest.language) == ("small", "1.2.3", "wat")
    assert manifest.hooks == ("on_signaling_connected",)
    assert manifest.capabilities == ("metrics", "state")
    assert manifest.fields == ("peer",)
    assert built.size == built.path.stat().st_size
    assert [entry.capability for entry in built.imports] == ["log", "state", "state", "metrics"]


def test_a_build_is_a_function_of_the_project(tmp_path: Path) -> None:
    """The same bytes from another folder."""
    builds = [build(tmp_path / name, logging_guest()) for name in ("a", "b")]
    assert builds[0].path.read_bytes() == builds[1].path.read_bytes()
    assert builds[0].sha256 == builds[1].sha256


def test_each_hook_is_called_once_with_a_typical_event(tmp_path: Path) -> None:
    """What that costs; or what it said, where it panicked."""
    (call,) = build(tmp_path / "a", logging_guest()).calls
    assert (call.hook, call.panic) == ("on_signaling_connected", None)
    assert 0 < call.fuel < 1000
    (call,) = build(tmp_path / "b", panicking_guest("not so typical")).calls
    assert call.panic == "not so typical"


def test_hooks_can_be_left_out(tmp_path: Path) -> None:
    """The manifest has those that observer.toml names."""
    two = logging_guest(
        more='(func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param i32 i32))'
    )
    assert len(build(tmp_path / "a", two).manifest.hooks) == 2
    built = build(tmp_path / "b", two, 'hooks = ["on_webrtc_connected"]\n')
    assert built.manifest.hooks == ("on_webrtc_connected",)
    assert [call.hook for call in built.calls] == ["on_webrtc_connected"]


def test_a_hook_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With those that are."""
    with pytest.raises(BuildError, match=r'"on_stop", which .* not have; it has on_signaling_connected'):
        build(tmp_path, more='hooks = ["on_stop"]\n')


def test_a_capability_that_is_not_asked_for_is_named(tmp_path: Path) -> None:
    """With the import that needs it."""
    with pytest.raises(BuildError, match=r'imports wasmhost:observer/state@0.1.0#load, .* lacks "state"'):
        build(tmp_path, small_guest(more=STATE), 'capabilities = ["report"]\n')


def test_a_capability_may_be_asked_for_and_not_used(tmp_path: Path) -> None:
    """Or be optional, which is asking as well."""
    built = build(tmp_path, more='optional = ["state"]\n')
    assert (built.manifest.capabilities, built.manifest.optional) == (("state",), ("state",))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(module)", "it exports no hook"),
        (small_guest(more='(import "env" "x" (func))'), "imports env#x, which wasmhost does not offer"),
        (small_guest().replace("cabi_realloc", "malloc"), "exports no cabi_realloc"),
        (small_guest(more="(func $f unreachable) (start $f)"), "its start function trapped"),
        (small_guest(more="(memory 1)"), "does not instantiate"),
    ],
)
def test_what_a_host_would_refuse_is_not_built(tmp_path: Path, text: str, reason: str) -> None:
    """With the reason that a host would give."""
    with pytest.raises(GuestRefused, match=reason):
        build(tmp_path, text)
    assert list((tmp_path / "build").iterdir()) == []


def test_a_mistake_in_the_source_is_told_in_the_compilers_words(tmp_path: Path) -> None:
    """And what was built before stays."""
    before = build(tmp_path).path.read_bytes()
    with pytest.raises(BuildError) as error:
        build(tmp_path, "(module (func (nonsense)))")
    assert "nonsense" in error.value.output
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["small.wasm"]
    assert (tmp_path / "build" / "small.wasm").read_bytes() == before


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    """One line, with where it was looked for."""
    folder = project(tmp_path, more='source = "gone.wat"\n')
    with pytest.raises(
        BuildError, match=r"the source is not there: .*gone\.wat; source in observer.toml says"
    ) as e:
        build_project(load_project(folder))
    assert e.value.output == ""


def test_nowhere_to_write_to(tmp_path: Path) -> None:
    """A file where a folder has to be; a folder where the file has to be; a system that lets nobody."""
    loaded = load_project(project(tmp_path / "p"))
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match=r"cannot write .*: (not a directory|file exists)"):
        build_project(loaded, out=tmp_path / "file" / "x.wasm")
    (tmp_path / "taken").mkdir()
    with pytest.raises(BuildError, match=r"cannot write .*: is a directory"):
        build_project(loaded, out=tmp_path / "taken")
    with pytest.raises(BuildError, match="cannot write "):
        build_project(loaded, out=Path("/proc/nobody/x.wasm"))


def test_a_manifest_makes_it_no_other_module_to_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the build tried out before it wrote one is what a host finds in its cache."""
    compiled: list[bytes] = []
    original = SandboxEngine.compile

    def noted(engine: SandboxEngine, wasm: bytes, bounds: Bounds) -> Module:
        compiled.append(wasm)
        return original(engine, wasm, bounds)

    monkeypatch.setattr(SandboxEngine, "compile", noted)
    built = build(tmp_path, logging_guest())
    with SandboxEngine() as engine:
        load_guest(engine, built.path.read_bytes(), Limits(), grant=())
    assert len(compiled) == 2
    assert compiled[0] == compiled[1]


def test_its_stages_are_told(tmp_path: Path) -> None:
    """For who waits."""
    told: list[str] = []
    build_project(load_project(project(tmp_path)), component=True, tell=told.append)
    assert told == ["compiling WebAssembly text", "making a component of it", "trying it out"]


def test_a_panic_of_its_start_is_no_hook(tmp_path: Path) -> None:
    """An _initialize that traps is refused, with its words."""
    text = small_guest(
        more=f"""{PANIC} (data (i32.const 0) "no config")
          (func (export "_initialize") (call $panic (i32.const 0) (i32.const 9)) (unreachable))"""
    )
    with pytest.raises(GuestRefused, match=r"_initialize trapped .*no config"):
        build(tmp_path, text)


def test_a_piece_of_the_sdk_that_is_missing_is_named(tmp_path: Path) -> None:
    """It is not told as if the module could not be written."""
    folder = tmp_path / "p"
    scaffold("my-watch", "wat", folder)
    for path in (folder / "sdk").glob("*.wat"):
        path.unlink()
    with pytest.raises(BuildError) as caught:
        build_project(load_project(folder))
    assert "cannot write" not in str(caught.value)

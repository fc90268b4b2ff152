"""A component that only wraps a core module runs as that module, in the airlock; any other as itself."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from wasmtime import Module

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from wasmhost.authoring.component import as_component
from wasmhost.authoring.sections import with_custom_section
from wasmhost.config import Limits
from wasmhost.contract.manifest import SECTION, Manifest, encode_manifest
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.artifacts import ArtifactCache
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import compile_guest, surface, was_compiled
from wasmhost.sandbox.native.cell import Plan
from wasmhost.sandbox.native.component_cell import ComponentPlan
from wasmhost.sandbox.sections import CUSTOM, HEADER_BYTES, Section, join, sections, vector
from wasmhost.sandbox.unwrapping import airlock_module, plain_module

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox.lab import Lab

SMALL = Limits(module_mib=1)
LOG_LINE = "(call $log.write (i32.const 2) (i32.const 0) (i32.const 5))"
CORE = wat.guest(LOG_LINE, use=("log.write",), extra='(data (i32.const 0) "hello")')


def wrapped(core: bytes = CORE) -> bytes:
    """A component as `wasmhost build --component` makes it."""
    return as_component(core, None)[0]


def also(component: bytes, *more: Section) -> bytes:
    """The component with more sections at its end."""
    return join(component[:HEADER_BYTES], [*sections(component), *more])


def test_a_core_module_is_itself() -> None:
    """There is nothing to unwrap."""
    assert airlock_module(CORE) is CORE


def test_the_module_in_the_wrapping_is_found_whole() -> None:
    """Byte for byte what went in."""
    assert airlock_module(wrapped()) == CORE


def test_what_its_modules_hold_breaks_no_reader(lab: Lab) -> None:
    """They are read before the engine has seen them: types nested very deep, more entries than bytes."""
    for kind, body, words in (
        (1, b"\x01\x60\x01" + b"\x63" * 5_000, "does not compile"),
        (3, b"\xff\xff\xff\xff\x0f", "it has 4,294,967,295 functions, more than"),
    ):
        module = join(CORE[:HEADER_BYTES], [Section(kind, body)])
        component = join(wrapped()[:HEADER_BYTES], [Section(1, module)])
        assert plain_module(component) is None
        with pytest.raises(GuestRefused, match=words):
            lab.load(component)


def test_what_was_compiled_is_known_by_what_is_compiled(tmp_path: Path) -> None:
    """Whatever is around it: its manifest is left out, and so is a wrapping."""
    core = wc.with_section(wat.guest("(nop)" * 20_000), "x", b"")
    manifest = encode_manifest(Manifest(name="outer", version="1", hooks=(wat.HOOK,)))
    with SandboxEngine(cache=ArtifactCache(tmp_path / "cache")) as engine:
        assert not was_compiled(engine.compiler, core, SMALL)
        compile_guest(engine, core, SMALL)
        for wasm in (core, wrapped(core), with_custom_section(wrapped(core), SECTION, manifest)):
            assert was_compiled(engine.compiler, wasm, SMALL)
        with pytest.raises(GuestRefused, match="more than module_mib"):
            was_compiled(engine.compiler, core + bytes(1024**2), SMALL)


def test_it_runs_in_the_airlock_under_its_own_digest(lab: Lab) -> None:
    """The same effects and the same fuel as the module itself; the digest is that of the file."""
    component = wrapped()
    guest = lab.load(component)
    assert isinstance(guest.plan, Plan)
    assert guest.sha256 == hashlib.sha256(component).hexdigest()
    assert lab.deliver(component) == lab.deliver(CORE)
    assert lab.deliver(component).effects.logs[0].text == "hello"


def test_its_own_manifest_holds(lab: Lab) -> None:
    """A component's manifest is the component's, not that of the module in it."""
    manifest = encode_manifest(Manifest(name="outer", version="1", hooks=(wat.HOOK,)))
    component = also(wrapped(), Section(CUSTOM, vector(SECTION.encode()) + manifest))
    guest = lab.load(component)
    assert guest.manifest is not None
    assert guest.manifest.name == "outer"


def test_it_shows_what_the_module_shows(lab: Lab) -> None:
    """Hooks, imports, memory and table."""
    component = wrapped()
    compiled = compile_guest(lab.engine, component, SMALL)
    assert isinstance(compiled, Module)
    assert surface(lab.engine, compiled, component) == surface(lab.engine, lab.engine.compile(CORE), CORE)


BIG = wat.wasm("(module " + "(func (result i32) (i32.const 1))" * 6000 + ")")
OTHERS = {
    "a runtime beside it": also(wrapped(), Section(1, BIG)),
    "two of the kind": also(wrapped(), Section(1, CORE)),
    "more modules than a wrapping takes": also(wrapped(), *[Section(1, wat.wasm("(module)"))] * 4),
    "nothing with hooks": wc.component(),
    "a module that cannot be read": also(wrapped(), Section(1, b"\0asm\1\0\0\0\1\5\1")),
    "names that are not canonical": wc.guest(LOG_LINE, use=("log.write",)),
}


@pytest.mark.parametrize("component", OTHERS.values(), ids=OTHERS)
def test_what_has_more_in_it_stays_a_component(component: bytes) -> None:
    """What the rest of it means, nobody here knows."""
    assert plain_module(component) is None


def test_such_a_component_runs_in_its_own_lane(lab: Lab) -> None:
    """With callbacks."""
    assert isinstance(lab.load(OTHERS["a runtime beside it"]).plan, ComponentPlan)

"""The tables of the airlock against what they are made from: the WIT, WASI, and each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from wasmtime import FuncType, ImportType, Linker, Module, Store, WasiConfig

from tests.contract import wit_reader
from tests.sandbox import wat
from tests.sandbox.lab import Lab, core_plan
from wasmhost.config import model as config
from wasmhost.contract.hooks import HOOKS
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.airlock.assemble import Fitting, GuestHook, assemble
from wasmhost.sandbox.outbox import LEVELS

if TYPE_CHECKING:
    from wasmhost.sandbox.engine import SandboxEngine

AREAS = {
    "header": (0, abi.CONFIG),
    "config": (abi.CONFIG, abi.CONFIG_BYTES),
    "panic": (abi.PANIC, abi.TEXT_BYTES),
    "error": (abi.ERROR, abi.TEXT_BYTES),
    "inbox": (abi.INBOX, abi.AREA_BYTES),
    "outbox": (abi.OUTBOX, abi.AREA_BYTES),
    "state": (abi.STATE, abi.AREA_BYTES),
}


def _type(entry: ImportType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    assert isinstance(entry.type, FuncType)
    return tuple(map(str, entry.type.params)), tuple(map(str, entry.type.results))


def test_the_imports_are_those_of_the_wit() -> None:
    """Each capability's core signature is what the canonical ABI makes of wit/capabilities.wit."""
    table = {(e.module, e.name): (e.params, e.results) for e in abi.CAPABILITY_IMPORTS}
    assert table == wit_reader.signatures()


def test_the_hooks_are_those_of_the_wit() -> None:
    """Each hook's core signature is what the canonical ABI makes of wit/hooks.wit."""
    table = {hook.export: (abi.HOOK_PARAMS, ("i32",) if hook.fallible else ()) for hook in HOOKS}
    assert table == wit_reader.export_signatures()


def test_levels_are_those_of_the_wit() -> None:
    """The enum's cases, in their order: the airlock passes their number."""
    assert wit_reader.read().interfaces["log"].enums["level"] == LEVELS


def test_wasi_is_whole() -> None:
    """All 46 functions of preview 1, as its witx has them; all but proc_exit give an errno."""
    names = {entry.name for entry in abi.WASI_IMPORTS}
    assert len(abi.WASI_IMPORTS) == len(names) == 46
    assert names >= abi.WASI_ANSWERED
    assert {entry.name for entry in abi.WASI_IMPORTS if entry.results != ("i32",)} == {"proc_exit"}


def test_wasis_signatures_are_those_of_real_wasi(engine: SandboxEngine) -> None:
    """A guest that imports all of it with our types links against the engine's own WASI."""
    linker, store = Linker(engine.engine), Store(engine.engine)
    linker.define_wasi()
    store.set_wasi(WasiConfig())
    store.set_fuel(1000)
    module = Module(engine.engine, wat.guest(use=[entry.symbol for entry in abi.WASI_IMPORTS]))
    assert len(module.imports) == 46
    linker.instantiate(store, module)


def test_the_areas_of_the_box_do_not_overlap() -> None:
    """They lie one after the other, inside the box, and the host's records fit the header."""
    end = 0
    for start, length in sorted(AREAS.values()):
        assert start >= end
        end = start + length
    assert end == abi.BOX_BYTES
    assert abi.IN_SEED + 8 <= abi.OUT_PHASE
    assert abi.HEADER_IN.size == abi.OUT_PHASE + abi.HEADER_OUT.size <= abi.KEPT_STATE_PRESENT
    assert abi.OUT_PHASE + abi.HEADER_OUT.size == abi.OUT_ERROR_LENGTH + 4


def test_config_and_box_agree() -> None:
    """What the configuration accepts as an observer's table is what the box has room for."""
    assert config.CONFIG_BYTES == abi.CONFIG_BYTES
    assert abi.CONFIG_ENTRY.size == config.CONFIG_ENTRY_OVERHEAD
    assert {e.capability for e in abi.CAPABILITY_IMPORTS} == config.GRANTABLE | config.ALWAYS_GRANTED
    assert config.ALWAYS_GRANTED | {abi.WASI} == abi.ALWAYS_GRANTED


@pytest.mark.parametrize("entry", abi.IMPORTS.values(), ids=lambda entry: entry.symbol)
def test_an_airlock_can_be_made_of_each_import_alone(engine: SandboxEngine, entry: abi.Import) -> None:
    """The front exports a trampoline of the import's own type, whichever import it is."""
    fitting = Fitting((entry,), (GuestHook(HOOKS[0].export, fallible=True, has_post_return=True),), True)
    front = Module(engine.engine, assemble(fitting).front)
    box, table, trampoline = front.exports
    assert (box.name, table.name, trampoline.name) == ("box", "table", "0")
    assert _type(trampoline) == (entry.params, entry.results)  # type: ignore[arg-type]  # has a type too


def test_a_guest_of_every_import_and_every_hook_is_fitted(engine: SandboxEngine) -> None:
    """The back imports the guest's hooks in the table's order, and exports what the host calls."""
    hooks = tuple(GuestHook(hook.export, hook.fallible, has_post_return=hook.fallible) for hook in HOOKS)
    made = assemble(Fitting(tuple(abi.IMPORTS.values()), hooks, has_initialize=True))
    back = Module(engine.engine, made.back)
    assert [export.name for export in back.exports] == ["deliver", "initialize"]
    names = [entry.name for entry in back.imports if entry.module == "guest"]
    assert names[:2] == ["memory", "cabi_realloc"]
    assert [name for name in names if name in {hook.export for hook in HOOKS}] == [h.export for h in HOOKS]


def test_guests_of_the_same_kind_share_an_airlock(engine: SandboxEngine) -> None:
    """Also where they import in another order, or twice: compiling costs a thousand deliveries."""
    with Lab(engine) as lab:
        one = lab.load(wat.guest(use=("log.write", "panic.report")))
        twice = wat.imports("log.write").replace("$log.write", "$again")
        other = lab.load(wat.guest(use=("panic.report", "log.write")))
        parts = (
            twice,
            wat.imports("panic.report", "log.write"),
            wat.MEMORY,
            wat.REALLOC,
            wat.hook(wat.HOOK, ""),
        )
        third = lab.load(wat.wasm(f"(module {' '.join(parts)})"))
        plans = [core_plan(guest) for guest in (one, other, third)]
        assert plans[0].back is plans[1].back is plans[2].back
        assert plans[2].guest_needs[0] == plans[2].guest_needs[2]

"""Who takes part in a soak: observers that are well, and observers that are not, each in its own way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from wasmhost.config import ObserverDefaults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wasmhost.config import ObserverConfig

NEIGHBOURS: Final = 3
_HARD: Final = replace(
    ObserverDefaults(),
    grant=frozenset({"config", "metrics", "report", "state"}),
    quarantine=None,  # they go on for ever: they are what is tested
    backoff_ms=(1, 50),
    limits=replace(ObserverDefaults().limits, deadline_ms=10, fuel=50_000_000, memory_mib=8),
)
_SOFT: Final = replace(ObserverDefaults(), grant=_HARD.grant, mailbox=8192)


class _Kind(NamedTuple):
    name: str
    wasm: bytes
    settings: ObserverDefaults


def observers(folder: Path, *, components: bool) -> tuple[ObserverConfig, ...]:
    """Write all modules into a folder; those that are well come first."""
    made = []
    for name, wasm, settings in _all(components=components):
        module = folder / f"{name}.wasm"
        module.write_bytes(wasm)
        made.append(settings.observer(name, module))
    return tuple(made)


def _all(*, components: bool) -> Iterator[_Kind]:
    for number in range(NEIGHBOURS):
        yield _Kind(f"well-{number}", _WELL, _SOFT)
    if components:
        yield _Kind("well-component", wc.guest(_TELL, use=_TELL_USES), _SOFT)
    for name, wasm in hostile().items():
        yield _Kind(name, wasm, _HARD)
    if components:
        yield _Kind("floods-component", wc.guest(_FLOOD, use=_FLOOD_USES, locals_=_COUNTER), _HARD)
        yield _Kind("traps-component", wc.guest("(unreachable)"), _HARD)


def hostile() -> dict[str, bytes]:
    """Those that are not well, by name."""
    return {
        "traps": wat.guest(
            "(call $panic.report (local.get $p) (local.get $n)) unreachable", use=("panic.report",)
        ),
        "spins": wat.guest("(loop $for_ever (br $for_ever))"),
        "floods": wat.guest(_FLOOD, use=_FLOOD_USES, locals_=_COUNTER),
        "grows": wat.guest("(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))"),
        "recurses": wat.guest(f"(call ${wat.HOOK} (local.get $p) (local.get $n))"),
        "reaches": wat.guest("(i32.store (i32.const -4) (local.get $n))"),
        "leaves": wat.guest("(call $wasi.proc_exit (i32.const 3))", use=("wasi.proc_exit",)),
        "misallocates": wat.guest(realloc=_LIAR),
        "hoards": wat.guest("(call $state.save (i32.const 0) (i32.const 65536))", use=("state.save",)),
    }


_TELL_USES: Final = ("delivery.sequence", "report.send")
# CBOR of a byte string of eight, with the sequence in it.
_TELL: Final = """(i32.store8 (i32.const 63) (i32.const 0x48))
  (i64.store (i32.const 64) (call $delivery.sequence))
  (call $report.send (i32.const 0) (i32.const 0) (i32.const 63) (i32.const 9))"""
_WELL: Final = wat.guest(_TELL, use=_TELL_USES)

_COUNTER: Final = "(local $i i32)"
_FLOOD_USES: Final = ("log.write", "report.send", "metrics.counter-add")
# A hundred lines with what moves a cursor in them, as many reports and metrics of ever new names.
_FLOOD: Final = """(i64.store (i32.const 64) (i64.const 0x0a68321b5b1b0d07))
  (loop $again
    (call $log.write (i32.const 3) (i32.const 64) (i32.const 8))
    (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 0x01010101)))
    (call $report.send (i32.const 64) (i32.const 4) (i32.const 64) (i32.const 8))
    (call $metrics.counter-add (i32.const 64) (i32.const 4) (i64.const 1))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const 100))))"""
_LIAR: Final = """(func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (i32.const -16))"""

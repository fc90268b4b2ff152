"""The guests that mutants are made of: small ones in text, the demo's, probes, components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.guests.built import built
from tests.guests.helpers import PREBUILT
from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.manifest import SECTION, Manifest, encode_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILT: Final = ("wat", "c", "zig", "assemblyscript")
WRAPPED: Final = ("c",)
LARGE: Final = ("go", "javascript")
"""A module and a component of two megabytes: cut only, as one that compiles takes seconds."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A good guest, by name."""

    name: str
    wasm: bytes


def seeds() -> list[Seed]:
    """All of which every kind of mutant is made; each is let in, and runs."""
    carried = [Seed(path.name, path.read_bytes()) for path in sorted(PREBUILT.glob("*.wasm"))]
    probes = [Seed(f"probe-{language}", built("probe", language)) for language in BUILT]
    wrapped = [Seed(f"wrapped-{name}", built("relay-watch", name, component=True)) for name in WRAPPED]
    return [*carried, *probes, *wrapped, *text_seeds()]


def text_seeds() -> list[Seed]:
    """The small ones in text, which need no compiler."""
    return [*_texts(), *_components()]


def large_seeds() -> list[Seed]:
    """Those that are only cut and put together wrongly."""
    return [Seed(f"large-{language}", built("relay-watch", language)) for language in LARGE]


def _texts() -> Iterator[Seed]:
    """One idea of WebAssembly each, and few bytes around it, so that most mutations hit it."""
    yield Seed("plain", wat.guest(name="$plain"))
    yield Seed("fallible", wat.guest("(i32.const 64)", on=wat.FALLIBLE, extra=_POST_RETURN))
    yield Seed("speaking", wat.guest(_SPEAK, use=("log.write", "report.send", "state.load")))
    yield Seed("wasi", wat.guest(_PRINT, use=("wasi.fd_write", "wasi.random_get")))
    yield Seed("table", wat.guest("(call_indirect (type $t) (i32.const 1))", extra=_TABLE))
    yield Seed("bulk", wat.guest(_COPY, extra='(data $d "some bytes") (data (i32.const 9) "others")'))
    yield Seed("vectors", wat.guest("(drop (call $mix))", extra=_VECTORS))
    yield Seed("control", wat.guest(_CONTROL, locals_="(local $i i32) (local $x i64) (local f64)"))
    yield Seed("starting", wat.guest(extra=_START))
    asked = Manifest(name="asked", version="1.0.0", hooks=(wat.HOOK,), fields=("peer",))
    yield Seed("manifest", wc.with_section(wat.guest(), SECTION, encode_manifest(asked)))


def _components() -> Iterator[Seed]:
    yield Seed("component", wc.guest(_LOG, use=("log.write", "delivery.now")))
    yield Seed("component-fallible", wc.guest("(i32.const 64)", on=wat.FALLIBLE))
    yield Seed("component-state", wc.guest(_STATE, use=("state.load", "state.save", "report.send")))


_POST_RETURN: Final = f'(func (export "cabi_post_{HOOK_BY_NAME[wat.FALLIBLE].export}") (param i32))'
_SPEAK: Final = """(call $log.write (i32.const 2) (local.get $p) (i32.const 5))
  (call $report.send (local.get $p) (i32.const 3) (local.get $p) (local.get $n))
  (call $state.load (i32.const 64))"""
_PRINT: Final = """(i32.store (i32.const 16) (local.get $p)) (i32.store (i32.const 20) (local.get $n))
  (drop (call $wasi.fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))
  (drop (call $wasi.random_get (i32.const 64) (i32.const 32)))"""
_TABLE: Final = """(type $t (func)) (table $table 4 8 funcref)
  (func $one) (func $two (call $one)) (elem (table $table) (i32.const 0) func $one $two)
  (elem declare func $two) (global $g (mut i32) (i32.const 7)) (global funcref (ref.func $one))"""
_COPY: Final = """(memory.init $d (i32.const 128) (i32.const 0) (i32.const 10))
  (memory.fill (i32.const 256) (i32.const 1) (i32.const 100))
  (memory.copy (i32.const 512) (i32.const 128) (i32.const 10)) (drop (memory.grow (i32.const 1)))"""
_VECTORS: Final = """(func $mix (result i32)
  (v128.store (i32.const 0) (i32x4.add (v128.const i32x4 1 2 3 4) (i32x4.splat (i32.const 5))))
  (i32x4.extract_lane 2 (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31
    (v128.load (i32.const 0)) (v128.load offset=16 (i32.const 0)))))
  (func $many (param f32) (result f32 f64) (local.get 0) (f64.promote_f32 (local.get 0)))"""
_CONTROL: Final = """(loop $again
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (block $out (block $in (br_table $in $out $in (i32.and (local.get $i) (i32.const 3))))
      (local.set $x (i64.div_u (i64.const 1000) (i64.extend_i32_u (local.get $i)))))
    (if (i32.load8_u (i32.add (local.get $p) (i32.const 3))) (then (nop)) (else (nop)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))"""
_START: Final = """(global $n (mut i32) (i32.const 0))
  (func $s (global.set $n (i32.add (global.get $n) (i32.const 1)))) (start $s)
  (func (export "_initialize") (call $s))"""
_LOG: Final = """(call $log.write (i32.const 2) (local.get $p) (i32.const 0)) (drop (call $delivery.now))"""
_STATE: Final = """(call $state.load (i32.const 64)) (call $state.save (local.get $p) (local.get $n))
  (call $report.send (local.get $p) (i32.const 0) (local.get $p) (local.get $n))"""

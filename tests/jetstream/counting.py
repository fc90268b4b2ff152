"""A guest that counts the events of each node in its state, and reports each count; and events for it.

It tells nodes apart by the events' times: ``at`` is the node's number. A report is [count, sequence number].
So the reports of a node, in the order of the stream, must be [1, 0], [2, 1], [3, 2]…: an event that was lost,
came twice, or out of order, or whose count was lost on the way from one host to another, shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cbor2
import wasmtime

from wasmhost.contract.hooks import HOOK_BY_NAME

if TYPE_CHECKING:
    from pathlib import Path

HOOK: Final = "on_signaling_connected"
UNHEARD: Final = "on_signaling_disconnected"
"""One that the guest does not hear."""
NODES: Final = 1000
"""For so many there is room: four bytes each in its state."""

_TEXT: Final = f"""(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $send (param i32 i32 i32 i32)))
  (import "wasmhost:observer/delivery@0.1.0" "sequence" (func $sequence (result i64)))
  (import "wasmhost:observer/delivery@0.1.0" "now" (func $now (result i64)))
  (import "wasmhost:observer/state@0.1.0" "load" (func $load (param i32)))
  (import "wasmhost:observer/state@0.1.0" "save" (func $save (param i32 i32)))
  (memory (export "memory") 4)
  (global $remembers (mut i32) (i32.const 0))
  (data (i32.const 32) "count")
  (data (i32.const 64) "\\82\\1b")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $big-endian (param $place i32) (param $value i64) (local $i i32)
    (loop $bytes
      (i64.store8 (i32.add (local.get $place) (i32.sub (i32.const 7) (local.get $i))) (local.get $value))
      (local.set $value (i64.shr_u (local.get $value) (i64.const 8)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $bytes (i32.lt_u (local.get $i) (i32.const 8)))))
  (func $remember
    (global.set $remembers (i32.const 1))
    (call $load (i32.const 0))
    (if (i32.load8_u (i32.const 0))
      (then (memory.copy (i32.const 65536) (i32.load (i32.const 4)) (i32.load (i32.const 8))))))
  (func (export "{HOOK_BY_NAME[HOOK].export}") (param i32 i32) (local $at i32)
    (if (i32.eqz (global.get $remembers)) (then (call $remember)))
    (local.set $at (i32.add (i32.const 65536) (i32.shl (i32.wrap_i64 (call $now)) (i32.const 2))))
    (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))
    (call $big-endian (i32.const 66) (i64.load32_u (local.get $at)))
    (i32.store8 (i32.const 74) (i32.const 0x1b))
    (call $big-endian (i32.const 75) (call $sequence))
    (call $send (i32.const 32) (i32.const 5) (i32.const 64) (i32.const 19))
    (call $save (i32.const 65536) (i32.const {4 * NODES}))))"""


def counting_guest(folder: Path) -> Path:
    """Write the module."""
    path = folder / "counting.wasm"
    path.write_bytes(wasmtime.wat2wasm(_TEXT))
    return path


def source_of(node: int) -> str:
    """The source that a node's events name."""
    return f"node-{node}"


def event(node: int, seq: int, hook: str | None = None) -> bytes:
    """An event of a node; of the hook that is counted, unless it is to be another."""
    found = {"hook": hook or HOOK, "seq": seq, "at": node, "src": source_of(node), "event": {}}
    return cbor2.dumps(found, canonical=True)


def counts_in(state: bytes) -> dict[int, int]:
    """What a state says: how many events of which node."""
    numbers = memoryview(state).cast("I")
    return {node: count for node, count in enumerate(numbers) if count}

"""Guests written in WAT, and one guest, the puppet, that does what the event's bytes tell it to."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from wasmtime import wat2wasm

from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.sandbox.airlock import abi

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BY_SYMBOL = {entry.symbol: entry for entry in abi.IMPORTS.values()}
HOOK = "on_webrtc_connected"
FALLIBLE = "on_start"

MEMORY = '(memory (export "memory") 8)'
REALLOC = """
  (global $top (mut i32) (i32.const 65536))
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (if (i32.gt_u (i32.add (global.get $top) (local.get 3)) (i32.const 524288))
      (then (global.set $top (i32.const 65536))))
    (local.set $at (global.get $top))
    (global.set $top (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 7)) (i32.const -8)))
    (local.get $at))
"""
"""Room from 64 KiB on, round and round."""

SCRATCH = 0x100
RESULT = 0x40


def signature(params: Iterable[str], results: Iterable[str]) -> str:
    """Spell a core function type."""
    return "".join(f" (param {core})" for core in params) + "".join(f" (result {core})" for core in results)


def imports(*symbols: str) -> str:
    """Import functions by their symbol (``log.write``), which is also their identifier."""
    entries = [BY_SYMBOL[symbol] for symbol in symbols]
    return "\n".join(
        f'(import "{e.module}" "{e.name}" (func ${e.symbol}{signature(e.params, e.results)}))'
        for e in entries
    )


def hook(name: str, body: str, locals_: str = "") -> str:
    """Export a hook of ours; its event is ``$p``, ``$n``."""
    row = HOOK_BY_NAME[name]
    result = " (result i32)" if row.fallible else ""
    return f'(func ${name} (export "{row.export}") (param $p i32) (param $n i32){result} {locals_}\n{body})'


def guest(  # every part of a module that a test may want to be different
    body: str = "",
    *,
    use: Iterable[str] = (),
    on: str = HOOK,
    extra: str = "",
    memory: str = MEMORY,
    realloc: str = REALLOC,
    name: str = "",
    locals_: str = "",
) -> bytes:
    """A module with one hook, whose code is ``body``, and what it takes to be let in."""
    parts = (imports(*use), memory, realloc, extra, hook(on, body, locals_))
    return wasm(f"(module {name} {' '.join(parts)})")


def wasm(text: str) -> bytes:
    """Compile WAT."""
    return bytes(wat2wasm(text))


# The puppet. An event is a script: operations of a u32 code and what it needs. It reads the script
# where the event is, above 64 KiB, and works on the memory below.

_POKE, _TELL, _TRAP, _TELL_LIST, _COPY, _CALL = 1, 2, 3, 4, 5, 16
_SYMBOLS = tuple(BY_SYMBOL)


def _puppet_call(index: int, symbol: str) -> str:
    entry = BY_SYMBOL[symbol]
    arguments = " ".join(
        f"({core}.load offset={4 + 8 * position} (local.get $p))"
        for position, core in enumerate(entry.params)
    )
    call = f"(call ${symbol} {arguments})"
    if entry.results == ("i32",):
        call = f"(i64.store (i32.const {RESULT}) (i64.extend_i32_u {call}))"
    elif entry.results == ("i64",):
        call = f"(i64.store (i32.const {RESULT}) {call})"
    size = 4 + 8 * len(entry.params)
    return f"""
      (if (i32.eq (local.get $op) (i32.const {_CALL + index})) (then
        {call}
        (local.set $p (i32.add (local.get $p) (i32.const {size}))) (br $next)))"""


def _interpreter(symbols: Iterable[str]) -> str:
    calls = "".join(_puppet_call(_SYMBOLS.index(symbol), symbol) for symbol in symbols)
    return f"""
  (func $play (param $p i32) (param $n i32)
    (local $end i32) (local $op i32)
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (loop $next
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return)))
      (local.set $op (i32.load (local.get $p)))
      (if (i32.eq (local.get $op) (i32.const {_POKE})) (then
        (memory.copy (i32.load offset=4 (local.get $p)) (i32.add (local.get $p) (i32.const 12))
                     (i32.load offset=8 (local.get $p)))
        (local.set $p (i32.add (i32.add (local.get $p) (i32.const 12)) (i32.load offset=8 (local.get $p))))
        (br $next)))
      (if (i32.eq (local.get $op) (i32.const {_TELL})) (then
        (call $report.send (i32.const 0) (i32.const 0) (i32.load offset=4 (local.get $p))
                           (i32.load offset=8 (local.get $p)))
        (local.set $p (i32.add (local.get $p) (i32.const 12))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const {_TELL_LIST})) (then
        (local.set $op (i32.load offset=4 (local.get $p)))
        (call $report.send (i32.const 0) (i32.const 0) (i32.load (local.get $op))
                           (i32.load offset=4 (local.get $op)))
        (local.set $p (i32.add (local.get $p) (i32.const 8))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const {_COPY})) (then
        (memory.copy (i32.load offset=4 (local.get $p)) (i32.load offset=8 (local.get $p))
                     (i32.load offset=12 (local.get $p)))
        (local.set $p (i32.add (local.get $p) (i32.const 16))) (br $next)))
      {calls})
    (unreachable))"""


def puppet(symbols: Iterable[str] = _SYMBOLS, extra: str = "") -> bytes:
    """A guest that plays the event as a script, with these imports at hand.

    A fallible hook returns what the script put at `SCRATCH`. The same script is played again by its
    `_initialize`, if ``extra`` has one that calls ``$play``.
    """
    return wasm(puppet_text(symbols, extra))


def puppet_text(
    symbols: Iterable[str], extra: str = "", *, memory: str = MEMORY, realloc: str = REALLOC
) -> str:
    """The text of the puppet."""
    used = dict.fromkeys((*symbols, "report.send"))
    return f"""(module $puppet {imports(*used)} {memory} {realloc} {_interpreter(used)} {extra}
        {hook(HOOK, "(call $play (local.get $p) (local.get $n))")}
        {hook(FALLIBLE, f"(call $play (local.get $p) (local.get $n)) (i32.const {SCRATCH})")})"""


def poke(at: int, data: bytes) -> bytes:
    """Script: write to the guest's memory."""
    return struct.pack("<III", _POKE, at, len(data)) + data


def tell(at: int, length: int) -> bytes:
    """Script: report what is in the guest's memory."""
    return struct.pack("<III", _TELL, at, length)


def tell_list(at: int) -> bytes:
    """Script: report what the pointer and the length at this place say."""
    return struct.pack("<II", _TELL_LIST, at)


def copy(to: int, source: int, length: int) -> bytes:
    """Script: copy within the guest's memory."""
    return struct.pack("<IIII", _COPY, to, source, length)


def call(symbol: str, *arguments: float) -> bytes:
    """Script: call an import. Its result, if any, goes to `RESULT`, extended to 64 bits."""
    entry = BY_SYMBOL[symbol]
    formats: Mapping[str, str] = {"i32": "<I4x", "i64": "<Q", "f64": "<d"}
    masks = {"i32": 0xFFFFFFFF, "i64": 0xFFFFFFFFFFFFFFFF}
    packed = [
        struct.pack(formats[core], value if core == "f64" else int(value) & masks[core])
        for core, value in zip(entry.params, arguments, strict=True)
    ]
    return struct.pack("<I", _CALL + _SYMBOLS.index(symbol)) + b"".join(packed)


def answer() -> bytes:
    """Script: report the last call's result."""
    return tell(RESULT, 8)


def keep(at: int) -> bytes:
    """Script: put the last call's result aside."""
    return copy(at, RESULT, 8)


def text(symbol: str, words: str | bytes, *before: float, after: tuple[float, ...] = ()) -> bytes:
    """Script: put words at `SCRATCH` and call an import that takes them as pointer and length."""
    data = words.encode() if isinstance(words, str) else words
    return poke(SCRATCH, data) + call(symbol, *before, SCRATCH, len(data), *after)


DIE = struct.pack("<I", _TRAP)
"""Script: trap (unreachable)."""

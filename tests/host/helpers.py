"""Guests in WAT, a sink that remembers, and events: what the tests of the host are made of."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import cbor2
from wasmtime import wat2wasm

from wasmhost import (
    ActrId,
    ActrType,
    HostConfig,
    ObserverConfig,
    ObserverDefaults,
    Realm,
    RuntimeContext,
)
from wasmhost.config.model import DEFAULT_GRANT, GRANTABLE_FIELDS
from wasmhost.contract.hooks import HOOK_BY_NAME, HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from wasmhost.config.model import Isolation
    from wasmhost.host.counters import ObserverSummary
    from wasmhost.sinks import ReportRecord

ISOLATION: Isolation = "thread"
"""Where the guests of `config` run; the fixture `isolation` sets it."""

NODE = ActrId(Realm(7), 1, ActrType("acme", "node", "1.0"))
PEER = ActrId(Realm(7), 2, ActrType("acme", "peer", "2.0"))
CTX = RuntimeContext(NODE, None, "request-1")
CONNECTED = "on_webrtc_connected"

ALL_HOOKS = tuple(hook.name for hook in HOOKS)

# Texts at 16, where a guest may point to; the event comes to 4096; a return area at 0.
_PRELUDE = """
(module
  {imports}
  (memory (export "memory") 4)
  (global $n (mut i32) (i32.const 0))
  (data (i32.const 16) "{text}")
  (data (i32.const 2048) "\\1b\\00\\00\\00\\00\\00\\00\\00\\00")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func $burn (param $left i64)
    (loop $again
      (local.set $left (i64.sub (local.get $left) (i64.const 1)))
      (br_if $again (i64.gt_s (local.get $left) (i64.const 0)))))
  (func $spin (loop $again (br $again)))
  ;; A CBOR head for 8 bytes is at 2048: put the number behind it, big-endian.
  (func $number (param $value i64) (local $at i32)
    (loop $again
      (i64.store8 (i32.sub (i32.const 2056) (local.get $at)) (local.get $value))
      (local.set $value (i64.shr_u (local.get $value) (i64.const 8)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $at) (i32.const 8)))))
  {extra}
  {hooks})
"""

_IMPORTS = {
    "log": ("log", "write", "i32 i32 i32", ""),
    "panic": ("panic", "report", "i32 i32", ""),
    "lost": ("delivery", "lost", "", "i64"),
    "sequence": ("delivery", "sequence", "", "i64"),
    "random": ("delivery", "random", "", "i64"),
    "load": ("state", "load", "i32", ""),
    "save": ("state", "save", "i32 i32", ""),
    "add": ("metrics", "counter-add", "i32 i32 i64", ""),
    "gauge": ("metrics", "gauge-set", "i32 i32 f64", ""),
    "report": ("report", "send", "i32 i32 i32 i32", ""),
}

SAY = "(call $log (i32.const 2) (i32.const 16) (i32.const {size}))"
REPORT_EVENT = "(call $report (i32.const 16) (i32.const 4) (local.get 0) (local.get 1))"
REPORT_LOST = (
    "(call $number (call $lost))(call $report (i32.const 16) (i32.const 4) (i32.const 2048) (i32.const 9))"
)
NOTHING = ""
SPIN = "(call $spin)"
TRAP = "unreachable"
OK = "(i32.const 0)"
"""What a fallible hook returns: memory is all zeros there, which is `ok`."""


def err(size: int) -> str:
    """Return the error that is the first ``size`` bytes of the text."""
    return (
        "(i32.store (i32.const 1024) (i32.const 1)) (i32.store (i32.const 1028) (i32.const 16))"
        f" (i32.store (i32.const 1032) (i32.const {size})) (i32.const 1024)"
    )


def guest(hooks: Mapping[str, str], *, text: str = "text", extra: str = "") -> bytes:
    """Compile a guest from the bodies of its hooks; a fallible one's must leave its result."""
    body = "".join(f"\n{_hook(name, body)}" for name, body in hooks.items())
    used = "\n  ".join(
        f'(import "wasmhost:observer/{interface}@0.1.0" "{name}" (func ${symbol} (param {params})'
        f"{f' (result {result})' if result else ''}))"
        for symbol, (interface, name, params, result) in _IMPORTS.items()
        if f"(call ${symbol}" in body + extra
    )
    return bytes(wat2wasm(_PRELUDE.format(imports=used, text=text, extra=extra, hooks=body)))


def _hook(name: str, body: str) -> str:
    hook = HOOK_BY_NAME[name]
    result = " (result i32)" if hook.fallible else ""
    return f'  (func (export "{hook.export}") (param i32 i32){result} {body})'


def quiet(*names: str) -> bytes:
    """Compile a guest whose hooks do nothing."""
    return guest({name: OK if HOOK_BY_NAME[name].fallible else NOTHING for name in names or (CONNECTED,)})


def recorder(*names: str) -> bytes:
    """Compile a guest that reports every event it is given, as it is: an event is CBOR."""
    return guest(
        {name: REPORT_EVENT + (OK if HOOK_BY_NAME[name].fallible else "") for name in names or ALL_HOOKS}
    )


_COUNT = (
    "(call $number (i64.extend_i32_u {}))"
    "(call $report (i32.const 16) (i32.const 4) (i32.const 2048) (i32.const 9))"
)
IN_MEMORY = guest(
    {CONNECTED: "(global.set $n (i32.add (global.get $n) (i32.const 1)))" + _COUNT.format("(global.get $n)")}
)
"""Reports the how-manieth event of its sandbox's life it is."""
_NEXT = """
  (call $load (i32.const 512))
  (if (i32.load8_u (i32.const 512)) (then (global.set $n (i32.load (i32.load (i32.const 516))))))
  (global.set $n (i32.add (global.get $n) (i32.const 1)))
  (i32.store (i32.const 520) (global.get $n))
  (call $save (i32.const 520) (i32.const 4))"""
IN_STATE = guest({CONNECTED: _NEXT + _COUNT.format("(global.get $n)")})
"""Reports the how-manieth event it is that is counted in its state."""
IN_STATE_TENFOLD = guest({CONNECTED: _NEXT + _COUNT.format("(i32.mul (global.get $n) (i32.const 10))")})


class MemorySink:
    """A sink that remembers; `Sink`."""

    def __init__(self, hold: asyncio.Event | None = None) -> None:
        self.records: list[ReportRecord] = []
        self.written = self.invalid = self.dropped = 0
        self.failed: str | None = None
        self.open = False
        self._hold = hold

    async def __aenter__(self) -> Self:
        self.open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open = False

    async def write(self, batch: Sequence[ReportRecord]) -> None:
        """Remember a batch, when it may."""
        if self._hold is not None:
            await self._hold.wait()
        self.records += batch
        self.written += len(batch)

    def bodies(self, observer: str) -> list[Any]:
        """Return what an observer reported, decoded."""
        return [cbor2.loads(record.body) for record in self.records if record.observer == observer]

    def seqs(self, observer: str) -> list[int]:
        """Return the numbers of the events that an observer reported of."""
        return [record.seq for record in self.records if record.observer == observer]


FAST = ObserverDefaults(
    backoff_ms=(0, 0), quarantine=None, mailbox=100_000, grant=DEFAULT_GRANT | GRANTABLE_FIELDS
)
"""No backoff, no quarantine, room for all, and events as they are: what most tests want."""


def config(
    folder: Path,
    modules: Mapping[str, bytes],
    defaults: ObserverDefaults = FAST,
    *,
    db: Path | None = None,
    drain_s: float = 20.0,
    special: Mapping[str, ObserverDefaults] | None = None,
) -> HostConfig:
    """Write modules to files and configure a host for them; ``special`` are single observers' settings."""
    observers: list[ObserverConfig] = []
    for name, module in modules.items():
        path = folder / f"{name}.wasm"
        path.write_bytes(module)
        observers.append((special or {}).get(name, defaults).observer(name, path))
    return HostConfig(
        tuple(observers), db=db, drain_s=drain_s, defaults=defaults, isolation=ISOLATION, shards=1
    )


def event(hook: str = CONNECTED, seq: int = 0, src: str | None = None, **more: object) -> bytes:
    """Encode a hook-event as it comes from outside."""
    body: dict[str, Any] = {"hook": hook, "seq": seq, "at": 1_000 + seq, "event": {}}
    if src is not None:
        body["src"] = src
    if hook in {CONNECTED, "on_webrtc_connecting", "on_webrtc_disconnected"}:
        body["event"] = {"peer": _plain(PEER)} | ({"relayed": False} if hook == CONNECTED else {})
    body["ctx"] = {"self-id": _plain(NODE), "request-id": "r"}
    body |= more
    return cbor2.dumps({key: value for key, value in body.items() if value is not None}, canonical=True)


def _plain(actr: ActrId) -> dict[str, Any]:
    kind = actr.type
    return {
        "realm": {"realm-id": actr.realm.realm_id},
        "serial-number": actr.serial_number,
        "type": {"manufacturer": kind.manufacturer, "name": kind.name, "version": kind.version},
    }


def accounted(summary: ObserverSummary) -> int:
    """Sum up what became of an observer's events."""
    return summary.delivered + summary.panics + summary.skipped + summary.dropped


def threads() -> set[str]:
    """Return the names of the host's threads that are alive."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("wasmhost-")}


def wait_until(done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait on this thread; fail where it takes too long."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.0005)


async def until(done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait on the event loop; fail where it takes too long."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.0005)


def is_sorted(numbers: Iterable[int]) -> bool:
    """Tell whether numbers go up."""
    listed = list(numbers)
    return listed == sorted(listed)

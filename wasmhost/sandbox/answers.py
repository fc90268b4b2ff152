"""What `airlock/back.wat` is to a core module, for a component: the answers to its imports, in Python.

A component cannot be given the airlock, as it keeps its memory to itself. So here its imports end, in
functions that do nothing but what back.wat does: they look at the box, or append to it, within its
bounds; they call nobody and refuse by counting. The box has the same layout and is read by the same code,
so that a guest has the same effects in either lane.
"""

from __future__ import annotations

import struct
from typing import Final

from wasmhost.sandbox.airlock import abi

_U64: Final = struct.Struct("<Q")
_F64: Final = struct.Struct("<d")
_MASK: Final = 2**64 - 1
_RECORD: Final = abi.RECORD.size


class Answers:
    """One sandbox's. ``box`` is its memory, of the airlock's layout; ``open``: a hook is running.

    Text and names come cut to what may be kept of them, with their true sizes beside them where more
    than that matters.
    """

    __slots__ = ("_random", "_random_ready", "box", "open")

    def __init__(self, box: memoryview) -> None:
        self.box = box
        self.open = False
        self._random = 0
        self._random_ready = False

    def begin(self) -> None:
        """A hook is about to run."""
        self._random_ready = False
        self.open = True

    # Capabilities: wit/capabilities.wit.

    def log_write(self, level: int, text: bytes) -> None:
        """`log.write`: ``level`` an index into the WIT's enum."""
        self._record(abi.LOG | level << 8, text[: abi.TEXT_BYTES], b"", abi.OUT_LOGS_DROPPED)

    def panic_report(self, text: bytes) -> None:
        """`panic.report`: the last one counts, so it has a place of its own that no flood can fill."""
        self._put(abi.OUT_PANIC_LENGTH, self.keep_text(abi.PANIC, text))

    def delivery_now(self) -> int:
        """`delivery.now`."""
        return self._u64(abi.IN_AT)

    def delivery_sequence(self) -> int:
        """`delivery.sequence`."""
        return self._u64(abi.IN_SEQ)

    def delivery_lost(self) -> int:
        """`delivery.lost`."""
        return self._u64(abi.IN_LOST)

    def delivery_random(self) -> int:
        """`delivery.random`: splitmix64, seeded as back.wat does it."""
        if not self._random_ready:
            self._random_ready = True
            self._random = _mix(self._u64(abi.IN_SEED) ^ _mix(self._u64(abi.IN_SEQ)))
        self._random = (self._random + 0x9E3779B97F4A7C15) & _MASK
        return _mix(self._random)

    def config_get(self, key: bytes) -> bytes | None:
        """`config.get`."""
        self.box[abi.KEPT_CONFIG_USED] = 1
        place, end = abi.CONFIG, abi.CONFIG + self._u32(abi.KEPT_CONFIG_LENGTH)
        while place < end:
            key_length, value_length = abi.CONFIG_ENTRY.unpack_from(self.box, place)
            start = place + abi.CONFIG_ENTRY.size
            value = start + key_length
            if key_length == len(key) and self.box[start:value] == key:
                return bytes(self.box[value : value + value_length])
            place = value + value_length
        return None

    def state_load(self) -> bytes | None:
        """`state.load`."""
        self.box[abi.KEPT_STATE_USED] = 1
        if not self._u32(abi.KEPT_STATE_PRESENT):
            return None
        return bytes(self.box[abi.STATE : abi.STATE + self._u32(abi.KEPT_STATE_LENGTH)])

    def state_save(self, blob: bytes, size: int) -> None:
        """`state.save`: a load sees it at once; the host takes it when the hook has returned."""
        if size > abi.AREA_BYTES:
            self._count(abi.OUT_STATE_REFUSED)
            return
        self.box[abi.STATE : abi.STATE + size] = blob
        self._put(abi.KEPT_STATE_LENGTH, size)
        self._put(abi.KEPT_STATE_PRESENT, 1)
        self._put(abi.OUT_SAVED, 1)

    def metrics_counter_add(self, name: bytes, by: int) -> None:
        """`metrics.counter-add`."""
        self._named(abi.COUNTER, name, _U64.pack(by))

    def metrics_gauge_set(self, name: bytes, value: float) -> None:
        """`metrics.gauge-set`."""
        self._named(abi.GAUGE, name, _F64.pack(value))

    def report_send(self, topic: bytes, body: bytes) -> None:
        """`report.send`: whole or not there."""
        self._named(abi.REPORT, topic, body)

    def keep_text(self, slot: int, text: bytes) -> int:
        """Copy text into a slot of the box, cut to it; gives what was kept."""
        kept = text[: abi.TEXT_BYTES]
        self.box[slot : slot + len(kept)] = kept
        return len(kept)

    def _named(self, kind: int, name: bytes, content: bytes) -> None:
        if len(name) > abi.NAME_BYTES:
            self._count(abi.OUT_DROPPED)
        else:
            self._record(kind, name, content, abi.OUT_DROPPED)

    def _record(self, kind: int, first: bytes, second: bytes, counter: int) -> None:
        start = self._u32(abi.OUT_LENGTH)
        end = start + _RECORD + len(first) + len(second)
        if end > abi.AREA_BYTES:
            self._count(counter)
            return
        self._put(abi.OUT_LENGTH, end)
        place = abi.OUTBOX + start
        abi.RECORD.pack_into(self.box, place, kind, len(first), len(second))
        self.box[place + _RECORD : abi.OUTBOX + end] = first + second

    def _count(self, counter: int) -> None:
        self._put(counter, self._u32(counter) + 1)

    def _put(self, place: int, number: int) -> None:
        abi.U32.pack_into(self.box, place, number)

    def _u32(self, place: int) -> int:
        number: int = abi.U32.unpack_from(self.box, place)[0]
        return number

    def _u64(self, place: int) -> int:
        number: int = _U64.unpack_from(self.box, place)[0]
        return number


def _mix(x: int) -> int:
    """The finaliser of splitmix64, as in back.wat."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _MASK
    return x ^ x >> 31

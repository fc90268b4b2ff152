"""What crosses the airlock: the layout of the box, and the core signature of every import.

The box is the airlock's own memory, and the only memory the host ever touches. The WAT files name
these offsets (``${IN_AT}``); `assemble` fills them in from here, so there is one table.
``docs/airlock.md`` shows it to people, and a test holds the two together.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from wasmhost.contract.hooks import interface_id

KIB: Final = 1024
BOX_PAGES: Final = 4
BOX_BYTES: Final = BOX_PAGES * 64 * KIB

# The header, host to airlock: written before each delivery by one `struct.pack_into`, whose padding
# clears the other half of the header. Were that left to the airlock, a guest stopped before the
# airlock's first instruction (no fuel, a deadline that is over) would leave the previous delivery's.
IN_HOOK: Final = 0  # u32: which of the guest's hooks to call, an index into Guest.hooks
IN_LENGTH: Final = 4  # u32: bytes of the event in the inbox
IN_AT: Final = 8  # u64: the event's time, Unix nanoseconds
IN_SEQ: Final = 16  # u64: the event's sequence number
IN_LOST: Final = 24  # u64: events lost since this observer's previous delivery
IN_SEED: Final = 32  # u64: what the random stream starts from, together with IN_SEQ
HEADER_IN: Final = struct.Struct("<IIQQQQ24x40x")

# The header, airlock to host: read when a delivery ended, however it ended.
OUT_PHASE: Final = 64  # u32: where the delivery is, a Phase
OUT_LENGTH: Final = 68  # u32: bytes of records in the outbox
OUT_LOGS_DROPPED: Final = 72  # u32: log lines and output that did not fit
OUT_DROPPED: Final = 76  # u32: reports and metrics that did not fit
OUT_SAVED: Final = 80  # u32: 1 when the state area holds a new blob
OUT_STATE_REFUSED: Final = 84  # u32: blobs over the limit
OUT_EXIT: Final = 88  # u32: the code given to proc_exit
OUT_PANIC_LENGTH: Final = 92  # u32: bytes of the last panic.report
OUT_ERROR: Final = 96  # u32: 1 when the hook returned an error
OUT_ERROR_LENGTH: Final = 100  # u32: bytes of that error
HEADER_OUT: Final = struct.Struct("<IIIIIIIIII")

# What outlives a delivery: written once by the host, the state also by the airlock.
KEPT_STATE_PRESENT: Final = 128  # u32: 1 when there is a blob
KEPT_STATE_LENGTH: Final = 132  # u32: its bytes
KEPT_CONFIG_LENGTH: Final = 136  # u32: bytes of the config area in use
KEPT_CONFIG_USED: Final = 140  # u8: 1 once config.get was called; of what leaves a record the host knows
KEPT_STATE_USED: Final = 141  # u8: 1 once state.load was called

CONFIG: Final = 16 * KIB
CONFIG_BYTES: Final = 16 * KIB
PANIC: Final = 32 * KIB
ERROR: Final = 36 * KIB
INBOX: Final = 64 * KIB
OUTBOX: Final = 128 * KIB
STATE: Final = 192 * KIB
AREA_BYTES: Final = 64 * KIB
TEXT_BYTES: Final = 4 * KIB  # a log line, a panic message, an error: cut to this
NAME_BYTES: Final = 256  # a metric's name, a report's topic: dropped over this

U32: Final = struct.Struct("<I")
CONFIG_ENTRY: Final = struct.Struct("<II")  # key bytes, value bytes; key and value follow

# A record in the outbox: kind, first and second length; the bytes follow, unpadded.
RECORD: Final = struct.Struct("<III")
LOG: Final = 1  # the kind's second byte is the level
OUTPUT: Final = 2  # the kind's second byte is the file descriptor
REPORT: Final = 3
COUNTER: Final = 4
GAUGE: Final = 5


class Phase:
    """Where a delivery is, so that a trap can be told from its place. Values of OUT_PHASE."""

    IDLE: Final = 0
    INIT: Final = 1  # in _initialize
    LOWER: Final = 2  # in cabi_realloc, to bring the event in
    HOOK: Final = 3  # in the hook itself
    LIFT: Final = 4  # reading the hook's result
    POST: Final = 5  # in the hook's post-return
    GRANT: Final = 6  # in cabi_realloc, to bring an import's answer in
    EXIT: Final = 7  # in proc_exit


@dataclass(frozen=True, slots=True)
class Import:
    """A function a guest may import: from where, its core type, and what it must be granted."""

    module: str
    name: str
    params: tuple[str, ...]
    results: tuple[str, ...]
    capability: str

    @property
    def symbol(self) -> str:
        """Its name inside the airlock: ``log.write``, ``wasi.fd_write``."""
        return f"{self.capability}.{self.name}"


def _ours(capability: str, name: str, params: str, results: str = "") -> Import:
    return Import(interface_id(capability), name, tuple(params.split()), tuple(results.split()), capability)


CAPABILITY_IMPORTS: Final = (
    _ours("log", "write", "i32 i32 i32"),
    _ours("panic", "report", "i32 i32"),
    _ours("delivery", "now", "", "i64"),
    _ours("delivery", "sequence", "", "i64"),
    _ours("delivery", "lost", "", "i64"),
    _ours("delivery", "random", "", "i64"),
    _ours("config", "get", "i32 i32 i32"),
    _ours("state", "load", "i32"),
    _ours("state", "save", "i32 i32"),
    _ours("metrics", "counter-add", "i32 i32 i64"),
    _ours("metrics", "gauge-set", "i32 i32 f64"),
    _ours("report", "send", "i32 i32 i32 i32"),
)

WASI_MODULE: Final = "wasi_snapshot_preview1"
WASI: Final = "wasi"

# WASI preview 1, whole: name, core parameters. All return an errno but proc_exit.
_WASI_PARAMS: Final = {
    "args_get": "i32 i32",
    "args_sizes_get": "i32 i32",
    "clock_res_get": "i32 i32",
    "clock_time_get": "i32 i64 i32",
    "environ_get": "i32 i32",
    "environ_sizes_get": "i32 i32",
    "fd_advise": "i32 i64 i64 i32",
    "fd_allocate": "i32 i64 i64",
    "fd_close": "i32",
    "fd_datasync": "i32",
    "fd_fdstat_get": "i32 i32",
    "fd_fdstat_set_flags": "i32 i32",
    "fd_fdstat_set_rights": "i32 i64 i64",
    "fd_filestat_get": "i32 i32",
    "fd_filestat_set_size": "i32 i64",
    "fd_filestat_set_times": "i32 i64 i64 i32",
    "fd_pread": "i32 i32 i32 i64 i32",
    "fd_prestat_dir_name": "i32 i32 i32",
    "fd_prestat_get": "i32 i32",
    "fd_pwrite": "i32 i32 i32 i64 i32",
    "fd_read": "i32 i32 i32 i32",
    "fd_readdir": "i32 i32 i32 i64 i32",
    "fd_renumber": "i32 i32",
    "fd_seek": "i32 i64 i32 i32",
    "fd_sync": "i32",
    "fd_tell": "i32 i32",
    "fd_write": "i32 i32 i32 i32",
    "path_create_directory": "i32 i32 i32",
    "path_filestat_get": "i32 i32 i32 i32 i32",
    "path_filestat_set_times": "i32 i32 i32 i32 i64 i64 i32",
    "path_link": "i32 i32 i32 i32 i32 i32 i32",
    "path_open": "i32 i32 i32 i32 i32 i64 i64 i32 i32",
    "path_readlink": "i32 i32 i32 i32 i32 i32",
    "path_remove_directory": "i32 i32 i32",
    "path_rename": "i32 i32 i32 i32 i32 i32",
    "path_symlink": "i32 i32 i32 i32 i32",
    "path_unlink_file": "i32 i32 i32",
    "poll_oneoff": "i32 i32 i32 i32",
    "proc_exit": "i32",
    "proc_raise": "i32",
    "random_get": "i32 i32",
    "sched_yield": "",
    "sock_accept": "i32 i32 i32",
    "sock_recv": "i32 i32 i32 i32 i32 i32",
    "sock_send": "i32 i32 i32 i32 i32",
    "sock_shutdown": "i32 i32",
}

WASI_IMPORTS: Final = tuple(
    Import(WASI_MODULE, name, tuple(params.split()), () if name == "proc_exit" else ("i32",), WASI)
    for name, params in _WASI_PARAMS.items()
)

IMPORTS: Final[dict[tuple[str, str], Import]] = {
    (entry.module, entry.name): entry for entry in (*CAPABILITY_IMPORTS, *WASI_IMPORTS)
}

ALWAYS_GRANTED: Final = frozenset({"log", "panic", "delivery", WASI})

# WASI functions wasi.wat answers with more than an errno; the rest are generated.
WASI_ANSWERED: Final = frozenset(
    {
        "args_get",
        "args_sizes_get",
        "clock_res_get",
        "clock_time_get",
        "environ_get",
        "environ_sizes_get",
        "fd_fdstat_get",
        "fd_write",
        "poll_oneoff",
        "proc_exit",
        "random_get",
        "sched_yield",
    }
)
ERRNO_BADF: Final = 8
ERRNO_INVAL: Final = 28
ERRNO_NOSYS: Final = 52

# What a hook's core function looks like (canonical ABI: the CBOR list as pointer and length).
HOOK_PARAMS: Final = ("i32", "i32")
REALLOC_PARAMS: Final = ("i32", "i32", "i32", "i32")
INIT_AT: Final = 1_000_000_000  # the clock during initialisation: a constant, and never 0

"""What is remembered of one panic, and when two panics are the same one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

TOP_FRAMES = 4
"""How many frames, from where the trap happened outwards, tell one panic from another."""

_SIGNATURE_DIGITS = 16

# "  3:  0x1a2b - module!function" (wasmtime's text), "function@0x1a2b", "function+0x12", and the
# hash rustc appends to a symbol: all of these change with every build or from trap to trap.
_FRAME_INDEX = re.compile(r"^\s*\d+:\s*")
_FRAME_OFFSET = re.compile(r"\s*[@+]?\s*\(?\b0x[0-9a-fA-F]+\b\)?(?:\s+-\s+)?")
# What SDKs put behind a message: `(lib.rs:12)`, `(app.py:3)`, `(assembly/index.ts:7:3)`.
_PLACE = re.compile(r" \(([\w./@-]+:\d+(?::\d+)?)\)$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}\b")


class PanicKind(StrEnum):
    """Why a guest was stopped, in words that don't change with the engine's version."""

    UNREACHABLE = "unreachable"
    """The guest's own abort: ``panic!``, ``abort()``, a failed assertion."""
    OUT_OF_FUEL = "out_of_fuel"
    """More instructions than the delivery's budget."""
    DEADLINE = "deadline"
    """More wall-clock time than the delivery's budget."""
    OUT_OF_BOUNDS = "out_of_bounds"
    """Memory or table access outside what there is, or an indirect call that fits nothing."""
    STACK_OVERFLOW = "stack_overflow"
    """Too deep a recursion."""
    ARITHMETIC = "arithmetic"
    """Division by zero, integer overflow, a float that no integer can hold."""
    ALLOCATOR = "allocator"
    """``cabi_realloc`` gave an address that can't be used, or none."""
    EXIT = "exit"
    """The guest called ``proc_exit``."""
    OTHER = "other"
    """Anything else the engine may say."""


@dataclass(frozen=True, slots=True)
class Panic:
    """One trap of one guest. All text in it is already bounded and escaped, but for ``src``.

    ``hook`` is a hook's name, or ``_initialize`` or ``start`` for code that runs before any event.
    ``src`` and ``seq`` name the event, ``at`` is its time and ``event`` its deterministic CBOR
    bytes; before any event they are "", 0, 0 and b"". ``backtrace`` has the innermost frame first.
    ``fuel_budget`` is what the delivery was given, and charged. ``lost`` is how many events the guest
    was told it had lost. ``wasmtime`` is the engine's version. ``at`` and
    ``happened_at`` (the host's clock) are Unix times in nanoseconds.
    """

    observer: str
    module_sha256: str
    hook: str
    src: str
    seq: int
    at: int
    kind: PanicKind
    message: str
    backtrace: tuple[str, ...]
    fuel_budget: int
    event: bytes
    lost: int
    wasmtime: str
    happened_at: int


def frame_function(frame: str) -> str:
    """Return the function a backtrace line names, without what changes from build to build."""
    without_index = _FRAME_INDEX.sub("", frame)
    return _RUST_HASH.sub("", _FRAME_OFFSET.sub("", without_index)).strip()


def signature(panic: Panic) -> str:
    """Return 16 hex digits that are equal for panics an operator would call the same.

    They cover the observer, the hook, the kind, the functions of the top four frames, without code
    offsets, and the place in the source that an SDK puts behind the message: of a guest in Python or
    JavaScript the top frames are always the interpreter's. The message itself is left out because
    guests put values into it, and the module's hash because a rebuilt guest that still fails in the
    same place is the same problem.
    """
    frames = [frame_function(frame) for frame in panic.backtrace[:TOP_FRAMES]]
    place = _PLACE.search(panic.message)
    return _digest(panic.observer, panic.hook, panic.kind, *frames, *(place.groups() if place else ()))


def other_signature(observer: str) -> str:
    """Return the signature that holds an observer's panics beyond the cap on distinct ones."""
    return f"other-{_digest(observer)}"


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.hexdigest()[:_SIGNATURE_DIGITS]

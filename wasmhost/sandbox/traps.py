"""From the engine's words about a trap to ours: a kind, a message, a backtrace fit to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmtime import TrapCode

from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.airlock.assemble import MODULE_NAME
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmhost.sandbox.native.trap import Frame, RawTrap

_OURS: Final = "airlock:"
_NAME_LIMIT: Final = 256
_MESSAGE_LIMIT: Final = 4096

_KINDS: Final[dict[int, PanicKind]] = {
    TrapCode.UNREACHABLE.value: PanicKind.UNREACHABLE,
    TrapCode.OUT_OF_FUEL.value: PanicKind.OUT_OF_FUEL,
    TrapCode.INTERRUPT.value: PanicKind.DEADLINE,
    TrapCode.MEMORY_OUT_OF_BOUNDS.value: PanicKind.OUT_OF_BOUNDS,
    TrapCode.TABLE_OUT_OF_BOUNDS.value: PanicKind.OUT_OF_BOUNDS,
    TrapCode.INDIRECT_CALL_TO_NULL.value: PanicKind.OUT_OF_BOUNDS,
    TrapCode.BAD_SIGNATURE.value: PanicKind.OUT_OF_BOUNDS,
    TrapCode.STACK_OVERFLOW.value: PanicKind.STACK_OVERFLOW,
    TrapCode.INTEGER_OVERFLOW.value: PanicKind.ARITHMETIC,
    TrapCode.INTEGER_DIVISION_BY_ZERO.value: PanicKind.ARITHMETIC,
    TrapCode.BAD_CONVERSION_TO_INTEGER.value: PanicKind.ARITHMETIC,
}

_NAMES: Final = {code.value: code.name.lower().replace("_", " ") for code in TrapCode}

_WORDS: Final[dict[PanicKind, str]] = {
    PanicKind.UNREACHABLE: "the guest gave up (unreachable) without saying why",
    PanicKind.OUT_OF_FUEL: "the guest used up its fuel",
    PanicKind.DEADLINE: "the guest ran past its deadline",
    PanicKind.OUT_OF_BOUNDS: "the guest reached outside its memory or its table",
    PanicKind.STACK_OVERFLOW: "the guest's stack overflowed",
    PanicKind.ARITHMETIC: "the guest divided by zero or overflowed an integer",
    PanicKind.ALLOCATOR: "the guest's cabi_realloc gave no usable memory",
    PanicKind.EXIT: "the guest called proc_exit",
    PanicKind.OTHER: "the guest trapped",
}

# What the airlock's own functions stop a guest for, by the function's name in back.wat.
_BREACHES: Final[dict[str, str]] = {
    "guard_open": "the guest called an import where it may not, from cabi_realloc or a post-return",
    "guard_range": "the guest gave a pointer and a length that are not in its memory",
    "guard_aligned": "the guest gave a pointer that is not aligned",
    "log.write": "the guest called log.write with a level that there is not",
    "lift_result": "the guest's hook returned no result: its first byte is neither 0 nor 1",
}
_TOO_EARLY: Final = (
    "the guest called an import before it was instantiated: from a start function, not _initialize"
)

_ALLOCATING: Final = frozenset({abi.Phase.LOWER, abi.Phase.GRANT})
_ALLOCATOR_KINDS: Final = frozenset({PanicKind.UNREACHABLE, PanicKind.OUT_OF_BOUNDS, PanicKind.OTHER})


@dataclass(frozen=True, slots=True)
class TrapReport:
    """A trap as people and the panic log get it: text bounded, escaped, innermost frame first."""

    kind: PanicKind
    message: str
    backtrace: tuple[str, ...]


def report_trap(raw: RawTrap, *, phase: int, said: str, exit_code: int) -> TrapReport:
    """Word a trap.

    ``phase`` is where the delivery was (`abi.Phase`), ``said`` the guest's own last words or "",
    ``exit_code`` what it gave to proc_exit, where it did.
    """
    kind = _kind(raw, phase)
    if said:
        message = said
    elif kind is PanicKind.EXIT:
        message = f"{_WORDS[kind]} with code {exit_code}"
    elif kind is PanicKind.ALLOCATOR:
        message = _WORDS[kind]
    else:
        message = _breach(raw) or (_other_words(raw) if kind is PanicKind.OTHER else _WORDS[kind])
    return TrapReport(kind, escape_untrusted(message, _MESSAGE_LIMIT), tuple(map(_frame, raw.frames)))


def _kind(raw: RawTrap, phase: int) -> PanicKind:
    if phase == abi.Phase.EXIT:
        return PanicKind.EXIT
    kind = PanicKind.OTHER if raw.code is None else _KINDS.get(raw.code, PanicKind.OTHER)
    # What fails while the guest allocates for us is its allocator's doing, unless it ran out of
    # something first.
    if phase in _ALLOCATING and kind in _ALLOCATOR_KINDS:
        return PanicKind.ALLOCATOR
    # A guest's own abort is in its own code; in the airlock's it broke a rule.
    if kind is PanicKind.UNREACHABLE and _in_airlock(raw):
        return PanicKind.OTHER
    return kind


def _in_airlock(raw: RawTrap) -> bool:
    return bool(raw.frames) and raw.frames[0].module == MODULE_NAME


def _breach(raw: RawTrap) -> str | None:
    """The rule of the airlock's that the guest broke, where it was that."""
    if not _in_airlock(raw):
        return None
    if raw.code == TrapCode.INDIRECT_CALL_TO_NULL.value:
        return _TOO_EARLY
    return _BREACHES.get(raw.frames[0].function or "")


def _other_words(raw: RawTrap) -> str:
    if raw.code is None:
        return raw.message or _WORDS[PanicKind.OTHER]
    # Looked up and not called: a code that this wasmtime-py has no name for must not raise here.
    words = _NAMES.get(raw.code, f"trap code {raw.code}")
    return f"{_WORDS[PanicKind.OTHER]}: {words}"


def _frame(frame: Frame) -> str:
    """``inner +0x1a`` for the guest's code, ``airlock: log.write`` for ours, which has no offsets.

    A guest may name a function "airlock: log.write" too, but not what stands in front of it.
    """
    name = escape_untrusted(frame.function, _NAME_LIMIT) if frame.function else f"func[{frame.index}]"
    if frame.module == MODULE_NAME:
        return f"{_OURS} {name}"
    whose = "guest: " if name.startswith(_OURS) else ""
    return f"{whose}{name}" if frame.offset is None else f"{whose}{name} +{frame.offset:#x}"

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

_NAME_LIMIT: Final = 256
_MESSAGE_LIMIT: Final = 4096

_KINDS: Final[dict[int, PanicKind]] = {
    TrapCode.UNREACHABLE.value: PanicKind.UNREACHABLE,
    TrapCode.OUT_OF_FUEL.value: PanicKind.OUT_OF_FUEL,
    TrapCode.INTERRUPT.value: PanicKind.DEADLINE,
    TrapCode.MEMORY_OUT_OF_BOUNDS.value: PanicKind.OUT_OF_BOUNDS,
    TrapCode.TABLE_OUT_OF_BOUNDS.value: PanicKind.OUT_OF_BOUNDS,
    TrapCode.STACK_OVERFLOW.value: PanicKind.STACK_OVERFLOW,
    TrapCode.INTEGER_OVERFLOW.value: PanicKind.ARITHMETIC,
    TrapCode.INTEGER_DIVISION_BY_ZERO.value: PanicKind.ARITHMETIC,
    TrapCode.BAD_CONVERSION_TO_INTEGER.value: PanicKind.ARITHMETIC,
}

_WORDS: Final[dict[PanicKind, str]] = {
    PanicKind.UNREACHABLE: "the guest gave up (unreachable) without saying why",
    PanicKind.OUT_OF_FUEL: "the guest used up its fuel",
    PanicKind.DEADLINE: "the guest ran past its deadline",
    PanicKind.OUT_OF_BOUNDS: "the guest reached outside its memory or table",
    PanicKind.STACK_OVERFLOW: "the guest's stack overflowed",
    PanicKind.ARITHMETIC: "the guest divided by zero or overflowed an integer",
    PanicKind.ALLOCATOR: "the guest's cabi_realloc gave no usable memory",
    PanicKind.EXIT: "the guest called proc_exit",
    PanicKind.OTHER: "the guest trapped",
}

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
    elif kind is PanicKind.OTHER:
        message = _other_words(raw)
    else:
        message = _WORDS[kind]
    return TrapReport(kind, escape_untrusted(message, _MESSAGE_LIMIT), tuple(map(_frame, raw.frames)))


def _kind(raw: RawTrap, phase: int) -> PanicKind:
    if phase == abi.Phase.EXIT:
        return PanicKind.EXIT
    kind = PanicKind.OTHER if raw.code is None else _KINDS.get(raw.code, PanicKind.OTHER)
    # What fails while the guest allocates for us is its allocator's doing, unless it ran out of
    # something first.
    if phase in _ALLOCATING and kind in _ALLOCATOR_KINDS:
        return PanicKind.ALLOCATOR
    return kind


def _other_words(raw: RawTrap) -> str:
    if raw.code is None:
        return raw.message or _WORDS[PanicKind.OTHER]
    words = TrapCode(raw.code).name.lower().replace("_", " ")
    return f"{_WORDS[PanicKind.OTHER]}: {words}"


def _frame(frame: Frame) -> str:
    """``inner +0x1a`` for the guest's code, ``airlock: log.write`` for ours, which has no offsets."""
    name = escape_untrusted(frame.function, _NAME_LIMIT) if frame.function else f"func[{frame.index}]"
    return f"airlock: {name}" if frame.module == MODULE_NAME else f"{name} +{frame.offset:#x}"

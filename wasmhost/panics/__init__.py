"""The panic log: what is remembered of a trap, and where it is kept."""

from wasmhost.panics.record import Panic, PanicKind, signature
from wasmhost.panics.store import PanicLog, PanicRow, read_panic, read_panics

__all__ = ["Panic", "PanicKind", "PanicLog", "PanicRow", "read_panic", "read_panics", "signature"]

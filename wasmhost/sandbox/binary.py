"""What a core module imports and exports, and of which types, read from the binary itself.

The engine's C API tells it too, but not safely: asked for the kind of a ``v128``, it aborts the
process (``support for v128 is not implemented``), and any guest may have one in its types. So names
and kinds could come from there, signatures cannot.

Most modules that are read here the engine has compiled, so they are valid; those in a component it may not
have seen yet. What this reader does not expect (a proposal it has not heard of) is an `Unreadable`, never a
wrong answer: whoever asks compares the names with the engine's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from wasmhost.sandbox.sections import read_u32

Signature = tuple[tuple[str, ...], tuple[str, ...]]
"""Core parameter and result types of a function."""
Room = tuple[int, int | None]
"""How much there is to begin with, and at most; None for no limit of its own."""
Kind = Literal["func", "table", "memory", "global", "tag"]

_KINDS: Final[tuple[Kind, ...]] = ("func", "table", "memory", "global", "tag")
_TYPES, _IMPORTS, _FUNCTIONS, _TABLES, _MEMORIES, _EXPORTS = 1, 2, 3, 4, 5, 7
_FUNCTION_FORM: Final = 0x60
_VALUE_TYPES: Final = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
}
_NULLABLE_REF, _REF = 0x63, 0x64
_HAS_MAX, _HAS_PAGE_SIZE = 0x01, 0x08
_MOST: Final = 1_000_000  # the engine's own bound, for those that it has not seen yet


class Unreadable(ValueError):
    """The binary has something in a place where this reader knows nothing of the kind."""


@dataclass(frozen=True, slots=True)
class External:
    """One import or export; ``signature`` where it is a function."""

    kind: Kind
    signature: Signature | None


@dataclass(slots=True)
class Shape:
    """What a module shows and asks for.

    Its imports in order, by module and name; its exports by name; and of each table and memory, imported
    ones first, how much it starts with (elements, pages) and may grow to.
    """

    imports: list[tuple[str, str, External]] = field(default_factory=list)
    exports: dict[str, External] = field(default_factory=dict)
    tables: list[Room] = field(default_factory=list)
    memories: list[Room] = field(default_factory=list)


def read_shape(wasm: bytes) -> Shape:
    """Read the sections that say what a module shows, and skip the rest.

    :raises Unreadable: where it is not as expected.
    """
    reader = _ShapeReader(wasm)
    try:
        reader.read()
    except IndexError:
        raise Unreadable("it ends in the middle of something") from None
    except Unreadable:
        raise
    except ValueError as error:  # a number, or a name that is no text
        raise Unreadable(str(error)) from None
    return reader.shape


class _Reader:
    """A place in the binary, and how to read on from there."""

    def __init__(self, wasm: bytes, at: int) -> None:
        self._wasm = wasm
        self.at = at

    def byte(self) -> int:
        self.at += 1
        return self._wasm[self.at - 1]

    def number(self) -> int:
        """An unsigned number, of up to 64 bits where a proposal has such sizes."""
        value, self.at = read_u32(self._wasm, self.at, 64)
        return value

    def name(self) -> str:
        length = self.number()
        start, self.at = self.at, self.at + length
        return self._wasm[start : self.at].decode()

    def value_type(self) -> str:
        code = self.byte()
        prefix = ""
        if code in {_NULLABLE_REF, _REF}:
            prefix, code = "ref ", self.byte()
        if code not in _VALUE_TYPES:
            raise Unreadable(f"there is no value type {code:#x}")
        return prefix + _VALUE_TYPES[code]

    def limits(self) -> Room:
        flags = self.byte()
        least = self.number()
        most = self.number() if flags & _HAS_MAX else None
        if flags & _HAS_PAGE_SIZE:
            self.number()
        return least, most


class _ShapeReader(_Reader):
    """Goes through the sections; they come in a fixed order, types before what is of them."""

    def __init__(self, wasm: bytes) -> None:
        super().__init__(wasm, at=8)
        self.shape = Shape()
        self._types: list[Signature] = []
        self._functions: list[int] = []  # the type of each function, imported ones first

    def read(self) -> None:
        readers = {
            _TYPES: self._type,
            _IMPORTS: self._import,
            _FUNCTIONS: self._function,
            _TABLES: self._table,
            _MEMORIES: self._memory,
            _EXPORTS: self._export,
        }
        while self.at < len(self._wasm):
            read_one = readers.get(self.byte())
            size = self.number()
            end = self.at + size
            if read_one is not None:
                for _ in range(self._count()):
                    read_one()
                if self.at != end:
                    raise Unreadable("a section is not as long as it says")
            self.at = end

    def _count(self) -> int:
        count = self.number()
        if count > _MOST:
            raise Unreadable(f"a section has {count:,} entries, more than {_MOST:,}")
        return count

    def _type(self) -> None:
        if self.byte() != _FUNCTION_FORM:
            raise Unreadable("a type is not a function's")
        params = tuple(self.value_type() for _ in range(self.number()))
        self._types.append((params, tuple(self.value_type() for _ in range(self.number()))))

    def _import(self) -> None:
        module, name = self.name(), self.name()
        kind = self._kind()
        signature = None
        match kind:
            case "func":
                self._functions.append(self.number())
                signature = self._types[self._functions[-1]]
            case "table":
                self._table()
            case "memory":
                self._memory()
            case "global":
                self.value_type()
                self.byte()
            case "tag":
                self.byte()
                self.number()
        self.shape.imports.append((module, name, External(kind, signature)))

    def _function(self) -> None:
        self._functions.append(self.number())

    def _table(self) -> None:
        self.value_type()
        self.shape.tables.append(self.limits())

    def _memory(self) -> None:
        self.shape.memories.append(self.limits())

    def _export(self) -> None:
        name, kind, index = self.name(), self._kind(), self.number()
        signature = self._types[self._functions[index]] if kind == "func" else None
        self.shape.exports[name] = External(kind, signature)

    def _kind(self) -> Kind:
        code = self.byte()
        if code >= len(_KINDS):
            raise Unreadable(f"there is no kind {code:#x} of import or export")
        return _KINDS[code]

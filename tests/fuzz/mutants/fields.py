"""Where in a core module's sections what stands: counts, indexes, types, flags, names, opcodes, numbers.

A mutation that knows what it changes gets further than one that flips a bit: an index one too high passes
the parser and falls at the validator, another constant passes both, and runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tests.fuzz.mutants.instructions import immediates
from wasmhost.sandbox.sections import read_u32

if TYPE_CHECKING:
    from collections.abc import Callable

Role = Literal["count", "size", "index", "type", "kind", "flags", "name", "opcode", "number", "bytes"]

_TYPES, _IMPORTS, _FUNCTIONS, _TABLES, _MEMORIES, _GLOBALS = 1, 2, 3, 4, 5, 6
_EXPORTS, _START, _ELEMENTS, _CODE, _DATA, _DATA_COUNT = 7, 8, 9, 10, 11, 12
_END: Final = 0x0B
_BLOCKS: Final = frozenset({0x02, 0x03, 0x04})
NOWHERE: Final = -1


class Field(NamedTuple):
    """One thing in a section's body: from where, how many bytes, and what it is.

    ``within`` is where the size of the function's code stands that it is in, or `NOWHERE`.
    """

    at: int
    length: int
    role: Role
    within: int


def fields_of(kind: int, body: bytes) -> list[Field]:
    """Everything in a section that this knows, up to where it does not know on."""
    walk = _Walk(body)
    read = walk.readers().get(kind)
    try:
        if read is not None:
            read()
    except (IndexError, ValueError):
        pass  # a mutant of a mutant may be broken here
    return walk.found


class _Walk:
    """Goes through one section's body, and notes what it passes."""

    def __init__(self, body: bytes) -> None:
        self.found: list[Field] = []
        self._body = body
        self._at = 0
        self._within = NOWHERE

    def readers(self) -> dict[int, Callable[[], None]]:
        """How each section is read."""
        return {
            _TYPES: lambda: self._vector(self._type),
            _IMPORTS: lambda: self._vector(self._import),
            _FUNCTIONS: lambda: self._vector(self._index),
            _TABLES: lambda: self._vector(self._table),
            _MEMORIES: lambda: self._vector(self._limits),
            _GLOBALS: lambda: self._vector(self._global),
            _EXPORTS: lambda: self._vector(self._export),
            _START: self._index,
            _ELEMENTS: lambda: self._vector(self._element),
            _CODE: lambda: self._vector(self._function),
            _DATA: lambda: self._vector(self._segment),
            _DATA_COUNT: self._data_count,
        }

    def _note(self, length: int, role: Role) -> None:
        if self._at + length > len(self._body):
            raise IndexError
        if length:
            self.found.append(Field(self._at, length, role, self._within))
        self._at += length

    def _note_number(self, role: Role) -> int:
        number, behind = read_u32(self._body, self._at)
        self._note(behind - self._at, role)
        return number

    def _vector(self, read: Callable[[], None]) -> None:
        for _ in range(self._note_number("count")):
            read()

    def _data_count(self) -> None:
        self._note_number("count")

    def _index(self) -> None:
        self._note_number("index")

    def _value_type(self) -> None:
        self._note(1, "type")

    def _type(self) -> None:
        self._note(1, "type")
        self._vector(self._value_type)
        self._vector(self._value_type)

    def _name(self) -> None:
        self._note(self._note_number("size"), "name")

    def _limits(self) -> None:
        has_most = self._body[self._at] & 1
        self._note(1, "flags")
        self._note_number("number")
        if has_most:
            self._note_number("number")

    def _table(self) -> None:
        self._value_type()
        self._limits()

    def _global_type(self) -> None:
        self._value_type()
        self._note(1, "flags")

    def _global(self) -> None:
        self._global_type()
        self._expression()

    def _import(self) -> None:
        self._name()
        self._name()
        kind = self._body[self._at]
        self._note(1, "kind")
        (self._index, self._table, self._limits, self._global_type)[kind]()

    def _export(self) -> None:
        self._name()
        self._note(1, "kind")
        self._index()

    def _element(self) -> None:
        flags = self._note_number("flags")
        if flags & 1 == 0:
            if flags & 2:
                self._index()
            self._expression()
        if flags & 3:
            self._note(1, "type" if flags & 4 else "kind")
        self._vector(self._expression if flags & 4 else self._index)

    def _segment(self) -> None:
        flags = self._note_number("flags")
        if flags == 2:
            self._index()
        if flags != 1:
            self._expression()
        self._note(self._note_number("size"), "bytes")

    def _function(self) -> None:
        start = self._at
        size = self._note_number("size")
        end, self._within = self._at + size, start
        self._vector(self._locals)
        while self._at < end:
            self._instruction()
        self._within = NOWHERE

    def _locals(self) -> None:
        self._note_number("count")
        self._value_type()

    def _expression(self) -> None:
        depth = 1
        while depth:
            opcode = self._instruction()
            depth += (opcode in _BLOCKS) - (opcode == _END)

    def _instruction(self) -> int:
        opcode = self._body[self._at]
        self._note(1, "opcode")
        for role, length in immediates(opcode, self._body, self._at):
            self._note(length, role)
        return opcode

"""Bodies of frames: numbers, texts and bytes one after the other, without names.

Both ends are of one version and on one machine, so the order is the schema. The reader trusts nothing.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Final

from wasmhost.shards.framing import Garbled
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence

_U8: Final = struct.Struct("<B")
_U16: Final = struct.Struct("<H")
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")
_F64: Final = struct.Struct("<d")


class Packer:
    """Writes values one after the other."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = bytearray()

    def u8(self, value: int) -> None:
        """A byte."""
        self.data += _U8.pack(value)

    def u16(self, value: int) -> None:
        """A number of 16 bits."""
        self.data += _U16.pack(value)

    def u32(self, value: int) -> None:
        """A number of 32 bits."""
        self.data += _U32.pack(value)

    def u64(self, value: int) -> None:
        """A number of 64 bits."""
        self.data += _U64.pack(value)

    def u64s(self, values: Sequence[int]) -> None:
        """Numbers of 64 bits; how many, the reader knows."""
        self.data += array("Q", values).tobytes()

    def f64(self, value: float) -> None:
        """A float."""
        self.data += _F64.pack(value)

    def blob(self, value: bytes | bytearray) -> None:
        """Bytes, with their number in front."""
        self.data += _U32.pack(len(value))
        self.data += value

    def text(self, value: str) -> None:
        """Text, as UTF-8; half a surrogate pair becomes a question mark."""
        self.blob(value.encode("utf-8", "replace"))


class Unpacker:
    """Reads values back in the order in which they were written."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._place < len(self._data)

    def u8(self) -> int:
        """A byte."""
        return self._number(_U8)

    def u16(self) -> int:
        """A number of 16 bits."""
        return self._number(_U16)

    def u32(self) -> int:
        """A number of 32 bits."""
        return self._number(_U32)

    def u64(self) -> int:
        """A number of 64 bits."""
        return self._number(_U64)

    def u64s(self, many: int) -> list[int]:
        """So many numbers of 64 bits."""
        values = array("Q")
        values.frombytes(self.raw(8 * many))
        return values.tolist()

    def f64(self) -> float:
        """A float."""
        value: float = _F64.unpack(self.raw(_F64.size))[0]
        return value

    def blob(self, limit: int) -> bytes:
        """Bytes, ``limit`` of them at most.

        :raises Garbled: there are more.
        """
        length = self.u32()
        if length > limit:
            raise Garbled(f"{length:,} bytes where {limit:,} are the most")
        return self.raw(length)

    def text(self, limit: int) -> str:
        """Text of at most ``limit`` characters, fit to be shown; what is longer is cut.

        :raises Garbled: it is no UTF-8.
        """
        data = self.blob(4 * limit)
        try:
            return escape_untrusted(data.decode(), limit)
        except UnicodeDecodeError:
            raise Garbled("a text is no UTF-8") from None

    def raw(self, length: int) -> bytes:
        """Just so many bytes.

        :raises Garbled: there are fewer.
        """
        end = self._place + length
        if end > len(self._data):
            raise Garbled("a body ends in the middle of a value")
        data = self._data[self._place : end]
        self._place = end
        return data

    def count(self, limit: int) -> int:
        """How many values follow.

        :raises Garbled: more than ``limit``.
        """
        number = self.u32()
        if number > limit:
            raise Garbled(f"{number:,} values where {limit:,} are the most")
        return number

    def end(self) -> None:
        """Make sure that nothing is left.

        :raises Garbled: something is.
        """
        if self.more:
            raise Garbled("a body is longer than what it says")

    def _number(self, form: struct.Struct) -> int:
        value: int = form.unpack(self.raw(form.size))[0]
        return value

"""Good modules with one or a few fields changed to what a stranger might write there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.fuzz.mutants.fields import NOWHERE, Field, fields_of
from tests.fuzz.mutants.sectionwise import ENDLESS, HUGE, leb
from wasmhost.sandbox.sections import HEADER_BYTES, Section, join, read_u32, sections

if TYPE_CHECKING:
    from random import Random

    from tests.fuzz.mutants.sectionwise import Named

_TYPE_CODES: Final = (0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F, 0x6E, 0x69, 0x64, 0x63, 0x60, 0x5F, 0x40, 0)
_NAMES: Final = (
    b"",
    b"memory",
    b"cabi_realloc",
    b"_initialize",
    b"\xff\xfe",
    b"\x1b[2J\n",
    b"\xe2\x80\xae" * 9,
    b"wasmhost:observer/state@0.1.0",
    b"wasi_snapshot_preview1",
    b"x" * 5000,
)
_NUMBERS: Final = (0, 1, 2, 63, 64, 65, 127, 128, 255, 1024, 65535, 65536, 65537, 2**31 - 1, 2**31, 2**32 - 1)
_CODE: Final = 10


class Fields:
    """A module taken apart into its sections and their fields."""

    def __init__(self, wasm: bytes) -> None:
        self._header = wasm[:HEADER_BYTES]
        self._sections = list(sections(wasm))
        self._fields = [fields_of(section.kind, section.body) for section in self._sections]
        self._known = [number for number, found in enumerate(self._fields) if found]

    def mutant(self, chance: Random) -> Named:
        """Change one to three fields; code every other time, as most fields are there."""
        parts = list(self._sections)
        said: list[str] = []
        for number in self._chosen(chance):
            kind, body = parts[number]
            field = chance.choice(self._fields[number])
            written = _other(field, body, chance)
            said.append(f"section {number}: {field.role} at {field.at} is {written[:12].hex()}")
            parts[number] = Section(kind, _replaced(body, field, written))
        return ", ".join(said), join(self._header, parts)

    def _chosen(self, chance: Random) -> list[int]:
        """Sections to change, each once: a change moves what stands behind it."""
        wanted = chance.choice((1, 1, 1, 2, 3))
        code = [number for number in self._known if self._sections[number].kind == _CODE]
        chosen = [code[0]] if code and chance.random() < 0.5 else []
        others = [number for number in self._known if number not in chosen]
        return chosen + chance.sample(others, min(max(wanted - len(chosen), 0), len(others)))


def noise(wasm: bytes, chance: Random) -> Named:
    """Change, add or take some bytes anywhere."""
    data = bytearray(wasm)
    said: list[str] = []
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if not data:
            break
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 9))
            case _:
                del data[at : at + chance.randint(1, 9)]
        said.append(str(at))
    return "noise at " + ", ".join(said), bytes(data)


def _other(field: Field, body: bytes, chance: Random) -> bytes:
    """What to write in place of a field."""
    old = body[field.at : field.at + field.length]
    match field.role:
        case "type":
            return bytes((chance.choice(_TYPE_CODES),))
        case "kind":
            return bytes((chance.randrange(6),))
        case "flags":
            return chance.choice((bytes((chance.randrange(16),)), b"\x03", b"\x08", b"\x7f", b"\xff\x7f"))
        case "opcode":
            return bytes((chance.choice((chance.randrange(0xD3), chance.randrange(256))),))
        case "name":
            return chance.choice(_NAMES)
        case "bytes":
            return chance.choice((chance.randbytes(len(old)), b"\xff" * len(old), old[:-1]))
    return _other_number(old, chance)


def _other_number(old: bytes, chance: Random) -> bytes:
    try:
        number, _ = read_u32(old, 0)
    except ValueError:
        number = 0
    match chance.randrange(6):
        case 0 | 1:
            return leb(number + 1)
        case 2:
            return leb(max(number - 1, 0))
        case 3:
            return leb(number, 5)
        case 4:
            return chance.choice((HUGE, ENDLESS, b"\x80\x80\x80\x80\x78"))
    return leb(chance.choice(_NUMBERS))


def _replaced(body: bytes, field: Field, written: bytes) -> bytes:
    """The section with a field replaced; the sizes around it are set right."""
    behind = body[field.at + field.length :]
    grown = len(written) - field.length
    if field.role == "name":
        size = leb(len(written))
        at = field.at - len(leb(field.length))
        return body[:at] + size + written + behind
    if field.within == NOWHERE or field.at == field.within or not grown:
        return body[: field.at] + written + behind
    size_of, at = read_u32(body, field.within)
    return body[: field.within] + leb(size_of + grown) + body[at : field.at] + written + behind

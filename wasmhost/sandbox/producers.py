"""Which language a module says it was written in: the custom section ``producers``, by tool convention.

Source: the tool conventions of WebAssembly, ``ProducersSection.md``.
"""

from __future__ import annotations

from typing import Final

from wasmhost.sandbox.sections import core_modules, custom_sections, read_u32
from wasmhost.text import decode_untrusted

_LIMIT: Final = 64
_MOST: Final = 64  # fields and values: whoever writes more of them has nothing to say to us


def language_of(wasm: bytes) -> str | None:
    """The first value of the first field ``language``, escaped; None where there is none to be read."""
    try:
        notes = [note for module in core_modules(wasm) for note in custom_sections(module, "producers")]
        fields = [field for note in notes for field in _fields(note)]
    except ValueError:
        return None  # a note for people, of no consequence: one that is broken says nothing
    languages = [value for name, values in fields if name == b"language" for value in values]
    return decode_untrusted(languages[0], _LIMIT) if languages else None


def _fields(content: bytes) -> list[tuple[bytes, list[bytes]]]:
    """Each field with the names of its values; their versions are left out."""
    count, at = read_u32(content, 0)
    fields = []
    for _ in range(min(count, _MOST)):
        name, at = _name(content, at)
        size, at = read_u32(content, at)
        values = []
        for _ in range(min(size, _MOST)):
            value, at = _name(content, at)
            _, at = _name(content, at)
            values.append(value)
        fields.append((name, values))
    return fields


def _name(content: bytes, at: int) -> tuple[bytes, int]:
    size, begin = read_u32(content, at)
    return content[begin : begin + size], begin + size

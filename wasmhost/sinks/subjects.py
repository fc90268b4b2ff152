"""The subject that a record is published to. A guest chooses topics, and so no more than one word of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wasmhost.sinks.entry import Message

_WORD_LIMIT: Final = 128
_OTHERS: Final = re.compile(r"[^A-Za-z0-9_-]")


def subject(template: str, one: Message) -> str:
    """Fill in a template. What is no letter, digit, ``_`` or ``-`` becomes ``_``, a dot too."""
    values = {"what": one.what, "observer": one.observer, "topic": one.topic}
    filled = template
    for name, value in values.items():
        filled = filled.replace(f"{{{name}}}", _OTHERS.sub("_", value[:_WORD_LIMIT]) or "_")
    return filled

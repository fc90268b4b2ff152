"""Which version of its SDK a project has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.contract.hooks import VERSION

if TYPE_CHECKING:
    from pathlib import Path

_FILE: Final = "VERSION"


def write_sdk_version(sdk: Path) -> None:
    """Note in a copy of an SDK which version it is: the copy outlives the wasmhost that made it."""
    (sdk / _FILE).write_text(f"{VERSION}\n", encoding="utf-8")


def sdk_version(sdk: Path) -> str:
    """The version of the SDK in a folder: what the copy says, else ours; "" where there is none."""
    if not sdk.is_dir():
        return ""
    try:
        return (sdk / _FILE).read_text(encoding="utf-8").strip()[:64]
    except (OSError, UnicodeDecodeError):
        return VERSION

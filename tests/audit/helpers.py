"""Cases written to files, and audits of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.audit.cleanliness import Cleanliness
from wasmhost.audit.corpus import read_case
from wasmhost.audit.run import run_case
from wasmhost.contract.hooks import HOOK_BY_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.audit.case import Case
    from wasmhost.audit.result import CaseResult

HOOK = HOOK_BY_NAME["on_webrtc_connected"].export


def module(body: str = "", more: str = "") -> str:
    """The text of a guest with one hook."""
    return f"""(module
  {more}
  (memory (export "memory") 3)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "{HOOK}") (param i32 i32) {body}))
"""


def head(expect: str, **more: str) -> str:
    """The head of a case; the values of ``more`` are TOML."""
    keys = {"title": '"A case"', "expect": f'"{expect}"', **more}
    return "".join(f";;! {name} = {value}\n" for name, value in keys.items())


def written(folder: Path, text: str, name: str = "mine/case.wat") -> Path:
    """Write a case."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(folder: Path, text: str, name: str = "mine/case.wat") -> Case:
    """Write a case and read it."""
    return read_case(written(folder, text, name))


def run(folder: Path, text: str, name: str = "mine/case.wat") -> CaseResult:
    """Write a case, and run it in a thread."""
    return run_case(read(folder, text, name), "thread", Cleanliness())

"""From folders of files to cases. The corpus that comes with wasmhost, and anybody's own.

A folder holds a folder for each class, or the files of one class. A file is a guest in WebAssembly text
(``.wat``) or in `hexadecimal.py` (``.hex``), or a stream (``.cbor``, `stream.py`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wasmtime

from wasmhost.audit.case import Case, CaseError, Kind
from wasmhost.audit.header import settings
from wasmhost.audit.hexadecimal import BadHex, assemble
from wasmhost.audit.repeat import BadRepeat, expand
from wasmhost.audit.stream import BadStream, stream
from wasmhost.errors import ConfigError, UserError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_PACKAGE: Final = Path(__file__).parent
_CHECKOUT: Final = _PACKAGE.parents[1]
KINDS: Final[dict[str, Kind]] = {".wat": "guest", ".hex": "guest", ".cbor": "stream"}
_MOST_BYTES: Final = 1024 * 1024
_PATH_LIMIT: Final = 400
_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


def own_corpus() -> Path:
    """The corpus that comes with wasmhost: in an installed package, or in a checkout.

    :raises UserError: it is not there: the installation is not whole.
    """
    for folder in (_PACKAGE / "corpus", _CHECKOUT / "tests" / "hostile"):
        if folder.is_dir():
            return folder
    raise UserError("this installation of wasmhost has no corpus: install it anew")


def case_files(folder: Path) -> list[Path]:
    """The files of all cases in a folder, in order.

    :raises UserError: it is no folder, or there is none in it.
    """
    if not folder.is_dir():
        raise UserError(f"{_shown(folder)} is no folder of cases")
    found = [path for path in (*folder.glob("*"), *folder.glob("*/*")) if path.suffix in KINDS]
    if not found:
        raise UserError(f"there is no case in {_shown(folder)}: no file {', '.join(f'*{e}' for e in KINDS)}")
    return sorted(found, key=lambda path: (path.parent.name, path.name))


def read_cases(folders: Sequence[Path], classes: Collection[str] = ()) -> list[Case]:
    """Read the cases of some folders; ``classes``: of these only.

    :raises UserError: a folder, or a file in it, says something that cannot be meant.
    """
    files = [path for folder in folders for path in case_files(folder)]
    there = sorted({_group(path) for path in files})
    unknown = sorted(set(classes) - set(there))
    if unknown:
        raise UserError(
            f'there is no class "{escape_untrusted(unknown[0], 60)}"; there are {", ".join(there)}'
        )
    return [read_case(path) for path in files if not classes or _group(path) in classes]


def read_case(path: Path) -> Case:
    """Read one case.

    :raises CaseError: with the file and the line.
    """
    shown = _shown(path)
    text = _text(path, shown)
    kind, group = KINDS[path.suffix], _group(path)
    if not (_LABEL.fullmatch(group) and _LABEL.fullmatch(path.stem)):
        raise CaseError(f"{shown}: a case and its folder are called by lower-case letters, digits and dashes")
    try:
        fields = settings(text, shown, kind)
    except ConfigError as error:
        raise CaseError(str(error)) from None
    content = _content(path.suffix, text, shown)
    return Case(name=f"{group}/{path.stem}", group=group, kind=kind, content=content, **fields)


def _group(path: Path) -> str:
    """The class of a case: the name of its folder."""
    return path.resolve().parent.name


def _text(path: Path, shown: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CaseError(f"cannot read {shown}: {(error.strerror or str(error)).lower()}") from None
    if len(data) > _MOST_BYTES:
        raise CaseError(f"{shown}: {len(data):,} bytes are no text to review: use (;repeat N;)")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CaseError(f"{shown}:{line}: not UTF-8 text") from None


def _content(suffix: str, text: str, shown: str) -> bytes:
    """The bytes that the text spells."""
    try:
        expanded = expand(text)
    except BadRepeat as error:
        raise CaseError(f"{shown}:{_line(text, error.place)}: {error}") from None
    try:
        if suffix == ".wat":
            return bytes(wasmtime.wat2wasm(expanded))
        return assemble(expanded) if suffix == ".hex" else stream(expanded)
    except (BadHex, BadStream) as error:
        where = f"{shown}:{_line(expanded, error.place)}"
        told = "" if expanded == text else ", counted with all repetitions written out"
        raise CaseError(f"{where}: {escape_untrusted(str(error), 200)}{told}") from None
    except wasmtime.WasmtimeError as error:
        raise CaseError(f"{shown}:{_wat_complaint(str(error))}") from None


def _wat_complaint(message: str) -> str:
    """The assembler's words on one line: its first line, and where that was.

    It says ``what`` and on the next line ``     --> <anon>:LINE:COLUMN``.
    """
    what, _, rest = message.partition("\n")
    _, _, place = rest.partition("<anon>:")
    line = place.split(":", 1)[0]
    return f"{line if line.isdigit() else 1}: {escape_untrusted(what.strip(), 200)}"


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _shown(path: Path) -> str:
    return escape_untrusted(str(path), _PATH_LIMIT)

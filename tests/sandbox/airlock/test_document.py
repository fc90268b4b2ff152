"""docs/airlock.md says what is: its tables against abi.py."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from wasmhost.contract.hooks import interface_id
from wasmhost.sandbox.airlock import abi

DOCUMENT = Path(__file__).parents[3] / "docs" / "airlock.md"


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose header line begins so; cells without their code marks."""
    lines = iter(DOCUMENT.read_text("utf-8").splitlines())
    for line in lines:
        if line.startswith(heading):
            break
    next(lines)  # the rule below the header
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    assert rows
    return rows


def spelled(params: tuple[str, ...], results: tuple[str, ...]) -> str:
    """A core signature as the document spells it."""
    return f"({' '.join(params)}) -> ({' '.join(results)})"


def test_the_box_is_as_documented() -> None:
    """Every offset of the header and of the areas, and no other."""
    names = r"(IN|OUT|KEPT)_[A-Z_]+|CONFIG|PANIC|ERROR|INBOX|OUTBOX|STATE"
    constants = {name: value for name, value in vars(abi).items() if re.fullmatch(names, name)}
    assert {row[2]: int(row[0]) for row in table("| offset")} == constants


def test_the_sizes_are_as_documented() -> None:
    """Nothing overlaps what comes next, and the records' structs read the same sizes."""
    rows = [(int(row[0]), int(row[1])) for row in table("| offset")]
    assert all(at + size <= following for (at, size), (following, _) in pairwise(rows))
    sizes = {row[2]: int(row[1]) for row in table("| offset")}
    assert sizes["CONFIG"] == abi.CONFIG_BYTES
    assert sizes["PANIC"] == sizes["ERROR"] == abi.TEXT_BYTES
    assert sizes["INBOX"] == sizes["OUTBOX"] == sizes["STATE"] == abi.AREA_BYTES
    assert sum(size for name, size in sizes.items() if name.startswith("OUT_")) == abi.HEADER_OUT.size


def test_the_records_are_as_documented() -> None:
    """Their kinds."""
    kinds = {row[1]: int(row[0]) for row in table("| kind")}
    assert kinds == {name: getattr(abi, name) for name in ("LOG", "OUTPUT", "REPORT", "COUNTER", "GAUGE")}


def test_the_phases_are_as_documented() -> None:
    """Their numbers."""
    phases = {name: value for name, value in vars(abi.Phase).items() if isinstance(value, int)}
    assert {row[1]: int(row[0]) for row in table("| phase")} == phases


def test_the_capabilities_are_as_documented() -> None:
    """Names and core signatures, in the table's order."""
    rows = [(interface_id(row[0]), row[1], row[2]) for row in table("| capability")]
    assert rows == [(e.module, e.name, spelled(e.params, e.results)) for e in abi.CAPABILITY_IMPORTS]


def test_the_exports_are_as_documented() -> None:
    """What the host asks of a guest."""
    rows = {row[0]: row[1] for row in table("| export")}
    assert rows["cabi_realloc"] == spelled(abi.REALLOC_PARAMS, ("i32",))
    assert rows["a hook"] == spelled(abi.HOOK_PARAMS, ())
    assert rows["a fallible hook"] == spelled(abi.HOOK_PARAMS, ("i32",))


def test_wasi_is_as_documented() -> None:
    """Names, core signatures, and which are answered with no more than an errno."""
    rows = table("| function")
    assert [(row[0], row[1]) for row in rows] == [
        (e.name, spelled(e.params, e.results)) for e in abi.WASI_IMPORTS
    ]
    for name, _, answer in rows:
        errno = "EBADF" if name.startswith("fd_") else "ENOSYS"
        assert (answer == errno) == (name not in abi.WASI_ANSWERED), name


def test_the_numbers_in_the_text_are_ours() -> None:
    """The few that are no row of a table."""
    text = DOCUMENT.read_text("utf-8")
    assert f"time is {abi.INIT_AT:,}" in text
    assert f"{abi.BOX_BYTES // 1024} KiB, and never larger" in text
    assert f"at most {abi.NAME_BYTES} bytes" in text

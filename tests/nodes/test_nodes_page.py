"""docs/nodes.md: its Python runs as printed, and its table has all hooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.cli.helpers import ROOT
from wasmhost.contract.hooks import HOOKS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "nodes.md").read_text()


def test_its_python_runs(tmp_path: Path) -> None:
    """The blocks one after the other, with a place where nobody listens: the counts add up, as they say."""
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    code = code.replace("/run/wasmhost.sock", str(tmp_path / "no.sock"))
    names: dict[str, object] = {}
    exec(compile(code, "nodes.md", "exec"), names)  # noqa: S102 - our own page
    assert getattr(names["counts"], "emitted", 0) == 2


def test_its_table_has_all_hooks() -> None:
    """Each hook has its row, and says when to emit it."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `on_")]
    named = {name for row in rows for name in re.findall(r"`(on_\w+)`", row.split("|")[1])}
    assert named == {hook.name for hook in HOOKS}

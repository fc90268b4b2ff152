"""The ``rates`` of an observer: what may stand there, and what is said of what may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wasmhost import Rates, load_config
from wasmhost.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost import HostConfig


def load(folder: Path, rates: str) -> HostConfig:
    """Load a configuration with these rates on its second line."""
    file = folder / "c.toml"
    file.write_text(f'[[observer]]\nrates = {rates}\nmodule = "a.wasm"\n')
    return load_config(file)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{}", Rates()),
        ("true", Rates()),
        ("false", None),
        ("{ logs = 0, burst = 2.5 }", Rates(logs=0, burst=2.5)),
        (
            "{ log_kib = 1, reports = 2, report_kib = 3, state = 4, state_kib = 5 }",
            Rates(log_kib=1, reports=2, report_kib=3, state=4, state_kib=5),
        ),
    ],
)
def test_what_may_be_said(tmp_path: Path, written: str, meant: Rates | None) -> None:
    """What is left out has its default; false is for none at all."""
    assert load(tmp_path, written).observers[0].rates == meant


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("{ log = 1 }", 'unknown key "log" in rates in [[observer]] "a.wasm"; did you mean "logs"?'),
        ("{ logs = -1 }", "logs in rates in"),
        ("{ logs = true }", "must be a number from 0 to 1000000, not true"),
        ("{ burst = 0 }", "must be a number from 0.001 to 3600, not 0"),
        ("7", "must be a table, not 7"),
    ],
)
def test_what_may_not(tmp_path: Path, written: str, complaint: str) -> None:
    """The message names the line."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, written)
    assert "c.toml:2: " in str(caught.value)
    assert complaint in str(caught.value)

"""Configurations: any text is one, or is refused in one line that names one of its lines."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.config.test_load import CONTRACT
from tests.fuzz.targets.said import one_line
from wasmhost.config import load_config
from wasmhost.config.model import GRANTABLE, is_safe_name
from wasmhost.errors import ConfigError

if TYPE_CHECKING:
    from wasmhost.config import HostConfig

_LONGEST: Final = 2_000
_FOLDER: Final = Path(tempfile.gettempdir())


def check(data: bytes) -> None:
    """Load a configuration."""
    with tempfile.NamedTemporaryFile(suffix=".toml", dir=_FOLDER) as file:
        file.write(data)
        file.flush()
        path = Path(file.name)
        try:
            config = load_config(path)
        except ConfigError as error:
            one_line(error, _LONGEST)
            _check_line(str(error), path, data)
            return
    _check_config(config)


def _check_line(message: str, path: Path, data: bytes) -> None:
    start = f"{path}:"
    assert message.startswith(start), f"the error does not name the file: {message}"
    line = message.removeprefix(start).partition(":")[0]
    assert 1 <= int(line) <= data.count(b"\n") + 1, f"there is no line {line}"


def _check_config(config: HostConfig) -> None:
    names = [observer.name for observer in config.observers]
    assert len(set(names)) == len(names)
    assert all(map(is_safe_name, names))
    for settings in (config.defaults, *config.observers):
        assert settings.grant <= GRANTABLE
        assert settings.limits.fuel >= 1
        assert 1 <= settings.mailbox <= 1_000_000
        assert 0 <= settings.backoff_ms[0] <= settings.backoff_ms[1]


def corpus() -> list[bytes]:
    """The contract's example, and what else a file may have."""
    more = (
        '[host]\ndb = "a.db"\nisolation = "process"\nshards = 2\n',
        "[defaults]\nquarantine = false\nbackoff_ms = [0, 0]\n",
        '[[observer]]\nmodule = "a.wasm"\n[[observer]]\nmodule = "b/a.wasm"\nfuel = 5\n',
        "[[observer]]\nmodule = '''\na'''\nconfig = {a = \"1\", 'b c' = \"\"\"x\ny\"\"\"}\n",
        "a = [1, {b = 2020-01-01T00:00:00Z, c = inf}, [[]]] # comment\n",
    )
    return [text.encode() for text in (CONTRACT, *more)]

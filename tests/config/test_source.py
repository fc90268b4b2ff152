"""The section [source]: what it may say, and that no message shows a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.config.test_load import complaint, load
from wasmhost.config.source import SourceConfig, TlsConfig

if TYPE_CHECKING:
    from pathlib import Path

ALL = """\
[source]
connections = 10_000
item_kib = 64
events_s = 20_000
kib_s = 32_768
hello_s = 10
idle_s = 3_600
srcs = 65_536
tokens = ["a", "b"]
token_file = "tokens"
token_env = "WASMHOST_TOKENS"
uids = [1001]
gids = [50, 51]

[source.tls]
cert = "host.pem"
key = "/etc/host.key"
client_ca = "nodes.pem"
"""


def test_every_key(tmp_path: Path) -> None:
    """Files are beside the configuration; the numbers here are the defaults."""
    config = load(tmp_path, ALL)
    assert config.source == SourceConfig(
        connections=10_000,
        tokens=("a", "b"),
        token_file=tmp_path / "tokens",
        token_env="WASMHOST_TOKENS",  # noqa: S106
        uids=frozenset({1001}),
        gids=frozenset({50, 51}),
        tls=TlsConfig(tmp_path / "host.pem", tmp_path.parent / "/etc/host.key", tmp_path / "nodes.pem"),
    )
    assert load(tmp_path, "[source]").source == load(tmp_path, "").source == SourceConfig()


def test_tokens_are_not_in_what_is_printed_of_it(tmp_path: Path) -> None:
    """A repr ends up in logs."""
    assert "hush" not in repr(load(tmp_path, '[source]\ntokens = ["hush"]'))


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[source]\nconections = 1", '2: unknown key "conections" in [source]; did you mean "connections"?'),
        ("source = 1", "1: [source] must be a table, not 1"),
        ("[source]\nitem_kib = 65", "2: item_kib in [source] must be a whole number from 1 to 64, not 65"),
        ("[source]\nidle_s = -1", "2: idle_s in [source] must be a number from 0 to 31536000, not -1"),
        ("[source]\nhello_s = 0", "2: hello_s in [source] must be a number from 0.01 to 31536000, not 0"),
        (
            "[source]\nuids = ['root']",
            '2: uids in [source] must be a whole number from 0 to 4294967294, not "root"',
        ),
        ("[source]\ntokens = 'hush'", '2: tokens in [source] must be an array of strings, as in ["…"]'),
        (
            "[source]\ntokens = ['ok',\n 'hush hush']",
            "3: tokens in [source] has one that is no string of 1 to 1024 bytes without blanks",
        ),
        (
            "[source]\ntokens = [12345]",
            "2: tokens in [source] has one that is no string of 1 to 1024 bytes without blanks",
        ),
        (
            "[source]\ntokens = ['']",
            "2: tokens in [source] has one that is no string of 1 to 1024 bytes without blanks",
        ),
        (
            "[source]\n[source.tls]\ncert = 'a'\nkey = 'b'",
            '2: [source.tls] has no "client_ca"; it needs cert, key, client_ca: a file each',
        ),
        (
            "[source.tls]\ncert = 'a'\nkey = 'b'\nca = 'c'",
            '4: unknown key "ca" in [source.tls]',
        ),
    ],
)
def test_wrong_ones_get_one_line(tmp_path: Path, toml: str, message: str) -> None:
    """With the line, and without the secret."""
    said = complaint(tmp_path, toml)
    assert said == f"wasmhost.toml:{message}"
    assert "hush" not in said
    assert "12345" not in said

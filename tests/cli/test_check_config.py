"""A configuration checked before a run or a reload is trusted with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.helpers import recorder, small_guest, wasmhost, wat

if TYPE_CHECKING:
    from pathlib import Path


def test_one_that_a_run_would_take(tmp_path: Path) -> None:
    """Exit 0, and a table of the observers; nothing is written."""
    recorder(tmp_path / "one.wasm")
    (tmp_path / "wasmhost.toml").write_text('[[observer]]\nmodule = "one.wasm"\n')
    result = wasmhost("check-config", cwd=tmp_path)
    assert result.code == 0
    assert "the configuration is good" in result.out
    assert "runs" in result.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.wasm", "wasmhost.toml"]
    shown = wasmhost("check-config", "wasmhost.toml", "--json", cwd=tmp_path).json
    assert shown["good"] is True
    assert len(shown["observers"][0]["hooks"]) == 16


def test_what_it_says_is_wrong(tmp_path: Path) -> None:
    """Exit 2, by line, as a run says it."""
    (tmp_path / "x.toml").write_text('[[observer]]\nmodule = "one.wasm"\nfule = 3\n')
    result = wasmhost("check-config", "x.toml", cwd=tmp_path)
    assert result.code == 2
    assert "x.toml:3" in result.complaints[0]
    missing = wasmhost("check-config", "y.toml", cwd=tmp_path)
    assert missing.code == 2
    assert missing.complaints == ["cannot read y.toml: no such file or directory"]


def test_observers_that_would_be_refused(tmp_path: Path) -> None:
    """Exit 1, each with its reason: what is not granted, what is no module, what traps at its start."""
    recorder(tmp_path / "one.wasm")
    start = '(func (export "_initialize") unreachable)'
    wat(tmp_path / "traps.wasm", small_guest(more=start))
    (tmp_path / "none.wasm").write_bytes(b"no module")
    (tmp_path / "x.toml").write_text(
        '[[observer]]\nmodule = "one.wasm"\ngrant = []\n'
        + "".join(f'[[observer]]\nmodule = "{name}.wasm"\n' for name in ("traps", "none", "missing"))
    )
    result = wasmhost("check-config", "x.toml", "--json", cwd=tmp_path)
    assert result.code == 1
    assert [(line["name"], line["accepted"]) for line in result.json["observers"]] == [
        ("one", False), ("traps", False), ("none", False), ("missing", False)
    ]  # fmt: skip
    assert len(result.complaints) == 4
    assert all("would be refused: " in line for line in result.complaints)


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    """A directory that is not there, a database that is none."""
    recorder(tmp_path / "one.wasm")
    (tmp_path / "no.db").write_bytes(b"x" * 5000)
    for host, expected in [
        ('db = "nowhere/w.db"', "db: there is no directory"),
        ('db = "no.db"', "db: "),
        ('reports = "nowhere/reports"', "reports: there is no directory"),
        ('reports = "."', "reports: . is a directory"),
    ]:
        (tmp_path / "x.toml").write_text(f'[host]\n{host}\n[[observer]]\nmodule = "one.wasm"\n')
        result = wasmhost("check-config", "x.toml", cwd=tmp_path)
        assert result.code == 1
        assert len(result.complaints) == 1
        assert result.complaints[0].startswith(expected)


def test_no_observer_is_a_problem(tmp_path: Path) -> None:
    """A run would not start."""
    (tmp_path / "x.toml").write_text('[host]\ndb = "w.db"\n')
    result = wasmhost("check-config", "x.toml", cwd=tmp_path)
    assert result.code == 1
    assert "there is no [[observer]]" in result.complaints[0]


def test_files_that_sections_name(tmp_path: Path) -> None:
    """Tokens, certificates, secrets and passwords must be there to be read, and dead letters have a place."""
    recorder(tmp_path / "one.wasm")
    for section, expected in [
        ('[source]\ntoken_file = "tokens"', "cannot read tokens from "),
        ('[source.tls]\ncert = "c.pem"\nkey = "k.pem"\nclient_ca = "a.pem"', "cannot read "),
        (
            '[[sink]]\nkind = "webhook"\nname = "w"\nurl = "https://x.example"\nsecret_file = "secret"',
            'secret_file of [[sink]] "w": ',
        ),
        (
            '[[sink]]\nkind = "ndjson"\nname = "f"\npath = "nowhere/f"',
            'path of [[sink]] "f": there is no directory',
        ),
        ('[jetstream]\ncredentials = "node.creds"', "credentials of [jetstream]: "),
    ]:
        (tmp_path / "x.toml").write_text(f'{section}\n[[observer]]\nmodule = "one.wasm"\n')
        result = wasmhost("check-config", "x.toml", cwd=tmp_path)
        assert result.code == 1, result.complaints
        assert len(result.complaints) == 1, result.complaints
        assert result.complaints[0].startswith(expected)


def test_its_usage_names_the_file_as_what_may_be_left_out(tmp_path: Path) -> None:
    """In brackets once."""
    result = wasmhost("check-config", "--help", cwd=tmp_path)
    assert "check-config [OPTIONS] [FILE]\n" in result.out

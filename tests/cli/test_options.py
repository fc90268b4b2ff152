"""What users get wrong: one line on standard error, exit code 2, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import GUESTS, REAL, wasmhost

if TYPE_CHECKING:
    from pathlib import Path

RELAY = str(GUESTS / "relay-watch.wasm")
TRACE = str(REAL)
RUN = ("run", "--observer", RELAY, "--from", TRACE)

MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no command": ((), "no command given"),
    "unknown command": (("rum",), "no such command 'rum'"),
    "unknown option": (("run", "--form", "x"), "no such option: --form"),
    "no source": (("run", "--observer", RELAY), "--from is missing"),
    "no value": (("run", "--from"), "option '--from' requires an argument"),
    "a stray argument": ((*RUN, "stray"), "unexpected extra argument"),
    "no observer": (("run", "--from", TRACE), "no observer: name one with --observer MODULE"),
    "unknown capability": ((*RUN, "--grant", "network"), 'unknown capability or field "network"'),
    "a grant for nobody": (
        ("run", "--config", "good.toml", "--from", TRACE, "--grant", "state"),
        "--grant is for",
    ),
    "unknown level": ((*RUN, "--log-level", "loud"), "--log-level: 'loud' is not one of"),
    "two databases": ((*RUN, "--db", "a", "--panics", "b"), "--db and --panics name the same thing"),
    "no such file": (
        ("run", "--observer", RELAY, "--from", "gone.cborseq"),
        "cannot read events from gone.cborseq",
    ),
    "a folder": (("run", "--observer", RELAY, "--from", "."), "cannot read events from .: is a directory"),
    "an empty source": (("run", "--observer", RELAY, "--from", ""), "no source named"),
    "unknown scheme": (
        ("run", "--observer", RELAY, "--from", "amqp:h:1"),
        'cannot read events from "amqp:h:1"',
    ),
    "no such config": (("run", "--config", "gone.toml", "--from", TRACE), "cannot read gone.toml"),
    "a database in no folder": ((*RUN, "--db", "no/folder/x.db"), "there is no folder"),
    "a foreign database": ((*RUN, "--db", "good.toml"), "it is not a database"),
    "a device as database": ((*RUN, "--db", "/dev/full"), "cannot use /dev/full as the database"),
    "reports in no folder": ((*RUN, "--reports", "no/folder/r"), "cannot write reports to no/folder/r"),
    "reports into a folder": ((*RUN, "--reports", "."), "cannot write reports to ."),
    "no panic log": (("panics", "--db", "gone.db"), "no database at gone.db"),
    "a foreign panic log": (("panics", "good.toml"), "it is not a database"),
    "two panic logs": (("panics", "a.db", "--db", "b.db"), "FILE and --db name the same thing"),
    "inspect nothing": (("inspect",), "MODULE is missing"),
    "inspect with an unknown capability": (
        ("inspect", RELAY, "--grant", "x"),
        'unknown capability or field "x"',
    ),
    "an escape sequence": (("\x1b[2J",), "no such command"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    """`wasmhost: error: …`, exit code 2, nothing on standard output, no control character."""
    (tmp_path / "good.toml").write_text(f"[[observer]]\nmodule = '{RELAY}'\n")
    arguments, words = MISTAKES[name]
    result = wasmhost(*arguments, cwd=tmp_path)
    assert result.code == 2
    assert result.out == ""
    assert len(result.err.splitlines()) == 1
    (complaint,) = result.complaints
    assert words in complaint
    assert complaint.isprintable()


CONFIGS = {
    "unknown key": ("[host]\ndrain = 5\n", 2, 'unknown key "drain" in [host]; did you mean "drain_s"?'),
    "unknown section": ("\n\n[hosts]\n", 3, 'unknown key "hosts"'),
    "no TOML": ("[host]\ndb = \n", 2, "not valid TOML"),
    "a wrong type": ('[[observer]]\nmodule = "x.wasm"\nfuel = "lots"\n', 3, "must be a whole number"),
    "unknown hook": (
        '[[observer]]\nmodule = "x.wasm"\nhooks = ["on_strat"]\n',
        3,
        'did you mean "on_start"?',
    ),
    "unknown capability": (
        '[[observer]]\nmodule = "x.wasm"\ngrant = [\n  "network",\n]\n',
        4,
        "unknown capability or field",
    ),
    "no module": ('[[observer]]\nname = "x"\n', 1, 'has no "module"'),
    "not UTF-8": ("[host]\ndb = '\udcff'\n", 2, "not UTF-8"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_mistake_in_the_file_names_its_line(tmp_path: Path, name: str) -> None:
    """File, line and what is wrong, exit code 2, before anything is opened."""
    text, line, words = CONFIGS[name]
    (tmp_path / "w.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    result = wasmhost("run", "--config", "w.toml", "--from", REAL, cwd=tmp_path)
    assert result.code == 2
    (complaint,) = result.complaints
    assert complaint.startswith(f"w.toml:{line}: ")
    assert words in complaint
    assert not (tmp_path / "wasmhost.db").exists()

"""Streams that fail: a reader that leaves, a disk that is full, a stream that is closed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import (
    COMMAND,
    REAL,
    checked,
    environment,
    observers,
    recorder,
    small_guest,
    wasmhost,
    wat,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.helpers import Result

NEEDS = ("run", *observers("credential-pager"), "--from", REAL)


def shell(line: str, cwd: Path) -> Result:
    """Run a shell line in which $W is the command; pipes fail as a whole."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=cwd,
        env=environment(W=" ".join(COMMAND), TRACE=str(REAL)),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return checked(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "command", ["panics p.db", "panics p.db --json", "inspect recorder.wasm", "--help", "--version"]
)
def test_a_reader_that_is_gone_is_no_error(tmp_path: Path, command: str) -> None:
    """Whoever reads has what it wanted: nothing on standard error, exit code 0."""
    recorder(tmp_path / "recorder.wasm")
    wasmhost("run", *observers("trapper"), "--from", REAL, "--db", "p.db", cwd=tmp_path)
    result = shell(f"$W {command} | true", tmp_path)
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize("json", ["", "--json"])
def test_a_run_goes_on_without_its_reader(tmp_path: Path, json: str) -> None:
    """`run | head -1`: the reader gets its line, the run ends in good order with exit code 0."""
    recorder(tmp_path / "recorder.wasm")
    result = shell(f"$W run --observer recorder.wasm --from $TRACE {json} | head -1", tmp_path)
    assert result.code == 0
    assert len(result.reports) == 1
    assert not result.complaints


def test_reports_on_a_full_disk(tmp_path: Path) -> None:
    """One clear line, exit code 2; the reports that were lost count as dropped, the panic log is whole."""
    result = wasmhost(*NEEDS, "--reports", "/dev/full", "--json", cwd=tmp_path)
    assert result.code == 2
    assert result.complaints == ["cannot write reports to /dev/full: no space left on device"]
    pager = result.observer("credential-pager")
    assert (pager["reports"], pager["reports_dropped"]) == (0, 2)


@pytest.mark.parametrize("command", ["panics p.db", "panics p.db --json", "inspect recorder.wasm", "--help"])
def test_standard_output_on_a_full_disk(tmp_path: Path, command: str) -> None:
    """One clear line, exit code 2."""
    recorder(tmp_path / "recorder.wasm")
    wasmhost("run", *observers("trapper"), "--from", REAL, "--db", "p.db", cwd=tmp_path)
    result = shell(f"$W {command} > /dev/full", tmp_path)
    assert result.code == 2
    assert result.complaints == ["cannot write to standard output: no space left on device"]


def test_a_summary_on_a_full_disk(tmp_path: Path) -> None:
    """The reports were written elsewhere, the summary could not be: one clear line, exit code 2."""
    recorder(tmp_path / "recorder.wasm")
    line = "$W run --observer recorder.wasm --from $TRACE --reports r --json > /dev/full"
    result = shell(line, tmp_path)
    assert result.code == 2
    assert result.complaints == ["cannot write to standard output: no space left on device"]


@pytest.mark.parametrize("command", ["panics p.db", "run --observer recorder.wasm --from $TRACE"])
def test_a_closed_standard_output(tmp_path: Path, command: str) -> None:
    """Its number may be another file's by now: nothing is written to that."""
    recorder(tmp_path / "recorder.wasm")
    wasmhost("run", *observers("trapper"), "--from", REAL, "--db", "p.db", cwd=tmp_path)
    result = shell(f"$W {command} >&-", tmp_path)
    assert result.code == 2
    assert "it is closed" in result.complaints[0]


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full", "2> >(true)"])
def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, where: str) -> None:
    """With nowhere to talk to, the data is still right, and none of the log ends up in it."""
    recorder(tmp_path / "recorder.wasm")
    line = f"$W run --observer recorder.wasm --from $TRACE --json --log-level debug {where}"
    result = shell(line, tmp_path)
    assert result.code == 0
    assert result.json["events"] == 65
    assert len(result.reports) == 65


def test_reports_that_are_no_cbor_count_as_dropped(tmp_path: Path) -> None:
    """``reports`` are the lines that were written."""
    text = small_guest(
        more="""(import "wasmhost:observer/report@0.1.0" "send" (func $send (param i32 i32 i32 i32)))
          (data (i32.const 0) "topic\\ff\\01")""",
        body="""(call $send (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 1))
          (call $send (i32.const 0) (i32.const 5) (i32.const 6) (i32.const 1))""",
    )
    module = wat(tmp_path / "sloppy.wasm", text)
    result = wasmhost("run", "--observer", module, "--from", REAL, "--json", cwd=tmp_path)
    sloppy = result.observer("sloppy")
    assert len(result.reports) == sloppy["reports"] == sloppy["delivered"] == sloppy["reports_dropped"] == 6
    assert result.code == 0


def test_what_a_guest_says_cannot_forge_a_line(tmp_path: Path) -> None:
    """Newlines, escape sequences, quotes and keys in a guest's words stay within their field."""
    words = "a\\0alevel=error \\22 event=forged \\1b[31m \\5c\\22 x=1"
    text = small_guest(
        more=f"""(import "wasmhost:observer/log@0.1.0" "write" (func $log (param i32 i32 i32)))
          (data (i32.const 0) "{words}")""",
        body="(call $log (i32.const 2) (i32.const 0) (i32.const 41))",
    )
    module = wat(tmp_path / "liar.wasm", text)
    result = wasmhost("run", "--observer", module, "--from", REAL, cwd=tmp_path)
    lines = [line for line in result.err.splitlines() if "forged" in line]
    assert len(lines) == 6
    for line in lines:
        assert "\x1b" not in line
        assert " level=info " in line
        assert 'message="a\\\\nlevel=error \\" event=forged \\\\x1b[31m \\\\\\" x=1"' in line

"""The main job: a trace in, every observer served, every bad one isolated."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import (
    DEMO_GUESTS,
    GUESTS,
    REAL,
    SYNTHETIC,
    accounted,
    observers,
    recorder,
    trace,
    wasmhost,
)
from wasmhost.contract.hooks import EARLY_HOOKS, HOOK_BY_NAME

if TYPE_CHECKING:
    from pathlib import Path

RAN = {
    "name",
    "module_sha256",
    "delivered",
    "skipped",
    "panics",
    "dropped",
    "fuel",
    "state",
    "logs",
    "logs_dropped",
    "reports",
    "reports_dropped",
    "quarantined",
    "metrics",
    "suppressed",
}


def heard(name: str, path: Path, cwd: Path) -> int:
    """How many events of a trace are for a guest's hooks, and may be delivered."""
    hooks = wasmhost("inspect", GUESTS / f"{name}.wasm", "--grant", "state", "--json", cwd=cwd).json["hooks"]
    return sum(
        event["hook"] in hooks and ("ctx" in event or event["hook"] in EARLY_HOOKS) for event in trace(path)
    )


def test_the_main_job_on_the_real_trace(tmp_path: Path) -> None:
    """65 events in, every observer accounts for each, the bad ones are isolated, exit code 0."""
    result = wasmhost("run", *observers(*DEMO_GUESTS), "--from", REAL, "--json", cwd=tmp_path)
    assert result.code == 0
    assert not result.complaints
    summary = result.json
    assert summary.keys() == {"events", "rejected", "observers"}
    assert (summary["events"], summary["rejected"]) == (65, 0)
    assert [line["name"] for line in summary["observers"]] == list(DEMO_GUESTS)
    assert accounted(summary)
    for line in summary["observers"]:
        assert line.keys() == RAN
        assert line["dropped"] == 0
        assert (line["fuel"] is None) == (line["delivered"] == 0)
    assert result.observer("event-counter")["delivered"] == 65
    assert (result.observer("trapper")["panics"], result.observer("trapper")["state"]) == (5, "quarantined")
    assert (result.observer("spinner")["panics"], result.observer("spinner")["delivered"]) == (4, 0)


def test_panics_of_the_main_job_are_in_the_log_with_kind_and_message(tmp_path: Path) -> None:
    """The panic log of a run has one row for each bad observer."""
    wasmhost("run", *observers("trapper", "spinner"), "--from", REAL, "--db", "p.db", cwd=tmp_path)
    rows = {row["observer"]: row for row in wasmhost("panics", "--db", "p.db", "--json", cwd=tmp_path).json}
    assert rows.keys() == {"trapper", "spinner"}
    trapper, spinner = rows["trapper"], rows["spinner"]
    assert (trapper["kind"], trapper["count"], trapper["hook"]) == ("unreachable", 5, "on_webrtc_connected")
    assert trapper["message"] == "trapper: stepped on by Victim #5"
    assert any("spring_the_trap" in frame for frame in trapper["backtrace"])
    assert (spinner["kind"], spinner["count"], spinner["seq"]) == ("out_of_fuel", 4, 43)
    assert spinner["fuel_budget"] == 10_000_000


@pytest.mark.parametrize("path", [REAL, SYNTHETIC], ids=["real", "synthetic"])
def test_each_hook_is_called_once_per_event_and_in_order(tmp_path: Path, path: Path) -> None:
    """A guest with all hooks is told of the events one by one, in the order of the file."""
    module = recorder(tmp_path / "recorder.wasm")
    result = wasmhost("run", "--observer", module, "--from", path, "--json", cwd=tmp_path)
    assert result.code == 0
    expected = [
        (event.get("src", path.name), event["hook"], event["seq"])
        for event in trace(path)
        if event["hook"] in HOOK_BY_NAME and ("ctx" in event or event["hook"] in EARLY_HOOKS)
    ]
    told = [(line["src"], line["topic"], line["body"]) for line in result.reports]
    assert told == expected
    assert all(line["seq"] == line["body"] for line in result.reports)
    assert result.observer("recorder")["reports"] == len(expected)


@pytest.mark.parametrize("path", [REAL, SYNTHETIC], ids=["real", "synthetic"])
def test_every_guest_hears_all_that_is_for_it(tmp_path: Path, path: Path) -> None:
    """Without quarantine, delivered and panics make up exactly the events of a guest's hooks."""
    config = "".join(f'[[observer]]\nmodule = "{GUESTS / name}.wasm"\n' for name in DEMO_GUESTS)
    everything = 'quarantine = false\ngrant = ["config", "metrics", "report", "state"]\n'
    (tmp_path / "wasmhost.toml").write_text(f"[defaults]\n{everything}{config}")
    result = wasmhost("run", "--config", "wasmhost.toml", "--from", path, "--json", cwd=tmp_path)
    assert result.code == 0
    assert accounted(result.json)
    for line in result.json["observers"]:
        assert line["delivered"] + line["panics"] == heard(line["name"], path, tmp_path), line["name"]


def test_a_run_comes_out_the_same_each_time(tmp_path: Path) -> None:
    """A file is lossless and repeatable: reports and counts are equal, byte for byte."""
    first, second = (
        wasmhost(
            "run", *observers(*DEMO_GUESTS), "--from", SYNTHETIC, "--json", "--db", f"{run}.db", cwd=tmp_path
        )
        for run in ("a", "b")
    )
    assert Counter(first.out.splitlines()) == Counter(second.out.splitlines())
    assert first.out.splitlines()[-1] == second.out.splitlines()[-1]


def test_standard_input_is_as_good_as_a_file(tmp_path: Path) -> None:
    """``--from -`` gives the same, but for the name of the source."""
    stdin = wasmhost(
        "run", *observers("credential-pager"), "--from", "-", "--json", cwd=tmp_path, stdin=REAL.read_bytes()
    )
    file = wasmhost("run", *observers("credential-pager"), "--from", REAL, "--json", cwd=tmp_path)
    assert stdin.code == 0
    assert stdin.json == file.json
    assert [line["src"] for line in stdin.reports] == ["-", "-"]
    assert [line["topic"] for line in stdin.reports] == ["credential-expiring", "credential-renewed"]


def test_data_goes_to_standard_output_and_talk_to_standard_error(tmp_path: Path) -> None:
    """Without --json, standard output carries reports only; log and summary are on standard error."""
    result = wasmhost("run", *observers("credential-pager", "trapper"), "--from", REAL, cwd=tmp_path)
    assert result.code == 0
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [line.keys() for line in lines] == [
        {"observer", "src", "seq", "at", "topic", "body_hex", "body"}
    ] * 2
    assert "observer panicked; isolated" in result.err
    assert 'message="about to panic, as always"' in result.err
    assert "65 events, 0 rejected" in result.err
    assert "credential-pager  running" in result.err
    assert "\x1b" not in result.err


def test_reports_go_where_they_are_sent(tmp_path: Path) -> None:
    """With --reports FILE, standard output has nothing but the summary."""
    result = wasmhost(
        "run",
        *observers("credential-pager"),
        "--from",
        REAL,
        "--reports",
        "found.ndjson",
        "--json",
        cwd=tmp_path,
    )
    assert len(result.out.splitlines()) == 1
    lines = (tmp_path / "found.ndjson").read_text().splitlines()
    assert len(lines) == result.observer("credential-pager")["reports"] == 2


def test_the_least_important_lines_can_be_left_out(tmp_path: Path) -> None:
    """--log-level error shows no guest's warnings; they are counted all the same."""
    result = wasmhost(
        "run", *observers("trapper"), "--from", REAL, "--log-level", "error", "--json", cwd=tmp_path
    )
    assert "guest log" not in result.err
    assert "observer panicked; isolated" in result.err
    assert result.observer("trapper")["logs"] == 5


def test_state_outlives_a_run(tmp_path: Path) -> None:
    """A guest with the state capability goes on where the last run ended: the 100th event is reported."""
    runs = [
        wasmhost("run", *observers("event-counter"), "--from", REAL, "--json", cwd=tmp_path) for _ in "ab"
    ]
    assert [run.observer("event-counter")["reports"] for run in runs] == [0, 1]
    assert runs[1].reports[0]["body"]["total"] == 100


def test_options_win_over_the_file(tmp_path: Path) -> None:
    """--db and --reports replace what [host] says; --observer adds to the file's observers."""
    (tmp_path / "c.toml").write_text(
        f'[host]\ndb = "no/such/folder/x.db"\nreports = "no/such/folder/r"\n'
        f'[[observer]]\nname = "one"\nmodule = "{GUESTS / "relay-watch.wasm"}"\n'
    )
    result = wasmhost(
        *("run", "--config", "c.toml", *observers("event-counter"), "--from", REAL),
        *("--panics", "own.db", "--reports", "-", "--json"),
        cwd=tmp_path,
    )
    assert result.code == 0
    assert [line["name"] for line in result.json["observers"]] == ["one", "event-counter"]
    assert (tmp_path / "own.db").exists()


def test_the_same_module_twice_is_two_observers(tmp_path: Path) -> None:
    """Names come from the file's stem and are made unique."""
    result = wasmhost("run", *observers("relay-watch", "relay-watch"), "--from", REAL, "--json", cwd=tmp_path)
    assert [line["name"] for line in result.json["observers"]] == ["relay-watch", "relay-watch-2"]
    assert result.code == 0

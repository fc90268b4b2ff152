"""`wasmhost emit`: a recording over the wire to a host, as if a node emitted it now."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.helpers import REAL, SYNTHETIC, ended, event, eventually, started, trace, wasmhost
from tests.contract import strategies
from tests.emitter.helpers import LiveHost, summed
from wasmhost.contract.encode import encode_event, numbered
from wasmhost.contract.hooks import EARLY_HOOKS, HOOK_BY_NAME
from wasmhost.emitter.replay import unnumbered

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.contract.records import Payload


def test_a_real_trace_comes_out_as_it_was(tmp_path: Path) -> None:
    """All events in order, numbered as one emitter's own; the hooks are those of the trace."""
    with LiveHost(tmp_path) as host:
        host.start()
        for recording in (REAL, SYNTHETIC):
            result = wasmhost("emit", "--from", recording, "--to", host.address, "--json", cwd=tmp_path)
            count = len(trace(recording))
            assert (result.code, result.err) == (0, "")
            assert result.json == {"emitted": count, "delivered": count, "dropped": 0, "rejected": 0}
        result = wasmhost(
            *("emit", "--from", "-", "--to", host.address, "--src", "mine", "--rate", "1000"),
            cwd=tmp_path,
            stdin=event(7) + b"\x01" + event(8, src="another"),
        )
        assert (result.code, result.out) == (0, "")
        assert result.err == "2 emitted, 2 delivered, 0 dropped, 1 rejected\n"
        events = [*trace(REAL), *trace(SYNTHETIC)]
        assert summed(host.stop())["events"] == len(events) + 2
        assert host.heard[-2:] == [("mine", 0), ("mine", 1)]
        heard = [hook for hook, (src, _) in zip(host.hooks, host.heard, strict=True) if src != "mine"]
        wanted = [
            one["hook"]
            for one in events
            if one["hook"] in HOOK_BY_NAME and ("ctx" in one or one["hook"] in EARLY_HOOKS)
        ]
        assert heard == wanted


def test_a_host_that_is_not_there_is_waited_for_and_given_up(tmp_path: Path) -> None:
    """With what was wrong, and exit code 2: nothing was delivered."""
    place = f"unix:{tmp_path}/h.sock"
    result = wasmhost("emit", "--from", REAL, "--to", place, "--wait", "0.2", "--json", cwd=tmp_path)
    count = len(trace(REAL))
    assert result.code == 2
    assert result.json == {"emitted": count, "delivered": 0, "dropped": count, "rejected": 0}
    (line,) = result.complaints
    assert line == f"the host did not take {count} of {count} events: cannot reach {place}: " + (
        "no such file or directory"
    )


def test_an_end_that_is_cut_off_is_told(tmp_path: Path) -> None:
    """What stands before it is delivered."""
    recording = tmp_path / "cut.cborseq"
    recording.write_bytes(event(0) + event(1)[:-1])
    with LiveHost(tmp_path) as host:
        host.start()
        result = wasmhost("emit", "--from", recording, "--to", host.address, "--json", cwd=tmp_path)
        assert (result.code, result.json["delivered"]) == (1, 1)
        assert "truncated" in result.complaints[0]
        host.stop()


def test_interrupted_it_sends_what_it_has_read(tmp_path: Path) -> None:
    """And is done in good order."""
    with LiveHost(tmp_path) as host:
        host.start()
        options = ("emit", "--from", REAL, "--to", host.address, "--rate", "20", "--json")
        with started(*options, cwd=tmp_path) as run:
            eventually(lambda: bool(host.has_reported))
            time.sleep(0.1)
            run.send_signal(signal.SIGINT)
            result = ended(run)
        assert result.code == 0
        sent = json.loads(result.out)
        assert 0 < sent["delivered"] == sent["emitted"] < len(trace(REAL))
        assert summed(host.stop())["events"] == sent["delivered"]


@pytest.mark.parametrize(
    "options",
    [
        ("--to", "h.sock"),
        ("--to", "tcp:example.org:4100"),
        ("--to", "unix:h.sock", "--rate", "0"),
        ("--to", "unix:h.sock", "--rate", "nan"),
        ("--to", "unix:h.sock", "--wait", "-1"),
        ("--to", "tcp:localhost:1", "--ca", "ca.pem"),
        ("--to", "unix:h.sock", "--token-file", "gone"),
        ("--to", "unix:h.sock", "--from", "gone.cborseq"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Exit code 2."""
    result = wasmhost("emit", "--from", REAL, *options, cwd=tmp_path)
    assert (result.code, len(result.complaints), result.out) == (2, 1, "")


@given(strategies.hook_calls, st.dictionaries(st.text(max_size=5), st.integers(0, 300), max_size=30))
def test_an_event_that_is_numbered_anew_is_the_same_but_for_that(
    call: tuple[str, Payload | None], more: dict[str, object]
) -> None:
    """And in deterministic encoding, also with keys that nobody knows."""
    hook, payload = call
    whole = {**more, **cbor2.loads(encode_event(hook, 3, 1, strategies.CTX, payload, "recorded"))}
    data = cbor2.dumps(whole, canonical=True)
    del whole["src"]
    assert numbered(unnumbered(data), 12_345) == cbor2.dumps({**whole, "seq": 12_345}, canonical=True)

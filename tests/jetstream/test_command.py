"""``wasmhost run --from nats://…`` as users meet it: its summary, its end, passwords and mistakes."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import ROOT, accounted, ended, started, wasmhost
from tests.jetstream.counting import counting_guest
from tests.jetstream.helpers import NAMES, found_count, linked, publish, read_all
from tests.nats_server import NatsServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.helpers import Result

ONE_USER = 'authorization { users: [{ user: "observer", password: "s3cret word" }] }'


def run(*more: str | Path, cwd: Path) -> Result:
    """Run the command where it ends by itself, for a reason."""
    return wasmhost("run", "--observer", "counting.wasm", *more, cwd=cwd)


async def test_a_run_and_its_summary(nats_server: NatsServer, tmp_path: Path) -> None:
    """It makes the streams, takes events until SIGTERM, and sums up all its partitions."""
    counting_guest(tmp_path)
    options = ["--observer", "counting.wasm", "--grant", "state", "--json"]
    with started("run", "--from", nats_server.url, *options, cwd=tmp_path) as process:
        async with linked(nats_server) as link:
            await publish(link, [(node, seq) for seq in range(3) for node in range(40)])
            await publish(link, [(node, 0) for node in range(7)], again="again-")
            while await found_count(link) < 120:  # noqa: ASYNC110 - another process makes them
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        result = await asyncio.to_thread(ended, process)
    assert result.code == 0, result.err
    summary = result.json
    assert (summary["events"], summary["rejected"], summary["duplicates"]) == (120, 0, 7)
    assert accounted(summary)
    line = result.observer("counting")
    assert (line["delivered"], line["reports"], line["state"]) == (120, 120, "running")
    assert line["fuel"]["p50"] > 0
    report = json.loads((await read_all(nats_server, f"{NAMES.prefix}.reports.>"))[0])
    assert report.items() >= {"what": "report", "observer": "counting", "topic": "count", "seq": 0}.items()


async def test_a_server_that_wants_a_password(tmp_path: Path) -> None:
    """It comes from a file; a wrong one, or none, is an error in one line."""
    counting_guest(tmp_path)
    (tmp_path / "password").write_text("s3cret word\n")
    (tmp_path / "server").mkdir()
    head = '[[observer]]\nmodule = "counting.wasm"\ngrant = ["report", "state"]\n[jetstream]\n'
    (tmp_path / "right.toml").write_text(f'{head}user = "observer"\npassword_file = "password"\n')
    (tmp_path / "none.toml").write_text(head)
    with NatsServer(tmp_path / "server", ONE_USER) as server:
        refused = wasmhost("run", "--from", server.url, "--config", "none.toml", cwd=tmp_path)
        assert refused.code == 2
        assert "Authorization Violation" in refused.complaints[0]
        with started("run", "--from", server.url, "--config", "right.toml", cwd=tmp_path) as process:
            assert process.stderr is not None
            while b"partition taken" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGTERM)
            assert ended(process).code == 0


def test_stopped_while_the_server_is_away(nats_server: NatsServer, tmp_path: Path) -> None:
    """It waits for it no longer than drain_s, and ends well: what it holds, others take."""
    counting_guest(tmp_path)
    head = '[host]\ndrain_s = 0.5\n[[observer]]\nmodule = "counting.wasm"\ngrant = ["report", "state"]\n'
    (tmp_path / "w.toml").write_text(head)
    options = ["--from", nats_server.url, "--config", "w.toml", "--json"]
    with started("run", *options, cwd=tmp_path) as process:
        assert process.stderr is not None
        while b"partition taken" not in process.stderr.readline():
            pass
        nats_server.stop()
        while b"connection lost" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        result = ended(process)
    assert result.code == 0
    assert result.json["events"] == 0


def test_no_server(tmp_path: Path) -> None:
    """The message names the address, and nothing is left behind."""
    counting_guest(tmp_path)
    result = run("--from", "nats://127.0.0.1:9/x", cwd=tmp_path)
    assert result.code == 2
    assert result.complaints == ["cannot connect to nats://127.0.0.1:9: connection refused"]


async def test_a_server_without_jetstream(tmp_path: Path) -> None:
    """It says that that is what is missing."""
    counting_guest(tmp_path)
    (tmp_path / "server").mkdir()
    account = 'accounts { A: { users: [{ user: "a", password: "b" }] } }\nno_auth_user: "a"'
    with NatsServer(tmp_path / "server", account) as server:
        result = run("--from", server.url, cwd=tmp_path)
    assert result.code == 2
    assert "JetStream" in result.complaints[0]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("partitions = 0", ":2: partitions in [jetstream] must be a whole number from 1 to 1024, not 0"),
        (
            'partition = 8\nstream = "a"',
            ':2: unknown key "partition" in [jetstream]; did you mean "partitions"?',
        ),
        ('stream = "a.b"', ":2: stream in [jetstream] must be up to 64 letters, digits, '_' and '-', not"),
        ('subjects = "a.*"', ":2: subjects in [jetstream] must be words of letters"),
        ('\ntls_cert = "c.pem"', ":3: tls_cert in [jetstream] needs tls_key, too"),
        ('user = "u"', ":2: user in [jetstream] needs password_file, too"),
    ],
)
def test_mistakes_in_the_configuration(tmp_path: Path, lines: str, complaint: str) -> None:
    """Each names its line."""
    counting_guest(tmp_path)
    (tmp_path / "w.toml").write_text(f"[jetstream]\n{lines}\n")
    result = run("--from", "nats://127.0.0.1:9", "--config", "w.toml", cwd=tmp_path)
    assert result.code == 2
    assert result.complaints[0].startswith(f"w.toml{complaint}")


def test_without_nats_py(tmp_path: Path) -> None:
    """It says what to install."""
    counting_guest(tmp_path)
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "__init__.py").write_text("raise ImportError('none')")
    result = wasmhost(
        "run",
        "--observer",
        "counting.wasm",
        "--from",
        "nats://127.0.0.1:9",
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
    )
    assert result.code == 2
    assert result.complaints == ["NATS needs nats-py: pip install 'wasmhost[nats]'"]

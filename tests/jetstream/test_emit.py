"""``wasmhost emit --to nats://…``: a recording goes into a stream, and out of it to observers."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING

from tests.cli.helpers import REAL, accounted, ended, recorder, started, trace, wasmhost
from tests.jetstream.helpers import NAMES, linked, read_all
from tests.jetstream.test_bridge import stored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nats_server import NatsServer

REPORTS = f"{NAMES.prefix}.reports.>"


async def test_a_recording_through_a_stream(nats_server: NatsServer, tmp_path: Path) -> None:
    """What an observer is told, and reports, is as if it had read the file."""
    count = len(trace(REAL))
    options = ["--to", nats_server.url, "--src", "trace", "--json"]
    for _ in range(2):  # once more is nothing new
        sent = await asyncio.to_thread(wasmhost, "emit", "--from", REAL, *options, cwd=tmp_path)
        assert (sent.code, sent.err) == (0, "")
        assert sent.json == {"emitted": count, "delivered": count, "dropped": 0, "rejected": 0}
    assert sum(map(len, (await stored(nats_server)).values())) == count
    chosen: list[str | Path] = ["--observer", recorder(tmp_path / "recorder.wasm")]
    plain = wasmhost("run", *chosen, "--from", REAL, "--json", cwd=tmp_path)
    expected = [(each["seq"], each["topic"], each["body_hex"]) for each in plain.reports]
    assert len(expected) > 20
    with started("run", *chosen, "--from", nats_server.url, "--json", cwd=tmp_path) as process:
        async with linked(nats_server), asyncio.timeout(30):
            while len(await read_all(nats_server, REPORTS)) < len(expected):  # noqa: ASYNC110 - another makes them
                await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        result = await asyncio.to_thread(ended, process)
    assert result.code == 0, result.err
    assert result.json["events"] == count
    assert accounted(result.json)
    found = [json.loads(data) for data in await read_all(nats_server, REPORTS)]
    assert [(each["seq"], each["topic"], each["body_hex"]) for each in found] == expected


def test_what_does_not_go_together(tmp_path: Path) -> None:
    """Options of a socket are not for a stream, and the other way round."""
    (tmp_path / "w.toml").write_text("")
    for more in (["nats://h", "--token-file", "w.toml"], ["unix:s", "--config", "w.toml"]):
        (tmp_path / "w.toml").write_text("" if "--config" in more else "token")
        result = wasmhost("emit", "--from", REAL, "--to", *more, cwd=tmp_path)
        assert result.code == 2
        assert more[1] in result.complaints[0]


def test_no_server(tmp_path: Path) -> None:
    """One line says so."""
    result = wasmhost("emit", "--from", REAL, "--to", "nats://127.0.0.1:9", cwd=tmp_path)
    assert result.code == 2
    assert result.complaints == ["cannot connect to nats://127.0.0.1:9: connection refused"]

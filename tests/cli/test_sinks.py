"""``wasmhost sinks``: what waits, what failed, and sending it again, by a whole command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.helpers import wasmhost
from tests.sinks.helpers import delivery, report, seqs
from tests.sinks.receiver import Answer
from tests.sinks.test_outbox import nowhere
from tests.sinks.test_webhook import hook
from tests.sinks.test_webhook import receiver as receiver
from wasmhost.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sinks.receiver import Receiver


async def test_a_story(tmp_path: Path, receiver: Receiver) -> None:
    """One sink is stuck, one was refused; the command shows both, sends again, and forgets."""
    receiver.answers.append(Answer(403, body=b"no \x1b[31mway"))
    async with delivery(tmp_path, nowhere(tmp_path), hook(receiver)) as sending:
        sending.put(report(0), report(1))
        await sending.until("hook", dead=2)
        await sending.until("stuck", waiting=2)
        while not sending.status("stuck")["tries_failed"]:
            await sending.commit()
    shown = wasmhost("sinks", "--db", "x.db", cwd=tmp_path)
    assert (shown.code, shown.err) == (0, "")
    assert "no space left on device" in shown.out
    assert "\x1b" not in shown.out
    hooked, stuck = json.loads(wasmhost("sinks", "--db", "x.db", "--json", cwd=tmp_path).out)
    assert (hooked["dead"], hooked["dead_letters"], hooked["waiting"], hooked["oldest_s"]) == (2, 2, 0, None)
    assert (stuck["waiting"], stuck["kind"]) == (2, "ndjson")
    assert stuck["oldest_s"] >= 0
    dead = wasmhost("sinks", "--db", "x.db", "--dead", "hook", cwd=tmp_path).out.splitlines()
    assert seqs(json.loads(line)["record"] for line in dead) == [0, 1]
    again = wasmhost("sinks", "--db", "x.db", "--resend", "hook", cwd=tmp_path)
    assert (again.code, again.err) == (0, "2 dead letters of hook are in the outbox again\n")
    gone = wasmhost("sinks", "--db", "x.db", "--forget", "stuck", cwd=tmp_path)
    assert (gone.code, gone.err) == (0, "stuck is forgotten, with 2 records that waited for it\n")
    async with delivery(tmp_path, hook(receiver), drain_s=20):
        pass
    assert seqs(receiver.records) == [0, 1]


def test_mistakes(tmp_path: Path) -> None:
    """One line each, exit code 2."""
    Database(tmp_path / "x.db").close()
    (tmp_path / "c.toml").write_text('[host]\ndb = "x.db"\n')
    for options, words in (
        ((), "no database at wasmhost.db"),
        (("--db", "x.db", "--dead", "a"), 'x.db has no sink "a", nor any other'),
        (("--config", "c.toml", "--resend", "a"), 'x.db has no sink "a"'),
        (("--db", "x.db", "--dead", "a", "--forget", "b"), "give one of them"),
    ):
        result = wasmhost("sinks", *options, cwd=tmp_path)
        assert (result.code, result.out) == (2, "")
        assert words in result.err
        assert result.err.count("\n") == 1
    assert wasmhost("sinks", "--config", "c.toml", cwd=tmp_path).out == "no sinks in x.db\n"

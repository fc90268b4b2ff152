"""Dead letters, and what is done with sinks from outside of a host."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.panics.helpers import panic
from tests.sinks.helpers import delivery, lines, report, seqs, sink_row, until, waiting_rows
from tests.sinks.receiver import Answer, Receiver
from tests.sinks.test_ndjson import largest_file
from tests.sinks.test_outbox import file, nowhere
from tests.sinks.test_webhook import hook
from tests.sinks.test_webhook import receiver as receiver
from wasmhost.database import Database
from wasmhost.errors import DatabaseError, SinkError
from wasmhost.sinks import dead_letters, office
from wasmhost.sinks.dead_letters import Failure
from wasmhost.sinks.entry import Entry, entry_again, message, parse_json, report_entry

if TYPE_CHECKING:
    from pathlib import Path

FAILURE = Failure("hook", "no", 7, 1)


def letters(*numbers: int) -> list[Any]:
    """Make messages."""
    return [message(n, report_entry(report(n), 1, f"k-{n}", 0)) for n in numbers]


async def test_dead_letters_are_sent_again_under_their_ids(tmp_path: Path, receiver: Receiver) -> None:
    """Reports and panics, also while the host runs, for their sink alone; then the file is gone."""
    receiver.answers.append(Answer(404))
    async with delivery(tmp_path, hook(receiver), file(tmp_path), drain_s=20) as sending:
        sending.put(report(0), report(1, topic="\x1b[31m"))
        sending.panics.record(panic(seq=2))
        await sending.until("file", sent=3)
        await until(lambda: sending.status("hook")["dead"] + sending.status("hook")["sent"] == 3)
        dead = office.letters(tmp_path / "x.db", "hook")
        assert office.look(tmp_path / "x.db")[1].dead_letters == len(dead) >= 1
        assert office.resend(tmp_path / "x.db", "hook") == len(dead)
        await until(lambda: len(receiver.records) == 3)
    by_id = {record["id"]: record for record in receiver.records}
    assert by_id == {record["id"]: record for record in lines(tmp_path / "file.ndjson")}
    assert len(lines(tmp_path / "file.ndjson")) == 3
    assert not (tmp_path / "x.db-hook.dead.ndjson").exists()
    assert office.resend(tmp_path / "x.db", "hook") == 0


async def test_a_resend_that_was_killed_is_done_again(tmp_path: Path, receiver: Receiver) -> None:
    """What it had put aside comes first, then what has come since."""
    receiver.answers.extend([Answer(404)] * 2)
    async with delivery(tmp_path, hook(receiver, batch=1)) as sending:
        sending.put(report(0), report(1))
        await sending.until("hook", dead=2)
    path = tmp_path / "x.db-hook.dead.ndjson"
    first, second = path.read_text().splitlines(keepends=True)
    path.write_text(second)
    (tmp_path / "x.db-hook.dead.ndjson.resending").write_text(first)
    assert office.resend(tmp_path / "x.db", "hook") == 2
    async with delivery(tmp_path, hook(receiver), drain_s=20):
        pass
    assert seqs(receiver.records) == [0, 1]


async def test_lines_that_are_no_letters_are_named(tmp_path: Path, receiver: Receiver) -> None:
    """Nothing is sent again then, and nothing is lost."""
    receiver.answers.append(Answer(404))
    async with delivery(tmp_path, hook(receiver)) as sending:
        sending.put(report(0))
        await sending.until("hook", dead=1)
    path = tmp_path / "x.db-hook.dead.ndjson"
    for bad in (
        "nonsense",
        "[]",
        '{"record": 5}',
        '{"record": {"id": "x", "what": "report"}}',
        "[" * 100_000,
    ):
        with path.open("a") as out:
            out.write(bad + "\n")
        with pytest.raises(SinkError, match=r"\.resending:2: not a dead letter"):
            office.resend(tmp_path / "x.db", "hook")
        aside = path.with_name(path.name + ".resending")
        good = aside.read_text().splitlines()[0]
        aside.unlink()
        path.write_text(good + "\n")
    assert waiting_rows(tmp_path / "x.db") == 0
    assert office.resend(tmp_path / "x.db", "hook") == 1


async def test_forgetting(tmp_path: Path) -> None:
    """A sink that is gone lets go of what waited for it alone; not while a host sends."""
    async with delivery(tmp_path, nowhere(tmp_path), nowhere(tmp_path, "other")) as sending:
        sending.put(report(0))
        await sending.commit()
        with pytest.raises(DatabaseError, match="another host sends"):
            office.forget(tmp_path / "x.db", "stuck")
    assert [(one.sink.name, one.waiting.rows) for one in office.look(tmp_path / "x.db")] == [
        ("other", 1),
        ("stuck", 1),
    ]
    assert office.forget(tmp_path / "x.db", "stuck") == 1
    assert waiting_rows(tmp_path / "x.db") == 1
    assert office.forget(tmp_path / "x.db", "other") == 1
    assert waiting_rows(tmp_path / "x.db") == 0
    assert office.look(tmp_path / "x.db") == []


async def test_unknown_sinks(tmp_path: Path) -> None:
    """The ones that are known are named; a database without any says so."""
    Database(tmp_path / "x.db").close()
    with pytest.raises(SinkError, match='has no sink "a", nor any other'):
        office.letters(tmp_path / "x.db", "a")
    async with delivery(tmp_path, file(tmp_path)):
        pass
    for act in (office.letters, office.resend, office.forget):
        with pytest.raises(SinkError, match='has no sink "a"; it has file'):
            act(tmp_path / "x.db", "a")
    assert sink_row(tmp_path / "x.db", "file").kind == "ndjson"


def test_a_full_disk_leaves_whole_letters(tmp_path: Path) -> None:
    """What did not fit is taken back whole, and the error is raised."""
    path = tmp_path / "letters"
    dead_letters.append(path, letters(0), FAILURE)
    size = path.stat().st_size
    with largest_file(2 * size + size // 2), pytest.raises(OSError, match="too large"):
        dead_letters.append(path, letters(1, 2, 3), FAILURE)
    assert seqs(letter["record"] for letter in lines(path)) == [0]
    path.write_bytes(path.read_bytes() + b'{"half')
    dead_letters.append(path, letters(4), FAILURE)
    assert path.read_text().splitlines()[1] == '{"half'
    assert json.loads(path.read_text().splitlines()[2])["record"]["seq"] == 4
    assert path.stat().st_mode & 0o777 == 0o600


def test_letters_of_a_moment_in_which_they_are_put_aside(tmp_path: Path) -> None:
    """None is lost between a host that writes them and a command that takes them away, however often."""
    path = tmp_path / "letters"
    found: list[int] = []
    ended = threading.Event()

    def take() -> None:
        while True:
            last = ended.is_set()
            aside = dead_letters.claim(path)
            if aside is not None:
                found.extend(letter["record"]["seq"] for _, letter in dead_letters.read(aside))  # type: ignore[index]
                aside.unlink()
            elif last:
                return

    taker = threading.Thread(target=take)
    taker.start()
    for number in range(300):
        dead_letters.append(path, letters(number), FAILURE)
    ended.set()
    taker.join()
    assert sorted(found) == list(range(300))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """An OSError, for the courier to wait on."""
    with pytest.raises(FileNotFoundError):
        dead_letters.append(tmp_path / "none" / "letters", letters(0), FAILURE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["id", "what", "observer", "src", "seq", "at", "topic", "body_hex", "kind"])


@given(JSON | st.dictionaries(KEYS, JSON | st.sampled_from(["report", "panic", "00", "zz"]), min_size=6))
def test_records_that_strangers_edited(found: object) -> None:
    """Each is an entry that can be stored and sent, or a ValueError."""
    try:
        entry = entry_again(found, 1, 5)
    except ValueError:
        return
    assert isinstance(entry, Entry)
    assert 0 <= entry.seq < 2**64


@given(st.binary(max_size=40))
def test_lines_of_anything(line: bytes) -> None:
    """JSON, or a ValueError."""
    try:
        parse_json(line)
    except ValueError:
        return

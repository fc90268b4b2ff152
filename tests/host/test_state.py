"""Observers' state: one blob each, the latest wins, nothing waits for the disk."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmhost.database import Database
from wasmhost.errors import InternalError
from wasmhost.host.state import MAX_STATE, StateStore


def test_state_survives_a_run(tmp_path: Path) -> None:
    """What one run saved the next one loads; who saved nothing has nothing."""
    path = tmp_path / "x.db"
    with Database(path) as database:
        states = StateStore(database)
        states.save("a", b"one")
        states.save("a", b"two")
        states.save("b", b"")
    with Database(path) as database:
        states = StateStore(database)
        assert states.load("a") == b"two"
        assert states.load("b") == b""
        assert states.load("c") is None


def test_a_load_sees_the_save_before_it(tmp_path: Path) -> None:
    """A guest restarted within the 100 ms before a write finds what it saved, also in a locked file."""
    path = tmp_path / "x.db"
    with Database(path) as database:
        states = StateStore(database)
        with closing(sqlite3.connect(path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            states.save("a", b"unsaved")
            assert states.load("a") == b"unsaved"
            holder.execute("ROLLBACK")


def test_without_a_database_state_lives_as_long_as_the_store() -> None:
    """Nothing on disk, the same answers."""
    states = StateStore()
    assert states.load("a") is None
    states.save("a", b"x")
    assert states.load("a") == b"x"


def test_state_is_bounded(tmp_path: Path) -> None:
    """The airlock lets no more than 64 KiB through; more is our own bug and is not written."""
    with Database(tmp_path / "x.db") as database:
        states = StateStore(database)
        states.save("a", bytes(MAX_STATE))
        with pytest.raises(InternalError, match="65537 bytes"):
            states.save("a", bytes(MAX_STATE + 1))
        assert states.load("a") == bytes(MAX_STATE)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from("abc"), st.binary(max_size=3) | st.sampled_from(["load", "flush", "reopen"])
        ),
        max_size=30,
    )
)
def test_behaves_as_a_dict(steps: list[tuple[str, bytes | str]]) -> None:
    """However saves, loads, writes and new runs follow each other, a load gives the last save."""
    expected: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "x.db")
        states = StateStore(database)
        for observer, step in steps:
            if isinstance(step, bytes):
                states.save(observer, step)
                expected[observer] = step
            elif step == "load":
                assert states.load(observer) == expected.get(observer)
            elif step == "flush":
                database.flush()
            else:
                database.close()
                database = Database(Path(folder) / "x.db")
                states = StateStore(database)
        assert {name: states.load(name) for name in "abc"} == {name: expected.get(name) for name in "abc"}
        database.close()

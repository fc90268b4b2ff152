"""The log's lines, made in a process of their own, as the log's settings are a whole process's."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.helpers import environment
from wasmhost.cli.finding import finding

_BEGIN = """
import logging, sys, threading, structlog
from wasmhost.cli.logs import configure_logs
from wasmhost.cli.loglevel import LogLevel
configure_logs(LogLevel.INFO)
log = structlog.get_logger()
"""


def logged(code: str) -> list[str]:
    """What some code logs, line by line, without the time."""
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + code], env=environment(), capture_output=True, timeout=60, check=True
    )
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    return [line.partition(" ")[2] for line in done.stderr.decode().splitlines()]


def test_values_are_quoted_where_they_could_be_taken_for_two() -> None:
    """Plain words stay plain; all else is a JSON string on one line."""
    lines = logged(
        'log.info("two words", a="plain", b="x=1", c=\'say "hi"\', d="a\\nb\\x1b", e=7, f=None, g="")'
    )
    assert lines == [
        'level=info event="two words" a=plain b="x=1" c="say \\"hi\\"" d="a\\\\nb\\\\x1b" e=7 f=None g=""'
    ]


def test_what_is_less_important_is_not_shown() -> None:
    """Levels are those of --log-level."""
    assert logged('log.debug("no"); log.warning("yes")') == ["level=warning event=yes"]


def test_an_exception_is_one_line_with_its_place() -> None:
    """In the log, in a thread, and where Python can't raise it."""
    lines = logged(
        """
def fail(): raise ValueError("first\\nsecond")
try: fail()
except ValueError: log.exception("it failed")
thread = threading.Thread(target=fail, name="t"); thread.start(); thread.join()
class Bad:
    def __del__(self): fail()
Bad()
"""
    )
    assert len(lines) == 3
    for line in lines:
        assert 'exception_type=ValueError error="first\\\\nsecond" where=<string>:' in line
    assert 'event="a thread died; this is a bug" thread=t' in lines[1]


def test_what_libraries_log_goes_the_same_way() -> None:
    """The standard library's warnings come out as our lines, its chatter does not."""
    code = 'logging.getLogger("lib").info("chatter"); logging.getLogger("lib").error("x %s", "\\x1b")'
    assert logged(code) == [
        'level=error event="x \\\\x1b" logger=lib exc_info=None'.replace(" exc_info=None", "")
    ]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (
            {"topic": "event-counts", "body": {"total": 3, "events": {"on_stop": 3}}},
            "3 events so far, of 1 kinds",
        ),
        ({"topic": "event-counts", "body": {"total": "x"}}, 'event-counts: {"total": "x"}'),
        ({"topic": "event-counts", "body": None}, "event-counts: null"),
        ({"topic": "something\x1b", "body": [1]}, "something\\x1b: [1]"),
        (
            {
                "topic": "relay-share",
                "body": {"realm": 7, "crossed": "above", "share-permille": 305, "relayed": 61, "total": 200},
            },
            "realm 7 is above the threshold: 30.5 % of connections are relayed",
        ),
    ],
)
def test_a_report_in_words(report: dict[str, object], words: str) -> None:
    """The prebuilt guests' reports are put into words; whatever else a guest may send is shown as it is."""
    assert finding(report) == words

"""What is over an observer's rates, as the summary of a run tells it."""

from __future__ import annotations

import json

from wasmhost.cli.summary import summary_json, summary_table
from wasmhost.cli.terminal import Terminal
from wasmhost.host.counters import ObserverSummary, Summary, Suppressed

QUIET = ObserverSummary("quiet", "ab", "running", delivered=3)
LOUD = ObserverSummary(
    "loud", "cd", "running", delivered=3, suppressed=Suppressed(logs=1_200, log_bytes=9_000, reports=34)
)
REFUSED = ObserverSummary("gone", None, "refused", reason="it is empty")


def test_the_json_has_every_kind_for_each_that_ran() -> None:
    """At the end of its keys; a refused one has none."""
    observers = json.loads(summary_json(Summary(3, 0, (QUIET, LOUD, REFUSED))))["observers"]
    assert list(observers[0])[-1] == "suppressed"
    assert set(observers[0]["suppressed"].values()) == {0}
    assert observers[1]["suppressed"] == {
        "logs": 1_200,
        "log_bytes": 9_000,
        "reports": 34,
        "report_bytes": 0,
        "state": 0,
        "metrics": 0,
    }
    assert "suppressed" not in observers[2]


def test_the_table_has_a_column_only_where_there_is_something_in_it() -> None:
    """Bytes are not among the things it counts."""
    screen = Terminal(None, colour=False)
    assert "suppressed" not in summary_table(Summary(3, 0, (QUIET, REFUSED)), screen)
    shown = summary_table(Summary(3, 0, (QUIET, LOUD, REFUSED)), screen)
    assert "suppressed" in shown
    assert "1,234" in shown

"""A shard's log: configured for a whole process, so it is tried in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.timeout(60)

SCRIPT = """
import json, logging, structlog
from wasmhost.shards.lines import send_lines

told = []
send_lines(lambda level, event, fields: told.append((level, event, {**fields})), logging.INFO)
log = structlog.stdlib.get_logger("any")
log.debug("too little")
log.info("seen", count=1)
log.warning("hm", observer="a", what=None)
log.warn("old name")
log.error("bad", exc_info=ValueError("why"))
try:
    raise KeyError("k")
except KeyError:
    log.exception("caught")
print(json.dumps(told))
"""


def test_lines_are_told_with_their_level_and_fields_and_nothing_is_written() -> None:
    """From the level on; of an error its type and its words come along, and no traceback."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told[:4] == [
        ["info", "seen", {"count": 1}],
        ["warning", "hm", {"observer": "a", "what": None}],
        ["warning", "old name", {}],
        ["error", "bad", {"exception_type": "ValueError", "error": "why"}],
    ]
    level, event, fields = told[4]
    assert (level, event) == ("error", "caught")
    assert fields == {"exception_type": "KeyError", "error": "'k'"}

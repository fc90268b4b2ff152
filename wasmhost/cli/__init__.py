"""The command line: parsing in one module per command, and what speaks to a person. Work is elsewhere.

Nothing here is imported before it is needed: ``wasmhost --help`` loads no engine.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the process's arguments name, and exit with its code."""
    # SIGINT ends us as it ends any program, without Python's traceback; a run handles it by itself. Where
    # whoever started us had it ignored, it stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from wasmhost.cli.app import call

    sys.exit(call(sys.argv[1:]))

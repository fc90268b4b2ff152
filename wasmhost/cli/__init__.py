"""The command line: parsing in one module per command, and what speaks to a person. Work is elsewhere.

Nothing here is imported before it is needed: ``wasmhost --help`` loads no engine.
"""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the process's arguments name, and exit with its code."""
    from wasmhost.cli.app import call

    sys.exit(call(sys.argv[1:]))

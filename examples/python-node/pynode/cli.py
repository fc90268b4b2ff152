"""The command line: ``signaling``, ``node`` and ``demo``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from pynode.commands import CommandError, demo, node, signaling
from wasmhost import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {"demo": demo, "node": node, "signaling": signaling}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0 done, 1 it could not be done, 2 wrong options."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_COMMANDS[options.command](options))
    except (CommandError, UserError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python examples/python-node", description="A small node of real parts."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _demo_options(commands.add_parser("demo", help="a server and two nodes, and what befalls them"))
    _node_options(commands.add_parser("node", help="one node, until it is stopped"))
    _signaling_options(commands.add_parser("signaling", help="a signaling server, until it is stopped"))
    return parser


def _demo_options(parser: argparse.ArgumentParser) -> None:
    _emitter_options(parser)


def _node_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="a-z, 0-9 and -")
    parser.add_argument("--signaling", required=True, metavar="URL", help="ws://HOST:PORT of the server")
    parser.add_argument("--realm", type=int, default=7, help="whose peers see each other (default: 7)")
    parser.add_argument("--say", metavar="TEXT", help="ask this of every peer again and again")
    parser.add_argument("--every", type=float, default=1.0, metavar="S", help="how often (default: 1)")
    parser.add_argument("--pause", type=float, default=0.02, metavar="S", help="how long the handler takes")
    parser.add_argument("--heartbeat", type=float, default=1.0, metavar="S", help="between heartbeats")
    _emitter_options(parser)


def _signaling_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=8765, help="0 is any that is free (default: 8765)")
    parser.add_argument(
        "--credential", type=float, default=60.0, metavar="S", help="credentials last so long"
    )


def _emitter_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", metavar="PLACE", help="where wasmhost listens: unix:PATH or tcp:HOST:PORT")
    parser.add_argument("--json", action="store_true", help="end with the emitter's counts as JSON")

"""What the commands do, once the command line is read."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from pynode.credentials import Issuer
from pynode.demo import run_demo
from pynode.echo import Echo
from pynode.identity import is_name
from pynode.node import Node, NodeConfig, RefusedError
from pynode.outlets import Outlets
from pynode.peer import Heartbeat
from pynode.signaling import SignalingRefusedError
from pynode.signaling_server import SignalingServer
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from argparse import Namespace


class CommandError(Exception):
    """A command that cannot be carried out; the message is for the user."""


async def signaling(options: Namespace) -> None:
    """Serve nodes until stopped."""
    stop = _stop_at_signals()
    try:
        async with SignalingServer(Issuer(options.credential)).listen(options.host, options.port) as url:
            _print(f"signaling server at {url}")
            await stop.wait()
    except OSError as error:
        raise CommandError(f"cannot listen on {options.host}:{options.port}: {error.strerror}") from None


async def node(options: Namespace) -> None:
    """Run one node until stopped."""
    if not is_name(options.name):
        raise CommandError(f"{options.name!r} is no name for a node: a-z, 0-9 and - make one")
    stop = _stop_at_signals()
    beat = options.heartbeat
    config = NodeConfig(options.name, options.signaling, options.realm, Heartbeat(beat, 3 * beat, 6 * beat))
    with Outlets(options.to, _say) as outlets:
        running = Node(config, outlets.hooks(options.name), Echo(options.pause))
        talking = asyncio.create_task(_talk(running, options.say, options.every)) if options.say else None
        try:
            await running.run(stop)
        except SignalingRefusedError as error:
            raise CommandError(f"the signaling server refuses {options.name}: {error}") from None
        finally:
            if talking is not None:
                talking.cancel()
    _tell_counts(outlets, as_json=options.json)


async def demo(options: Namespace) -> None:
    """Play the demo."""
    with Outlets(options.to, _say) as outlets:
        await run_demo(outlets.hooks, _headline)
    _tell_counts(outlets, as_json=options.json)


async def _talk(node: Node, text: str, every_s: float) -> None:
    """Ask every peer the same thing again and again, and print what they say."""
    while True:
        await asyncio.sleep(every_s)
        for peer in node.mesh.peers:
            try:
                reply = await asyncio.wait_for(node.ask(peer, text), 5 * every_s)
            except (ConnectionError, RefusedError, TimeoutError) as error:
                _print(f"  {peer}: {type(error).__name__} {escape_untrusted(str(error), 200)}".rstrip())
            else:
                _print(f"  {peer}: {escape_untrusted(reply, 200)}")


def _stop_at_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _tell_counts(outlets: Outlets, *, as_json: bool) -> None:
    """Say what became of the events; the emitters are closed, so nothing is pending."""
    if as_json:
        _print(json.dumps({name: {"src": src, **asdict(counts)} for name, src, counts in outlets.counts()}))
        return
    for name, _src, counts in outlets.counts():
        _print(f"{name}: {counts.emitted} emitted = {counts.delivered} delivered + {counts.dropped} dropped")


def _headline(text: str) -> None:
    _print(text if text.startswith(" ") else f"\n{text}")


def _say(name: str, line: str) -> None:
    now = datetime.now().strftime("%H:%M:%S.%f")[:-3]
    _print(f"{now}  {name:8}  {escape_untrusted(line, 400)}")  # peers have a say in it


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

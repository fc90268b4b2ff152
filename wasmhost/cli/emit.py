"""``wasmhost emit``: a recording sent to a host, as a node sends its events."""

import json as json_format
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wasmhost.cli.loglevel import LogLevel
from wasmhost.cli.options import JsonOption
from wasmhost.cli.stopping import StopRequest
from wasmhost.cli.terminal import ReaderGone, complain, forget, put, say
from wasmhost.errors import ConfigError

if TYPE_CHECKING:
    from wasmhost.cli.emit_session import Emitted
    from wasmhost.emitter import Tls


def emit(
    source: Annotated[
        str,
        typer.Option("--from", metavar="FILE|-", help='Recorded events: a file, or "-" (standard input).'),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="HOST", help="unix:PATH or tcp:HOST:PORT of a host, or nats://HOST:PORT."
        ),
    ],
    src: Annotated[
        str | None,
        typer.Option("--src", metavar="NAME", help="Who we say we are; new each time.  [default: random]"),
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="N", help="At most so many events a second.")
    ] = None,
    wait: Annotated[
        float,
        typer.Option("--wait", metavar="S", help="Seconds until a host that takes nothing is given up."),
    ] = 10.0,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="Holds the token the host asks for.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="TLS: who signed the host's certificate.")
    ] = None,
    cert: Annotated[
        Path | None, typer.Option("--cert", metavar="FILE", help="TLS: our own certificate.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="TLS: its key.")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="For nats://: [jetstream] of this file says how."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Send recorded events to a host, over its socket, as a node does; or into a stream that hosts share.

    To a host they are numbered anew, as events of one emitter; in a stream each keeps its source and
    number. Their times, contexts and payloads stay. Nothing is dropped as long as the host takes
    something now and then: it is waited for. SIGINT or SIGTERM ends the reading, and what was read is
    still sent; a second SIGINT ends it at once.
    """
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise ConfigError(f"--rate: {rate:g} events a second is no rate: it is more than 0")
    if not (math.isfinite(wait) and wait >= 0):
        raise ConfigError(f"--wait: {wait:g} is no time to wait")
    with StopRequest() as stop:
        outcome = _emit(source, to, src, _token(token_file), _tls(ca, cert, key), rate, wait, stop, config)
    _show(outcome, as_json=json)
    return _verdict(outcome)


def _emit(
    source: str,
    to: str,
    src: str | None,
    token: str | None,
    tls: "Tls | None",
    rate: float | None,
    wait: float,
    stop: StopRequest,
    config: Path | None,
) -> "Emitted":
    import asyncio

    from wasmhost.cli.emit_session import emit_all, open_target
    from wasmhost.cli.logs import configure_logs
    from wasmhost.config import load_config

    configure_logs(LogLevel.WARN)
    troubles: list[str] = []
    stream = None if config is None else load_config(config).jetstream
    with open_target(to, troubles, src=src, token=token, tls=tls, wait=wait, stream=stream) as target:
        return asyncio.run(emit_all(source, target, troubles, rate, stop))


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"--token-file: cannot read {file}: {reason[:1].lower() + reason[1:]}") from error
    if not token:
        raise ConfigError(f"--token-file: there is nothing in {file}")
    return token


def _tls(ca: Path | None, cert: Path | None, key: Path | None) -> "Tls | None":
    from wasmhost.emitter import Tls

    if ca is None and cert is None and key is None:
        return None
    if ca is None or cert is None or key is None:
        raise ConfigError("--ca, --cert and --key go together: TLS needs all three")
    return Tls(ca, cert, key)


def _show(outcome: "Emitted", *, as_json: bool) -> None:
    sent = outcome.sent
    if not as_json:
        say(
            f"{sent.emitted:,} emitted, {sent.delivered:,} delivered, {sent.dropped:,} dropped, "
            f"{outcome.rejected:,} rejected\n"
        )
        return
    counts = {"emitted": sent.emitted, "delivered": sent.delivered, "dropped": sent.dropped}
    try:
        put(json_format.dumps({**counts, "rejected": outcome.rejected}) + "\n")
    except ReaderGone:
        forget(sys.stdout)


def _verdict(outcome: "Emitted") -> int:
    """Name all that went wrong, and return the exit code."""
    sent = outcome.sent
    for line in outcome.unread:
        complain(line)
    if sent.dropped:
        trouble = f": {outcome.trouble}" if outcome.trouble else ""
        complain(f"the host did not take {sent.dropped} of {sent.emitted} events{trouble}")
        return 1 if sent.delivered else 2
    return 1 if outcome.unread else 0

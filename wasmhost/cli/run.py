"""``wasmhost run``: options to a configuration, a run's outcome to streams and an exit code."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from wasmhost.cli.loglevel import LogLevel
from wasmhost.cli.options import GrantOption, JsonOption, one_of
from wasmhost.cli.stopping import StopRequest
from wasmhost.cli.terminal import ReaderGone, forget, put, say, terminal
from wasmhost.cli.verdict import verdict
from wasmhost.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wasmhost.cli.outcome import Outcome
    from wasmhost.cli.reloading import Reloading
    from wasmhost.config import HostConfig

Isolation = Literal["process", "thread"]


def run(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help='Where events come from: a file, "-" (standard input), unix:PATH, tcp:HOST:PORT or '
            "nats://HOST:PORT/STREAM.",
        ),
    ],
    observer: Annotated[
        list[Path] | None,
        typer.Option("--observer", metavar="MODULE", help="A WebAssembly module to run. Can be repeated."),
    ] = None,
    grant: GrantOption = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Read observers and limits from this file (wasmhost.toml)."
        ),
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option("--db", metavar="FILE", help="Panic log and observers' state.  [default: wasmhost.db]"),
    ] = None,
    panics: Annotated[Path | None, typer.Option("--panics", metavar="FILE", help="The same as --db.")] = None,
    reports: Annotated[
        str | None,
        typer.Option("--reports", metavar="PATH|-", help="Where reports go, as NDJSON.  [default: -]"),
    ] = None,
    isolation: Annotated[
        Isolation | None,
        typer.Option("--isolation", help="Run observers in processes of their own, or in threads."),
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(
            "--shards", metavar="N", min=1, max=64, help="How many processes.  [default: one per processor]"
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Reload when the --config file or a module of it changes."),
    ] = False,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="ADDR",
            help="Serve metrics, health and readiness at this address, such as 127.0.0.1:9464.",
        ),
    ] = None,
    json: JsonOption = False,
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="The least important log lines to show.")
    ] = LogLevel.INFO,
) -> int:
    """Give a source's events to observers.

    A file or standard input is read to its end, a socket until the run is stopped. Standard output
    carries reports, and with --json the summary as its last line; the log and the summary for people
    go to standard error. SIGINT or SIGTERM ends a run in good order, a second SIGINT at once; SIGHUP
    reads the --config file anew.
    """
    where = one_of(db, panics, "--db and --panics")

    def read() -> "HostConfig":
        settings = _configuration(config, observer or (), grant or ())
        settings = _isolated(_redirected(settings, where, reports), isolation, shards)
        return settings if metrics is None else _listening(settings, metrics)

    with StopRequest(hang_up_ends=config is None) as stop:
        settings = read()
        how = _reloading(config, settings, read, stop, watch=watch)
        outcome = _play(settings, source, log_level, stop, how)
        _show(outcome, as_json=json)
    return verdict(outcome)


def _reloading(
    file: Path | None,
    settings: "HostConfig",
    read: "Callable[[], HostConfig]",
    stop: StopRequest,
    *,
    watch: bool,
) -> "Reloading | None":
    """How the configuration is read anew, where there is one in a file."""
    if file is None:
        if watch:
            raise ConfigError("--watch is for a file given with --config")
        return None
    from wasmhost.cli.reloading import Reloading, looks

    return Reloading(file, read, lambda: stop.hung_up, looks(file, settings) if watch else None)


def _configuration(file: Path | None, modules: "Sequence[Path]", grants: "Sequence[str]") -> "HostConfig":
    """Return the observers and settings of the file, and those observers the options name."""
    from wasmhost.config import HostConfig, load_config

    settings = (load_config(file) if file is not None else HostConfig()).with_observers(modules, grants)
    if not settings.observers:
        raise ConfigError("no observer: name one with --observer MODULE, or in a file given with --config")
    if grants and not modules:
        raise ConfigError("--grant is for observers named by --observer; in the file, say grant = […]")
    return settings


def _redirected(settings: "HostConfig", db: Path | None, reports: str | None) -> "HostConfig":
    """Return the same with what the options say of where it writes to."""
    settings = settings if db is None else replace(settings, db=db)
    return settings if reports is None else replace(settings, reports=reports)


def _isolated(settings: "HostConfig", isolation: Isolation | None, shards: int | None) -> "HostConfig":
    """Return the same with what the options say of where observers run."""
    settings = replace(settings, isolation=isolation or settings.isolation or "process")
    if shards is None:
        return settings
    if settings.isolation != "process":
        raise ConfigError("--shards is for observers in processes, and these run in threads")
    return replace(settings, shards=shards)


def _listening(settings: "HostConfig", address: str) -> "HostConfig":
    """Return the same with where it serves its telemetry."""
    from wasmhost.config.telemetry import parse_address

    return replace(settings, telemetry=replace(settings.telemetry, listen=parse_address(address)))


def _play(
    settings: "HostConfig", source: str, level: LogLevel, stop: StopRequest, reload: "Reloading | None"
) -> "Outcome":
    import asyncio

    from wasmhost.cli.logs import configure_logs
    from wasmhost.cli.session import play

    configure_logs(level)
    return asyncio.run(play(settings, source, stop, reload))


def _show(outcome: "Outcome", *, as_json: bool) -> None:
    from wasmhost.cli.summary import summary_json, summary_table

    if not as_json:
        say(summary_table(outcome.summary, terminal(sys.stderr)))
        return
    try:
        put(summary_json(outcome.summary) + "\n")
    except ReaderGone:
        forget(sys.stdout)

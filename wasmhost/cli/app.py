"""The commands by name, and what becomes of what they raise: an exit code, and at most one line."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from wasmhost.cli.audit import audit
from wasmhost.cli.bench import bench
from wasmhost.cli.build import build
from wasmhost.cli.check_config import check_config
from wasmhost.cli.demo import demo
from wasmhost.cli.emit import emit
from wasmhost.cli.grants import grants
from wasmhost.cli.inspect import inspect
from wasmhost.cli.new import new
from wasmhost.cli.panics import panics
from wasmhost.cli.run import run
from wasmhost.cli.sinks import sinks
from wasmhost.cli.terminal import ReaderGone, complain, forget, put, unwritable
from wasmhost.cli.test import golden
from wasmhost.cli.version import version
from wasmhost.errors import UserError

BUG = 70
"""Exit code for a bug of ours (EX_SOFTWARE): nothing a user does leads to it."""
_STREAM_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EPIPE}

_EXAMPLES = """\b
Examples:
  wasmhost demo
  wasmhost run --observer relay-watch.wasm --from trace.cborseq --json
  wasmhost panics --db wasmhost.db
"""
_RUN_EXAMPLES = """\b
Examples:
  wasmhost run --observer pager.wasm --from trace.cborseq
  wasmhost run --config wasmhost.toml --from unix:/run/wasmhost.sock
  node-recorder | wasmhost run --observer counter.wasm --grant state --from - --json

\b
Exit codes: 0 done, also when observers panicked; 1 an observer was missing or
refused, or part of the input could not be read; 2 wrong options, configuration,
source or database; 130 interrupted twice.
"""
_PANICS_EXAMPLES = """\b
Examples:
  wasmhost panics
  wasmhost panics wasmhost.db --json
"""
_SINKS_EXAMPLES = """\b
Examples:
  wasmhost sinks
  wasmhost sinks --config wasmhost.toml --json
  wasmhost sinks --resend pager
"""
_INSPECT_EXAMPLES = """\b
Examples:
  wasmhost inspect relay-watch.wasm
  wasmhost inspect counter.wasm --grant state --json
"""
_GRANTS_EXAMPLES = """\b
Examples:
  wasmhost grants --config wasmhost.toml
  wasmhost grants --observer relay-watch.wasm --grant self --json

\b
Exit codes: 0 done; 1 an observer would be refused with these grants; 2 wrong
options, configuration or database.
"""
_CHECK_CONFIG_EXAMPLES = """\b
Examples:
  wasmhost check-config
  wasmhost check-config /etc/wasmhost.toml --json && systemctl reload wasmhost

\b
Exit codes: 0 a run would take it; 1 an observer would be refused, or a place
cannot be written to; 2 wrong options, or what the configuration says is wrong.
"""
_BENCH_EXAMPLES = """\b
Examples:
  wasmhost bench
  wasmhost bench --json > figures.json
  wasmhost bench --start relay-watch.wasm
"""
_NEW_EXAMPLES = """\b
Examples:
  wasmhost new relay-watch --lang zig
  wasmhost new relay-watch --lang python --dir observers/relay-watch
"""
_BUILD_EXAMPLES = """\b
Examples:
  wasmhost build
  wasmhost build relay-watch --out relay-watch.wasm --json
  wasmhost build relay-watch --component

\b
Exit codes: 0 built; 1 the compiler refused the source, or a host the module;
2 wrong options or observer.toml, a missing toolchain, or nowhere to write to.
"""
_TEST_EXAMPLES = """\b
Examples:
  wasmhost test
  wasmhost test relay-watch -k quiet --update
  wasmhost test relay-watch --module relay-watch.wasm --json

\b
Exit codes: 0 all tests passed; 1 some did not, or the build did not; 2 wrong
options, observer.toml or events, no tests, or a missing toolchain.
"""
_AUDIT_EXAMPLES = """\b
Examples:
  wasmhost audit
  wasmhost audit --isolation thread --json > audit.json
  wasmhost audit my-cases --class my-cases

\b
Exit codes: 0 everything was contained; 1 something was not; 2 wrong options,
or a case that cannot be read.
"""
_EMIT_EXAMPLES = """\b
Examples:
  wasmhost emit --from trace.cborseq --to unix:/run/wasmhost.sock
  wasmhost emit --from - --to tcp:localhost:4100 --rate 100 --json

\b
Exit codes: 0 all was delivered; 1 some of it was not, or part of the input could
not be read; 2 wrong options or source, or the host took nothing at all; 130
interrupted twice.
"""
_DEMO_EXAMPLES = """\b
Example:
  wasmhost demo
"""

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        put(f"wasmhost {version()}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show the version and exit.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Run untrusted observers of a node's events as WebAssembly guests, and keep a log of their panics."""
    if ctx.invoked_subcommand is None:
        *names, last = ctx.command.list_commands(ctx)  # type: ignore[attr-defined]  # it is a group
        raise UserError(f"no command given: {', '.join(names)} or {last}; see wasmhost --help")


app.command(epilog=_RUN_EXAMPLES)(run)
app.command(epilog=_INSPECT_EXAMPLES)(inspect)
app.command(epilog=_PANICS_EXAMPLES)(panics)
app.command(epilog=_SINKS_EXAMPLES)(sinks)
app.command(epilog=_GRANTS_EXAMPLES)(grants)
app.command("check-config", epilog=_CHECK_CONFIG_EXAMPLES)(check_config)
app.command(epilog=_NEW_EXAMPLES)(new)
app.command(epilog=_BUILD_EXAMPLES)(build)
app.command(epilog=_EMIT_EXAMPLES)(emit)
app.command("test", epilog=_TEST_EXAMPLES)(golden)
app.command(epilog=_BENCH_EXAMPLES)(bench)
app.command(epilog=_AUDIT_EXAMPLES)(audit)
app.command(epilog=_DEMO_EXAMPLES)(demo)


def call(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code. Raises nothing: what goes wrong is told in one line."""
    try:
        code = app(args=list(arguments), prog_name="wasmhost", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (ReaderGone, SystemExit):  # Typer makes the latter of a broken pipe
        forget(sys.stdout)
        return 0
    except TyperException as error:
        complain(_usage(error))
        return 2
    except UserError as error:
        complain(str(error))
        return 2
    except Exception as error:
        return _unforeseen(error)
    return code if isinstance(code, int) else 0


def _usage(error: TyperException) -> str:
    """Say what is wrong with the options in a line of ours: Typer's own names a value, not its option."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        message = error.format_message()
    else:
        option = str(parameter.opts[0])
        name = option if option.startswith("-") else option.upper()
        reason = error.message.removeprefix("Value error, ")
        message = f"{name}: {reason}" if reason else f"{name} is missing"
    message = " ".join(message.split()).rstrip(".")
    if parameter is None:
        message = message[:1].lower() + message[1:]
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "wasmhost"
    return f"{message}; see {command} --help"


def _unforeseen(error: Exception) -> int:
    """Tell of what nothing else caught: the system's refusal, or a bug of ours."""
    if os.environ.get("WASMHOST_DEBUG"):
        traceback.print_exc()
    if not isinstance(error, OSError):
        advice = "please report it; WASMHOST_DEBUG=1 shows where"
        complain(f"a bug in wasmhost ({type(error).__name__}: {error}): {advice}")
        return BUG
    if error.filename is None and error.errno in _STREAM_ERRORS:  # Typer lets through what help meets
        forget(sys.stdout)
        complain(str(unwritable(error)))
    else:
        place = f": {error.filename}" if error.filename is not None else ""
        complain(f"{(error.strerror or str(error)).lower()}{place}")
    return 2

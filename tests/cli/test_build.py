"""`wasmhost build`, as an author types it."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.authoring.helpers import LOG, logging_guest, project
from tests.authoring.test_interrupting import lives
from tests.cli.helpers import ended, eventually, small_guest, started, wasmhost
from tests.cli.terminals import on_a_terminal
from tests.cli.test_output import shell

if TYPE_CHECKING:
    from pathlib import Path

# What stands in for a compiler that takes its time: it starts a child, tells of both, and hangs.
_SLOW = f"""#!{sys.executable}
import os, subprocess, sys
child = subprocess.Popen(["sleep", "600"])
open({{pids!r}}, "w").write(f"{{{{os.getpid()}}}} {{{{child.pid}}}}\\n")
child.wait()
"""


def test_it_says_what_was_built(tmp_path: Path) -> None:
    """Size, hooks with what a call costs, imports with their capability, and where it is."""
    project(tmp_path, logging_guest())
    result = wasmhost("build", cwd=tmp_path)
    assert (result.code, result.complaints) == (0, [])
    lines = result.out.splitlines()
    assert lines[0] == "small 1.2.3: built"
    assert lines[1].startswith("  kind     core, ")
    assert lines[2].startswith("  hooks    on_signaling_connected: ")
    assert lines[2].endswith(" fuel for a typical event")
    assert lines[3:] == ["  imports  log: write", "  asks for nothing", "  module   build/small.wasm"]
    assert (tmp_path / "build" / "small.wasm").is_file()


def test_as_json(tmp_path: Path) -> None:
    """All of it, and a module that a run takes."""
    project(tmp_path / "p", logging_guest())
    result = wasmhost("build", "p", "--out", "there/x.wasm", "--json", cwd=tmp_path)
    told = result.json
    assert told.keys() == {"path", "sha256", "size", "kind", "manifest", "imports", "calls"}
    assert told["path"] == str(tmp_path / "there" / "x.wasm")
    assert told["manifest"]["hooks"] == ["on_signaling_connected"]
    assert told["imports"] == [
        {"module": "wasmhost:observer/log@0.1.0", "name": "write", "capability": "log"}
    ]
    (call,) = told["calls"]
    assert (call["hook"], call["panic"]) == ("on_signaling_connected", None)
    shown = wasmhost("inspect", "there/x.wasm", "--json", cwd=tmp_path).json
    assert (shown["accepted"], shown["sha256"], shown["size"]) == (True, told["sha256"], told["size"])
    assert shown["manifest"] == told["manifest"]


def test_a_component(tmp_path: Path) -> None:
    """The manifest says which of its hooks are real, and a run gives it only those."""
    project(tmp_path, logging_guest())
    told = wasmhost("build", "--component", "--json", cwd=tmp_path).json
    assert (told["kind"], told["manifest"]["hooks"]) == ("component", ["on_signaling_connected"])
    assert wasmhost("inspect", "build/small.wasm", cwd=tmp_path).code == 0


def test_a_mistake_in_the_source(tmp_path: Path) -> None:
    """The compiler's own words, then one line of ours; exit code 1."""
    project(tmp_path, "(module\n  (nonsense))")
    result = wasmhost("build", "--json", cwd=tmp_path)
    assert (result.code, result.out) == (1, "")
    assert "nonsense" in result.err
    assert (
        result.err.splitlines()[-1]
        == "wasmhost: error: small is not built: observer.wat is no valid WebAssembly text"
    )


def test_a_mistake_in_c(tmp_path: Path) -> None:
    """Clang names the file and the line."""
    wasmhost("new", "p", "--lang", "c", cwd=tmp_path)
    source = tmp_path / "p" / "p.c"
    source.write_text(source.read_text() + "int f(void) { return undeclared; }\n")
    result = wasmhost("build", "p", cwd=tmp_path)
    assert result.code == 1
    assert "p.c:" in result.err
    assert "undeclared" in result.err
    assert result.complaints == ["p is not built: ziglang cc failed (exit code 1)"]
    assert not (tmp_path / "p" / "build" / "p.wasm").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(func", "observer.wat:1: a parenthesis is not closed"),
        (
            logging_guest(more='(func (export "wasmhost:observer/lifecycle@0.1.0#on-redy"))'),
            "it exports wasmhost:observer/lifecycle@0.1.0#on-redy, which is no hook; "
            'did you mean "wasmhost:observer/lifecycle@0.1.0#on-ready"?',
        ),
    ],
)
def test_a_mistake_in_the_source_in_words_of_our_own(tmp_path: Path, text: str, words: str) -> None:
    """Exit code 1, too."""
    project(tmp_path, text)
    result = wasmhost("build", cwd=tmp_path)
    assert (result.code, result.out) == (1, "")
    assert result.complaints == [f"small is not built: {words}"]


@pytest.mark.parametrize("language", ["c", "zig", "assemblyscript", "javascript", "python"])
def test_an_sdk_that_is_not_there(tmp_path: Path, language: str) -> None:
    """A folder that was moved on its own: no compiler has to find out."""
    wasmhost("new", "p", "--lang", language, cwd=tmp_path)
    (tmp_path / "p" / "sdk").rename(tmp_path / "sdk")
    result = wasmhost("build", "p", cwd=tmp_path)
    assert result.code == 2
    (complaint,) = result.complaints
    assert complaint.startswith("the SDK is not there: ")
    assert complaint.endswith("; sdk in observer.toml says where it is")


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("import nobody\n", ['  File "observer.py", line {last}, in <module>', "    import nobody"]),
        ("x =\n", ['  File "observer.py", line {last}', "    x =", "       ^"]),
    ],
)
def test_a_mistake_in_python(tmp_path: Path, mistake: str, words: list[str]) -> None:
    """The place in the author's own file, and what is wrong there; no frames of anybody else's."""
    wasmhost("new", "p", "--lang", "python", cwd=tmp_path)
    source = tmp_path / "p" / "observer.py"
    source.write_text(source.read_text() + mistake)
    result = wasmhost("build", cwd=tmp_path / "p")
    assert result.code == 1
    last = len(source.read_text().splitlines())
    *place, wrong, complaint = result.err.splitlines()
    assert place == [word.format(last=last) for word in words]
    assert wrong in ("ModuleNotFoundError: No module named 'nobody'", "SyntaxError: invalid syntax")
    assert complaint == "wasmhost: error: p is not built: observer cannot be imported"


def test_python_without_a_hook(tmp_path: Path) -> None:
    """The source is what is wrong: exit code 1."""
    wasmhost("new", "p", "--lang", "python", cwd=tmp_path)
    source = tmp_path / "p" / "observer.py"
    source.write_text(source.read_text().replace("@hook\n", ""))
    result = wasmhost("build", "p", cwd=tmp_path)
    assert result.code == 1
    assert result.complaints[0].startswith("p is not built: observer has no hooks: decorate ")


def test_what_a_host_would_refuse(tmp_path: Path) -> None:
    """Exit code 1, as where a run refuses it."""
    project(tmp_path, small_guest(more='(import "env" "x" (func))'))
    result = wasmhost("build", cwd=tmp_path)
    assert (result.code, result.out) == (1, "")
    (complaint,) = result.complaints
    assert complaint.startswith("small is not built: a host would refuse the module: it imports env#x")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("hoks = []\n", 'observer.toml:4: unknown key "hoks"'),
        ('hooks = ["on_stop"]\n', 'hooks in observer.toml names "on_stop"'),
        ('source = "gone.wat"\n', "the source is not there"),
    ],
)
def test_a_mistake_in_the_project_is_one_line(tmp_path: Path, more: str, words: str) -> None:
    """Exit code 2."""
    project(tmp_path, more=more)
    result = wasmhost("build", cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert words in result.complaints[0]


def test_no_project(tmp_path: Path) -> None:
    """One line that says how to make one; exit code 2."""
    for folder in (".", "nowhere"):
        result = wasmhost("build", folder, cwd=tmp_path)
        assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1)
        assert "wasmhost new NAME --lang" in result.complaints[0]


def test_a_missing_toolchain_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    """Exit code 2."""
    wasmhost("new", "p", "--lang", "rust", cwd=tmp_path)
    result = wasmhost("build", "p", cwd=tmp_path, env={"PATH": "/nowhere"})
    assert (result.code, result.out) == (2, "")
    assert result.complaints == ["needs Rust: install rustup (https://rustup.rs)"]


def test_nowhere_to_write_to(tmp_path: Path) -> None:
    """One line, exit code 2; a cache that cannot be made too."""
    project(tmp_path / "p")
    (tmp_path / "file").write_text("")
    result = wasmhost("build", "p", "--out", "file/x.wasm", cwd=tmp_path)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "cannot write" in result.complaints[0]
    result = wasmhost("build", "p", cwd=tmp_path, env={"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "no place for compilers' caches" in result.complaints[0]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_compiler_and_leaves_nothing(tmp_path: Path, end: signal.Signals) -> None:
    """Its whole process group; no half-written module; and we end as any program does."""
    pids = tmp_path / "pids"
    tools = tmp_path / "tools"
    tools.mkdir()
    fake = tools / "cargo"
    fake.write_text(_SLOW.format(pids=str(pids)))
    fake.chmod(0o755)
    wasmhost("new", "p", "--lang", "rust", cwd=tmp_path)
    (tools / "rustc").symlink_to(fake)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    with started("build", "p", cwd=tmp_path, env={"PATH": path}) as process:
        eventually(lambda: pids.exists() and "\n" in pids.read_text())
        process.send_signal(end)
        result = ended(process)
    assert result.code == -end
    assert (result.out, result.err) == ("", "")
    eventually(lambda: not any(lives(int(pid)) for pid in pids.read_text().split()))
    assert list((tmp_path / "p" / "build").iterdir()) == []


def test_on_a_narrow_terminal(tmp_path: Path) -> None:
    """Lines are folded, and none is longer than the terminal is wide."""
    project(tmp_path, small_guest(more=LOG))
    shown = on_a_terminal("build", cwd=tmp_path, width=40)
    assert shown.code == 0
    assert max(map(len, shown.lines)) <= 40
    assert "small 1.2.3: built" in shown.text


def test_progress_is_shown_on_a_terminal_and_wiped(tmp_path: Path) -> None:
    """A compiler that takes a second: what is done, for how long; then the line is cleared."""
    tools = tmp_path / "tools"
    tools.mkdir()
    slow = tools / "rustc"
    slow.write_text("#!/bin/sh\nsleep 1.5\nexit 1\n")
    slow.chmod(0o755)
    (tools / "cargo").symlink_to(slow)
    wasmhost("new", "p", "--lang", "rust", cwd=tmp_path)
    env = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    shown = on_a_terminal("build", "p", cwd=tmp_path, width=60, env=env)
    assert shown.code == 1
    assert "building p: compiling Rust … 1 s" in shown.raw
    assert "\r\x1b[K" in shown.raw
    result = wasmhost("build", "p", cwd=tmp_path, env=env)
    assert "…" not in result.err


def test_a_reader_that_is_gone(tmp_path: Path) -> None:
    """No error; a closed standard output is one line."""
    project(tmp_path)
    assert shell("$W build | true", tmp_path).code == 0
    closed = shell("$W build >&-", tmp_path)
    assert (closed.code, closed.complaints) == (2, ["cannot write to standard output: it is closed"])

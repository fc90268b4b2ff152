"""A guest that says the worst words through every channel does nothing to whoever reads of it."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.cli.helpers import Result, event, wasmhost, wat
from tests.cli.terminals import on_a_terminal
from tests.hostile_words import TEXTS, WORDS, assert_harmless
from wasmhost.contract.hooks import HOOK_BY_NAME

if TYPE_CHECKING:
    from pathlib import Path

SAYING = HOOK_BY_NAME["on_signaling_connected"]
TRAPPING = HOOK_BY_NAME["on_signaling_disconnected"]
FAILING = HOOK_BY_NAME["on_start"]
ACTR = {
    "realm": {"realm-id": 7},
    "serial-number": 1,
    "type": {"manufacturer": "acme", "name": "node", "version": "1"},
}


def quoted(data: bytes) -> str:
    """Bytes as a string of WebAssembly text."""
    return '"' + "".join(f"\\{byte:02x}" for byte in data) + '"'


class Memory:
    """Places texts in a guest's memory, from 128 KiB on."""

    def __init__(self) -> None:
        self.top = 131_072
        self.data: list[str] = []

    def place(self, data: bytes) -> str:
        """Return the two constants that mean this text."""
        at, self.top = self.top, self.top + len(data)
        self.data.append(f"(data (i32.const {at}) {quoted(data)})")
        return f"(i32.const {at}) (i32.const {len(data)})"


def speaker() -> str:
    """A guest that says each word as a log line, a report, a metric, an error, and as its last words."""
    memory = Memory()
    body = cbor2.dumps({"words": list(TEXTS.values()), **{word: word for word in TEXTS.values()}})
    says = [f"(call $log (i32.const 2) {memory.place(word)})" for word in WORDS.values()]
    says += [
        f"(call $report {memory.place(word[:250])} {memory.place(body)})"
        f"(call $add {memory.place(word[:250])} (i64.const 1))"
        for word in WORDS.values()
    ]
    last = memory.place(b" ".join(word[:200] for word in WORDS.values()))
    error = memory.place(b" ".join(word[:200] for word in reversed(WORDS.values())))
    at, size = (part.strip("()").split()[1] for part in error.split(") ("))
    name = quoted(b"".join(word[:20].encode() for word in TEXTS.values()))
    return f"""(module
      (import "wasmhost:observer/log@0.1.0" "write" (func $log (param i32 i32 i32)))
      (import "wasmhost:observer/panic@0.1.0" "report" (func $panic (param i32 i32)))
      (import "wasmhost:observer/report@0.1.0" "send" (func $report (param i32 i32 i32 i32)))
      (import "wasmhost:observer/metrics@0.1.0" "counter-add" (func $add (param i32 i32 i64)))
      (memory (export "memory") 8)
      {" ".join(memory.data)}
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
      (func $die (@name {name}) unreachable)
      (func (export "{SAYING.export}") (param i32 i32) {" ".join(says)})
      (func (export "{TRAPPING.export}") (param i32 i32) (call $panic {last}) (call $die))
      (func (export "{FAILING.export}") (param i32 i32) (result i32)
        (i32.store (i32.const 1024) (i32.const 1)) (i32.store (i32.const 1028) (i32.const {at}))
        (i32.store (i32.const 1032) (i32.const {size})) (i32.const 1024)))"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the guest, and events of nodes that choose such words too."""
    folder = tmp_path_factory.mktemp("words")
    wat(folder / "wasmhost.host.wasm", speaker())
    (folder / "c.toml").write_text(
        '[host]\nisolation = "thread"\n[[observer]]\nmodule = "wasmhost.host.wasm"\n'
    )
    ctx = {"self-id": ACTR, "request-id": "r"}
    hello = cbor2.dumps({"hello": 1, "src": TEXTS["sgr"] + TEXTS["bidi overrides"]}, canonical=True)
    events = [
        event(number, hook.name, src=source, ctx=ctx)
        for hook in (SAYING, FAILING, TRAPPING)
        for number, source in enumerate([*TEXTS.values(), "s" * 60_000])
    ]
    nonsense = [
        event(TEXTS["sgr"], src=TEXTS["title"]),
        cbor2.dumps({"hook": TEXTS["sgr"], "seq": 1, "at": 1, "event": {TEXTS["title"]: TEXTS["sgr"]}}),
        cbor2.dumps({TEXTS["c0"]: 1}),
        cbor2.dumps([TEXTS["c0"]]),
    ]
    (folder / "events").write_bytes(hello + b"".join(events + nonsense) + b"\xff\x1b[31m")
    return folder


@pytest.fixture(scope="module")
def ran(said: Path) -> Result:
    """Play the events to the guest, once."""
    options = ("--config", "c.toml", "--from", "events", "--log-level", "debug", "--json")
    return wasmhost("run", *options, "--db", "panics.db", "--reports", "reports.ndjson", cwd=said)


def test_a_run_shows_nothing_raw(said: Path, ran: Result) -> None:
    """Log, complaints, reports, summary: whatever a stream holds, each character of it is harmless."""
    assert_harmless(ran.err)
    assert_harmless(ran.out, ascii_only=True)
    metrics = ran.observer("wasmhost.host")["metrics"]
    assert len(metrics) > 10
    assert all(len(name) <= 256 for name in metrics)
    reports = (said / "reports.ndjson").read_bytes()
    assert_harmless(reports, ascii_only=True)
    lines = [json.loads(line) for line in reports.splitlines()]
    assert len(lines) > 200
    assert {json.dumps(line["body"]["words"]) for line in lines} == {json.dumps(list(TEXTS.values()))}
    assert max(len(line["src"]) for line in lines) == 256
    assert max(len(line["topic"]) for line in lines) <= 256


def test_no_guest_can_word_a_line_of_the_hosts(ran: Result) -> None:
    """Each line begins with our own three fields, and what a guest says is one quoted value in it."""
    lines = [fields(line) for line in ran.err.splitlines() if line.startswith("timestamp=")]
    guests = [line for line in lines if line["event"] == "guest log"]
    assert guests
    for line in lines:
        assert list(line)[:3] == ["timestamp", "level", "event"]
        assert line.get("observer", "wasmhost.host") == "wasmhost.host"
    for line in guests:
        assert list(line)[3:] == ["observer", "hook", "seq", "message"]
    assert {line["observer"] for line in lines if "panicked" in line["event"]} == {"wasmhost.host"}


FIELD = re.compile(r'([a-z_0-9]+)=("(?:[^"\\]|\\.)*"|[^\s"\'=\\]*)(?: |$)')


def fields(line: str) -> dict[str, str]:
    """Read a line of the log by the rule that docs/cli.md gives; nothing may be left over."""
    assert FIELD.sub("", line) == ""
    found = FIELD.findall(line)
    read = {key: json.loads(value) if value.startswith('"') else value for key, value in found}
    assert len(read) == len(found), "a field is there twice"
    return read


def test_the_panic_log_shows_nothing_raw(said: Path, ran: Result) -> None:
    """As a table, as JSON, and in the database's own text."""
    assert ran.code == 1  # the file ends in nonsense
    for more in ((), ("--json",)):
        result = wasmhost("panics", "panics.db", *more, cwd=said)
        assert_harmless(result.out, ascii_only=bool(more))
        assert_harmless(result.err)
    (row,) = result.json
    assert len(row["message"]) <= 4096
    assert any("\\x1b]0;owned" in frame for frame in row["backtrace"])
    with closing(sqlite3.connect(said / "panics.db")) as database:
        for message, backtrace in database.execute("SELECT message, backtrace FROM panic"):
            assert_harmless(message)
            assert_harmless(backtrace)


def test_a_terminal_shows_nothing_raw_either(said: Path, ran: Result) -> None:
    """Where there are colours, they are ours."""
    assert ran.out
    for arguments in (
        ("panics", "panics.db"),
        ("inspect", "wasmhost.host.wasm"),
        (
            "run",
            "--config",
            "c.toml",
            "--from",
            "events",
            "--db",
            "t.db",
            "--reports",
            "/dev/null",
        ),
    ):
        shown = on_a_terminal(*arguments, cwd=said, width=100)
        assert_harmless(shown.text)


IMPORT = '(module (import {module} {name} (func)) (func (export "{hook}") (param i32 i32)))'


def test_a_module_that_is_refused_is_refused_in_harmless_words(tmp_path: Path) -> None:
    """By what it imports, says in its manifest, or begins with."""
    word = "".join(text[:6] for text in TEXTS.values())[:120]
    text = quoted(word.encode())
    modules = {
        "import": IMPORT.format(module=text, name=text, hook=SAYING.export),
        "import2": IMPORT.format(module='"wasmhost:observer/log@0.1.0"', name=text, hook=SAYING.export),
        "manifest": f'(module (@custom "wasmhost:manifest" {quoted(_manifest(word))}))',
    }
    for name, module in modules.items():
        wat(tmp_path / f"{name}.wasm", module)
    (tmp_path / "none.wasm").write_bytes(word.encode() * 4)
    for name in (*modules, "none"):
        for more in ((), ("--json",)):
            result = wasmhost("inspect", f"{name}.wasm", *more, cwd=tmp_path)
            assert result.code == 1
            assert_harmless(result.out, ascii_only=bool(more))
            assert_harmless(result.err)
            assert len(result.out) + len(result.err) < 8_000


def _manifest(word: str) -> bytes:
    hooks = [SAYING.name, word]
    return cbor2.dumps({"manifest": 1, "name": "x", "version": word[:64], "hooks": hooks}, canonical=True)


def test_names_of_any_length_are_bounded(tmp_path: Path) -> None:
    """An import may have a name of a hundred thousand bytes."""
    text = quoted(b"\x7f" * 90_000)
    wat(tmp_path / "long.wasm", IMPORT.format(module=text, name=text, hook=SAYING.export))
    for more in ((), ("--json",)):
        result = wasmhost("inspect", "long.wasm", *more, cwd=tmp_path)
        assert result.code == 1
        assert_harmless(result.out + result.err)
        assert len(result.out) + len(result.err) < 8_000


@pytest.mark.parametrize(
    "toml",
    [
        '[host]\n"{}" = 1\n',
        '[[observer]]\nmodule = "{}"\nname = "{}"\n',
        '[[observer]]\nmodule = "{}.wasm"\n',
        '[defaults]\ngrant = ["{}"]\n',
        '[defaults]\nhooks = ["{}"]\n',
        '[defaults]\noverflow = "{}"\n',
        '[defaults]\nconfig = {{ "{}" = 1 }}\n',
        '"{}" = {{\n',
    ],
)
def test_a_mistake_in_a_configuration_is_told_in_harmless_words(tmp_path: Path, toml: str) -> None:
    """A file may be a stranger's, or have been pasted from one's page."""
    (tmp_path / "events").write_bytes(event(0))
    word = "".join(text[:12] for text in TEXTS.values())
    text = "".join(f"\\U{ord(character):08x}" for character in word)
    (tmp_path / "c.toml").write_text(toml.format(*[text] * 2))
    result = wasmhost("run", "--config", "c.toml", "--from", "events", cwd=tmp_path)
    assert result.code in {1, 2}
    assert_harmless(result.out)
    assert_harmless(result.err)


def test_what_is_typed_is_shown_harmless_as_well(tmp_path: Path) -> None:
    """Names of files and options, of what was pasted into a shell."""
    word = "\x1b]0;owned\x07\u202e\u2028z" + "\u0301" * 20
    for arguments in (
        ("inspect", word),
        ("panics", word),
        ("run", "--observer", word, "--from", word),
        ("run", "--observer", f"{word}.wasm", "--from", f"nats:{word}"),
        ("run", "--observer", "x", "--grant", word, "--from", "x"),
        (word,),
        ("new", word, "--lang", word),
    ):
        result = wasmhost(*arguments, cwd=tmp_path)
        assert result.code
        assert_harmless(result.out)
        assert_harmless(result.err)

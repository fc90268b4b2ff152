"""WebAssembly text: what of the SDK gets into a module, where texts lie, and whose lines errors name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wasmtime

from tests.cli.helpers import small_guest
from wasmhost.authoring.toolchains import wat
from wasmhost.authoring.toolchains.base import BuildError, Job
from wasmhost.testing import events

if TYPE_CHECKING:
    from wasmhost.testing import Desk

SDK = Path(__file__).parents[2] / "guest-sdk" / "wat"
SDK_FUNCTIONS = sorted(
    name for path in SDK.glob("*.wat") for name in re.findall(r"\(func (\$\S+)", path.read_text("utf-8"))
)
HOOK = "wasmhost:observer/signaling@0.1.0#on-signaling-connected"


def hook(body: str = "", more: str = "") -> str:
    """An observer's source. The hook is on its second line, its body on the third."""
    return f""";; An observer.
(func $on-signaling-connected (export "{HOOK}") (param $at i32) (param $size i32)
  {body}
  (call $end))
{more}"""


def build(folder: Path, source: str, sdk: Path = SDK) -> bytes:
    """Assemble a source."""
    folder.mkdir(parents=True, exist_ok=True)
    path, out = folder / "observer.wat", folder / "observer.wasm"
    path.write_text(source, encoding="utf-8")
    wat.build(Job(path, folder, sdk, folder, out))
    return out.read_bytes()


def failure(folder: Path, source: str) -> str:
    """What the author of a source that is wrong gets to read."""
    with pytest.raises(BuildError) as error:
        build(folder, source)
    return f"{error.value}\n{error.value.output}"


def imports(module: bytes) -> list[str]:
    """What a module imports: capability and function."""
    listed = wasmtime.Module(wasmtime.Engine(), module).imports
    return [f"{entry.module.split('/')[1].split('@')[0]}.{entry.name}" for entry in listed]


class TestWhatGetsIn:
    def test_nothing_is_imported_that_is_not_used(self, tmp_path: Path) -> None:
        """What every module exports is there; nothing else."""
        module = build(tmp_path, hook())
        assert imports(module) == []
        exports = wasmtime.Module(wasmtime.Engine(), module).exports
        assert {entry.name for entry in exports} == {"memory", "cabi_realloc", HOOK}
        assert b"write." not in module
        assert b"read." not in module

    def test_what_is_used_gets_in_and_what_that_uses(self, tmp_path: Path) -> None:
        """Imports, functions and globals, over any number of steps."""
        module = build(tmp_path, hook('(drop (call $config.u64 (text "limit") (i64.const 1)))'))
        assert imports(module) == ["panic.report", "config.get"]
        assert b"config.refuse" in module
        assert b"write.raw" in module
        assert b"write.map" not in module

    @pytest.mark.parametrize("name", SDK_FUNCTIONS)
    def test_each_function_can_be_used_alone(self, tmp_path: Path, name: str) -> None:
        """All that it needs comes along."""
        build(tmp_path, f'(export "it" (func {name}))')

    def test_an_authors_own_definition_replaces_the_sdks(self, tmp_path: Path) -> None:
        """A memory, a function, an import; what only the SDK's used does not get in either."""
        used = '(drop (call $config.u64 (text "limit") (i64.const 1)))'
        module = build(tmp_path / "a", hook(used, "(func $panic (param i32 i32) (nop))"))
        assert imports(module) == ["config.get"]
        module = build(tmp_path / "b", hook(more='(memory $memory (export "memory") 3)'))
        (memory,) = (
            entry.type
            for entry in wasmtime.Module(wasmtime.Engine(), module).exports
            if isinstance(entry.type, wasmtime.MemoryType)
        )
        assert memory.limits.min == 3
        own = '(import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32 i32 i32)))\n'
        module = build(tmp_path / "c", own + hook('(call $log.write (i32.const 2) (text "x"))'))
        assert imports(module) == ["log.write"]

    @pytest.mark.parametrize(
        "aside",
        [
            ";; (call $state.load)",
            "(; (call $state.load) ;)",
            '(; one ( in (; another ;) $state.load " ;)',
            "(; $state.load ;; ;)",
            ';; ((( $state.load " (;',
            '(text "(call $state.load) ;; (; )))") drop drop',
            r'(text "\") $state.load (") drop drop',
        ],
    )
    def test_comments_and_strings_use_nothing(self, tmp_path: Path, aside: str) -> None:
        """Whatever parentheses, quotes, names and comments are in them."""
        assert imports(build(tmp_path, hook(f"{aside}\n"))) == []

    @pytest.mark.parametrize("before", ["", "\n  ", ";; (func $end)\n", "(; (; $end ;) ;) "])
    def test_a_whole_module_is_assembled_as_it_is(self, tmp_path: Path, before: str) -> None:
        """The SDK adds nothing to it, and its names are free."""
        source = small_guest(more="(func $panic) (func $state.load)")
        assert build(tmp_path / "a", before + source) == build(tmp_path / "b", source)
        assert imports(build(tmp_path / "a", source)) == []


class TestTexts:
    @pytest.mark.parametrize(
        ("literal", "expected"),
        [
            ("plain", b"plain"),
            ("", b""),
            ("größer 🛰", "größer 🛰".encode()),
            (r"\t\n\r\"\'\\", b"\t\n\r\"'\\"),
            (r"\41\ff\00", b"A\xff\0"),
            (r"\\41\u{e9}\u{1F6_F0}", "\\41é🛰".encode()),
            ("(text ;; (; ) x", b"(text ;; (; ) x"),
            ("x" * 300, b"x" * 300),
        ],
    )
    def test_a_text_is_a_place_and_a_size(
        self, observer_host: Desk, tmp_path: Path, literal: str, expected: bytes
    ) -> None:
        """Of the bytes that the text format says it is, whatever lies in front of it and behind."""
        body = f'(text "é") drop drop (call $state.save (text "{literal}")) (text "z") drop drop'
        run = observer_host(build(tmp_path, hook(body)))
        run.deliver(events.on_signaling_connected())
        assert run.state == expected

    def test_equal_texts_are_one(self, tmp_path: Path) -> None:
        """Also where one is the SDK's."""
        twice = '(text "said twice") drop drop ' * 2
        assert build(tmp_path, hook(twice)).count(b"said twice") == 1

    @pytest.mark.parametrize(
        "spelled", ['(text\n  "here")', '( text "here" )', '(text"here")', '(text (; ")" ;) "here" ;; )\n)']
    )
    def test_a_text_may_be_spelled_as_anything_else(
        self, observer_host: Desk, tmp_path: Path, spelled: str
    ) -> None:
        """With spaces, lines and comments in it."""
        run = observer_host(build(tmp_path, hook(f"(call $state.save {spelled})")))
        run.deliver(events.on_signaling_connected())
        assert run.state == b"here"

    def test_texts_end_where_the_arena_begins(self, observer_host: Desk, tmp_path: Path) -> None:
        """What the host hands over does not lie on them."""
        long = "0123456789" * 1000
        body = f'(call $config.get (text "key")) drop drop (call $state.save (text "{long}"))'
        run = observer_host(build(tmp_path, hook(body)), config={"key": "v" * 4000})
        run.deliver(events.on_signaling_connected())
        assert run.state == long.encode()


class TestErrors:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("(drop (i32.const 1)", "observer.wat:2: a parenthesis is not closed"),
            ('(drop (text "a))', "unexpected token\n --> observer.wat:3:10"),
            ("(; (drop (i32.const 1)) (; ;)", "observer.wat:2: a parenthesis is not closed"),
            ("(drop (i32.const 1)))", "observer.wat:4: a parenthesis closes nothing"),
            (r'(call $write.raw (text "\q"))', "observer.wat:3: invalid string escape 'q'"),
            (r'(call $write.raw (text "\u{d800}"))', "observer.wat:3: invalid unicode scalar value 0xd800"),
            ('(call $write.raw (text\n"\1"))', "observer.wat:4: invalid character in string"),
            ("(call $log.wrote)", "unknown func: failed to find name `$log.wrote`\n --> observer.wat:3:9"),
            ('(call $write.raw (text "a"\n "b"))', "unexpected token\n --> observer.wat:3:21"),
            ('(text\n "a")\n drop drop\n(call $nobody)', "`$nobody`\n --> observer.wat:6:7"),
            ('(text "a") (i32.cnst 1)', "unknown operator or unexpected token\n --> observer.wat:3:"),
        ],
    )
    def test_a_mistake_is_told_with_the_authors_line(self, tmp_path: Path, body: str, said: str) -> None:
        """Whatever is put in front of the author's fields and behind them."""
        assert said in re.sub(r"\n +-->", "\n -->", failure(tmp_path, hook(body)))

    def test_a_type_error_names_the_function(self, tmp_path: Path) -> None:
        """The assembler itself looks at no types."""
        wrong = "(func $twice (result i32) (i64.const 2))"
        assert "twice\n" in failure(tmp_path / "a", hook(more=wrong))
        assert "on-signaling-connected\n" in failure(tmp_path / "b", hook("(drop (i32.add (i64.const 1)))"))

    @pytest.mark.parametrize(
        "source", ["(module", "(module (func (i32.cnst 1)))", "(module (func (i64.eqz)))"]
    )
    def test_a_whole_module_may_be_wrong_as_well(self, tmp_path: Path, source: str) -> None:
        """In the assembler's words."""
        assert failure(tmp_path, source).startswith("observer.wat is no valid WebAssembly text\n")

    def test_a_source_that_is_no_text(self, tmp_path: Path) -> None:
        """A folder, or a module that is assembled already."""
        for name in ("folder", "binary"):
            path = tmp_path / name
            path.mkdir() if name == "folder" else path.write_bytes(b"\0asm\xff")
            job = Job(path, tmp_path, SDK, tmp_path, tmp_path / "out.wasm")
            with pytest.raises(BuildError, match=f"{name} cannot be read: it must be a file of UTF-8 text"):
                wat.build(job)


def test_a_build_knows_nothing_of_where_it_is_made(tmp_path: Path) -> None:
    """The same bytes from another folder, with another copy of the SDK."""
    source = hook('(call $log.write (global.get $log.info) (text "hello"))')
    here = build(tmp_path / "here", source)
    sdk = shutil.copytree(SDK, tmp_path / "there" / "sdk")
    assert build(tmp_path / "there", source, sdk) == here
    assert str(tmp_path).encode() not in here

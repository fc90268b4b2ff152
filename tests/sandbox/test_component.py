"""Which components are let in, and which are refused: by one printable line that names the reason."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from tests.sandbox.lab import EVERY_GRANT, LIMITS
from wasmhost.config import Limits
from wasmhost.contract.hooks import HOOK_BY_NAME, HOOKS, interface_id
from wasmhost.contract.manifest import SECTION, Manifest, encode_manifest
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.guest import surface
from wasmhost.sandbox.outbox import LogLine

if TYPE_CHECKING:
    from tests.sandbox.lab import Lab
    from wasmhost.sandbox.surface import Surface

LOG = interface_id("log")
LOG_LINE = "(call $log.write (i32.const 2) (i32.const 0) (i32.const 0))"
NESTED_RESULTS = "(type $t0 u8)" + "".join(
    f"(type $t{n} (result $t{n - 1} (error $t{n - 1})))" for n in range(1, 18)
)
WHOLE_LIFECYCLE = ("on_start", "on_ready", "on_stop", "on_error")


def refused(lab: Lab, wasm: bytes, *, limits: Limits = LIMITS, **settings: Any) -> str:  # Any: as for load
    """Load a component that must be refused before anything of it runs; the reason."""
    with pytest.raises(GuestRefused) as caught:
        lab.load(wasm, limits=limits, **settings)
    reason = str(caught.value)
    assert reason.isprintable()
    assert 5 < len(reason) < 700
    return reason


def importing(name: str, what: str) -> bytes:
    """A good component that imports this besides."""
    return wc.guest(before=f'(import "{name}" {what})')


def manifest(*hooks: str) -> bytes:
    """A manifest with these hooks."""
    return encode_manifest(Manifest(name="x", version="1", hooks=hooks))


def several(*hooks: str) -> bytes:
    """A component with these hooks, each of which logs an empty line."""
    result = "(i32.const 256)"
    bodies = "".join(wat.hook(h, LOG_LINE + (result if HOOK_BY_NAME[h].fallible else "")) for h in hooks)
    parts = (wat.imports("log.write"), '(import "libc" "memory" (memory 8))', bodies)
    return wc.around(f"(module {' '.join(parts)})", hooks, use=("log.write",))


def show(lab: Lab, wasm: bytes) -> Surface:
    """What it shows."""
    return surface(lab.engine, lab.engine.compile_component(wasm), wasm)


# let in


def test_a_component_is_let_in_and_hears_its_event(lab: Lab) -> None:
    """By the hooks it exports."""
    guest = lab.load(wc.guest(LOG_LINE, use=("log.write",)))
    assert [hook.name for hook in guest.hooks] == [wat.HOOK]
    outcome = lab.open(guest).deliver(0, b"event")
    assert (outcome.trap, outcome.error, outcome.effects.logs) == (None, None, (LogLine("info", ""),))


def test_hooks_come_in_the_contracts_order(lab: Lab) -> None:
    """Whatever the order of its exports; each index calls its own."""
    names = [hook.name for hook in HOOKS]
    guest = lab.load(several(*reversed(names)))
    assert [hook.name for hook in guest.hooks] == names
    sandbox = lab.open(guest)
    assert [len(sandbox.deliver(index, b"x").effects.logs) for index in range(len(names))] == [1] * 16


def test_every_capability_may_be_imported(lab: Lab) -> None:
    """In one component; and what has types only, beside them."""
    types = '(instance (type $t u64) (export "timestamp" (type (eq $t))))'
    wasm = wc.guest(use=wc.SYMBOLS, before=f'(import "{interface_id("types")}" {types})')
    assert lab.deliver(wasm).trap is None


@pytest.mark.parametrize("capability", ["config", "metrics", "report", "state"])
def test_what_is_not_granted_is_refused_by_name(lab: Lab, capability: str) -> None:
    """The reason names the interface, and what to add; granted, it is let in."""
    symbol = next(symbol for symbol in wc.SYMBOLS if symbol.startswith(capability))
    wasm = wc.guest(use=(symbol,))
    assert f'it imports {interface_id(capability)}, and "{capability}" is not granted' in refused(
        lab, wasm, grant=EVERY_GRANT - {capability}
    )
    assert lab.load(wasm, grant={capability}).hooks[0].name == wat.HOOK


def test_log_panic_and_delivery_are_always_granted(lab: Lab) -> None:
    """An observer with no grant at all may import them."""
    always = [symbol for symbol in wc.SYMBOLS if symbol.split(".")[0] in {"log", "panic", "delivery"}]
    assert lab.load(wc.guest(use=always), grant=()).hooks[0].name == wat.HOOK


def test_names_of_parameters_and_of_other_exports_do_not_matter(lab: Lab) -> None:
    """Types are what the contract is about."""
    level = f'(type $c (enum {wc.LEVELS})) (export "level" (type $l (eq $c)))'
    shape = f'(instance {level} (export "write" (func (param "a" $l) (param "b" string))))'
    wasm = wc.guest(before=f'(import "{LOG}" {shape})', after=f'(export "other" (func ${wat.HOOK}))')
    assert lab.deliver(wasm).trap is None


# refused: imports

IMPORTS = {
    "unknown": (
        importing("env:x/abort", "(instance)"),
        "it imports env:x/abort, which wasmhost does not offer",
    ),
    "unknown capability": (
        importing("wasmhost:observer/socket@0.1.0", "(instance)"),
        "it imports wasmhost:observer/socket@0.1.0, which wasmhost does not offer",
    ),
    "a hook's interface": (
        importing(interface_id("webrtc"), "(instance)"),
        f"it imports {interface_id('webrtc')}, which wasmhost does not offer",
    ),
    "unknown function": (
        importing(LOG, '(instance (export "erase" (func)))'),
        f"it imports {LOG}#erase, which wasmhost does not offer",
    ),
    "wasi": (
        importing("wasi:cli/environment@0.2.6", "(instance)"),
        "it imports wasi:cli/environment@0.2.6, which wasmhost does not offer: build it with WASI stubbed",
    ),
    "a newer version": (
        importing("wasmhost:observer/log@0.1.1", "(instance)"),
        "log@0.1.1, which wasmhost does",
    ),
    "another version": (
        importing("wasmhost:observer/log@0.2.0", "(instance)"),
        "log@0.2.0, which wasmhost does",
    ),
    "no version": (importing("wasmhost:observer/log", "(instance)"), "observer/log, which wasmhost does not"),
    "another type": (
        importing(LOG, '(instance (export "write" (func (param "level" u8) (param "message" string))))'),
        f"{LOG}#write as (u8, string), and it must be (enum{{trace debug info warn error}}, string)",
    ),
    "a result that there is not": (
        importing(
            interface_id("panic"), '(instance (export "report" (func (param "m" string) (result u64))))'
        ),
        "as (string) -> u64, and it must be (string)",
    ),
    "no result": (
        importing(interface_id("delivery"), '(instance (export "now" (func)))'),
        "as (), and it must",
    ),
    "another level": (
        importing(
            LOG,
            '(instance (type $c (enum "trace" "debug")) (export "level" (type $l (eq $c)))'
            ' (export "write" (func (param "level" $l) (param "message" string))))',
        ),
        "as (enum{trace debug}, string)",
    ),
    "a record": (
        importing(
            interface_id("state"),
            '(instance (type $r (record (field "a" u8))) (export "r" (type $e (eq $r)))'
            ' (export "save" (func (param "blob" $e))))',
        ),
        "as (another type), and it must be (list<u8>)",
    ),
    "very deep types": (
        importing(LOG, f'(instance {NESTED_RESULTS} (export "write" (func (param "x" $t17))))'),
        "as (result<result<result<another type, another type>, ",
    ),
    "a function that is a module": (
        importing(LOG, '(instance (export "write" (core module (import "a" "b" (func (param v128))))))'),
        f"it imports {LOG}#write as something else",
    ),
    "a resource": (
        importing(LOG, '(instance (export "file" (type (sub resource))))'),
        f"it imports {LOG}#file, which wasmhost does not offer",
    ),
    "a resource beside types": (
        importing(interface_id("types"), '(instance (export "file" (type (sub resource))))'),
        "types@0.1.0#file, which wasmhost does not offer",
    ),
    "a function beside types": (
        importing(interface_id("types"), '(instance (export "f" (func)))'),
        "types@0.1.0#f, which wasmhost does not offer",
    ),
    "an interface in an interface": (
        importing(LOG, '(instance (export "inner" (instance)))'),
        f"it imports {LOG}#inner, which wasmhost does not offer",
    ),
    "a bare function": (importing("abort", "(func)"), "it imports abort, which wasmhost does not offer"),
    "a bare function of our name": (
        importing(LOG, "(func)"),
        f"it imports {LOG}, which must be an interface",
    ),
    "a module": (
        importing("libc", '(core module (import "a" "b" (func (param v128))))'),
        "it imports libc, which wasmhost does not offer",
    ),
    "a module of our name": (
        importing(LOG, "(core module)"),
        f"it imports {LOG}, which must be an interface",
    ),
    "a component": (importing("other", "(component)"), "does not compile"),
    "a resource type": (
        importing("file", "(type (sub resource))"),
        "it imports file, which wasmhost does not",
    ),
    "an async function": (
        importing(LOG, '(instance (type $f (func async)) (export "write" (func (type $f))))'),
        "async",
    ),
    "a stream": (importing(LOG, '(instance (export "write" (func (param "x" (stream u8)))))'), "async"),
    "a core import of WASI": (
        wc.component(
            '(import "wasi:cli/exit@0.2.6" (instance $e (export "exit" (func (param "s" (result))))))',
            "(core module $m) (core instance (instantiate $m))",
        ),
        "wasi:cli/exit@0.2.6",
    ),
}


@pytest.mark.parametrize(("wasm", "words"), IMPORTS.values(), ids=IMPORTS)
def test_an_import_that_is_not_the_contracts_is_refused(lab: Lab, wasm: bytes, words: str) -> None:
    """By its name, and with what it must be."""
    assert words in refused(lab, wasm)


# refused: exports


def exporting(shape: str, body: str = '(func $h (export "h") (param i32 i32))', on: str = wat.HOOK) -> bytes:
    """A component that exports a hook of this type."""
    return wc.component(
        f"(core module $libc {wat.MEMORY} {wat.REALLOC}) (core instance $libc (instantiate $libc))",
        '(alias core export $libc "memory" (core memory $memory))',
        '(alias core export $libc "cabi_realloc" (core func $realloc))',
        f"(core module $guest {body}) (core instance $main (instantiate $guest))",
        wc.lifted(on, '"h"', kind=shape),
        wc.exported((on,)),
    )


def named(interface: str, what: str) -> bytes:
    """A component that exports this under the name of an interface."""
    return wc.component(what, f'(export "{interface}" (instance $i))')


STRINGY = '(func $h (export "h") (param i32 i32))'
NUMBERED = '(func $h (export "h") (param i32))'
GIVING = '(func $h (export "h") (param i32 i32) (result i32) (i32.const 0))'
EXPORTS = {
    "nothing": (wc.component(), "it exports no hook"),
    "an interface without the hook": (
        named(interface_id("webrtc"), "(instance $i)"),
        "it exports no hook",
    ),
    "a bare function of a hook's name": (
        wc.guest(after=f'(export "on-start" (func ${wat.HOOK}))').replace(b"webrtc@0.1.0", b"webrtc@9.1.0"),
        "it exports no hook",
    ),
    "another version": (
        wc.guest().replace(b"webrtc@0.1.0", b"webrtc@0.1.1"),
        "it exports no hook",
    ),
    "text in place of bytes": (
        exporting('(param "event" string)'),
        "on-webrtc-connected as (string), and it must be (list<u8>)",
    ),
    "a number": (exporting('(param "event" u8)', NUMBERED), "as (u8), and it must be (list<u8>)"),
    "a list of numbers": (exporting('(param "event" (list u64))'), "as (list<u64>), and it must be"),
    "a result that there is not": (
        exporting('(param "event" (list u8)) (result (result (error string)))', GIVING),
        "as (list<u8>) -> result<_, string>, and it must be (list<u8>)",
    ),
    "a fallible hook that is not": (
        exporting('(param "event" (list u8))', on="on_stop"),
        "on-stop as (list<u8>), and it must be (list<u8>) -> result<_, string>",
    ),
    "a result with a value": (
        exporting('(param "event" (list u8)) (result (result u8 (error string)))', GIVING, "on_stop"),
        "as (list<u8>) -> result<u8, string>, and it must be",
    ),
    "two events": (
        exporting('(param "a" (list u8)) (param "b" u8)', '(func (export "h") (param i32 i32 i32))'),
        "as (list<u8>, u8), and it must be (list<u8>)",
    ),
}


@pytest.mark.parametrize(("wasm", "words"), EXPORTS.values(), ids=EXPORTS)
def test_an_export_that_is_not_the_contracts_is_refused(lab: Lab, wasm: bytes, words: str) -> None:
    """And what is wrong with it is named."""
    assert words in refused(lab, wasm)


def test_a_hook_that_is_no_function_is_refused(lab: Lab) -> None:
    """An instance may export anything under the hook's name."""
    inner = '(instance $empty) (instance $i (export "on-webrtc-connected" (instance $empty)))'
    assert "on-webrtc-connected as something else, and it must be (list<u8>)" in refused(
        lab, named(interface_id("webrtc"), inner)
    )


def test_an_async_hook_is_refused(lab: Lab) -> None:
    """There is nothing here for it to wait for."""
    with pytest.raises(GuestRefused, match="async"):
        lab.load(exporting('async (param "event" (list u8))'))


# refused: too much of it


@pytest.mark.parametrize("count", [1_001, 20_000])
def test_thousands_of_names_are_refused_at_once(lab: Lab, count: int) -> None:
    """As imports, as exports, as items of an interface of ours. They are counted, not listed.

    Of very many imports and exports the engine sees nothing: `caps.py` counts them first, up to its cap.
    """
    capped = count > 2_000
    imports = "".join(f'(import "a{number}" (func))' for number in range(count))
    exports = "".join(f'(export "a{number}" (func ${wat.HOOK}))' for number in range(count - 1))
    items = "(type $f (func))" + "".join(f'(export "a{number}" (func (type $f)))' for number in range(count))
    for wasm, words in (
        (
            wc.guest(before=imports),
            "2,001 imports of components" if capped else f"it has {count:,} imports, more than 1,000",
        ),
        (
            wc.guest(after=exports),
            f"it has {count:,} exports of components"
            if capped
            else f"it has {count:,} exports, more than 1,000",
        ),
        (
            importing(LOG, f"(instance {items})"),
            f"one of its interfaces has {count:,} items, more than 1,000",
        ),
    ):
        began = time.monotonic()
        assert words in refused(lab, wasm)
        assert time.monotonic() - began < 10


def test_a_component_that_is_too_large_or_cut_is_refused(lab: Lab) -> None:
    """Like a core module."""
    large = wc.with_section(wc.guest(), "x", bytes(1_048_576))
    assert "more than module_mib = 1 allows" in refused(lab, large, limits=Limits(module_mib=1))
    assert "does not compile" in refused(lab, wc.guest()[:-9])


# the manifest


def test_only_the_hooks_of_its_manifest_are_called(lab: Lab) -> None:
    """A component exports whole interfaces, and those hooks of them that do nothing are not for us."""
    wasm = several(*WHOLE_LIFECYCLE)
    assert len(lab.load(wasm).hooks) == 4
    guest = lab.load(wc.with_section(wasm, SECTION, manifest("on_stop")))
    assert [hook.name for hook in guest.hooks] == ["on_stop"]
    assert guest.manifest is not None
    assert guest.manifest.hooks == ("on_stop",)
    assert len(lab.open(guest).deliver(0, b"x").effects.logs) == 1


def test_the_operator_restricts_what_the_manifest_has(lab: Lab) -> None:
    """Both must want it."""
    wasm = wc.with_section(several(*WHOLE_LIFECYCLE), SECTION, manifest("on_start", "on_stop"))
    guest = lab.load(wasm, hooks={"on_stop", "on_error"})
    assert [hook.name for hook in guest.hooks] == ["on_stop"]
    assert "it exports on_start, on_stop, and none of them is in the observer's hooks" in refused(
        lab, wasm, hooks={"on_error"}
    )


MANIFESTS = {
    "a hook that is not exported": (
        manifest("on_ready"),
        "its manifest names on_ready, which it does not export",
    ),
    "no hook": (manifest(), "its manifest names no hook"),
    "empty": (b"", "its manifest cannot be read: it is no CBOR"),
    "no CBOR": (b"\xff\x1b[2J", "its manifest cannot be read: it is no CBOR"),
    "no map": (b"\x01", "its manifest cannot be read: it is no map"),
    "more behind it": (manifest(wat.HOOK) + b"\0", "something follows its CBOR item"),
    "too large": (bytes(9_000), "it takes 9,000 bytes, more than 8,192"),
}


@pytest.mark.parametrize(("content", "words"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_broken_manifest_is_refused(lab: Lab, content: bytes, words: str) -> None:
    """It is a promise of the module's; one that cannot be read is not kept."""
    assert words in refused(lab, wc.with_section(wc.guest(), SECTION, content))
    assert words in refused(lab, wc.with_section(wat.guest(), SECTION, content))


def test_two_manifests_are_refused(lab: Lab) -> None:
    """Nothing says which of them holds."""
    wasm = wc.with_section(wc.guest(), SECTION, manifest(wat.HOOK))
    assert "there are 2 of it" in refused(lab, wc.with_section(wasm, SECTION, manifest(wat.HOOK)))


# what it shows


def test_a_component_shows_its_surface_whoever_made_it(lab: Lab) -> None:
    """Hooks, imports by function, strange ones by interface; memory and table of the largest module in it."""
    shown = show(
        lab,
        wc.guest(
            use=("log.write", "state.save"),
            before='(import "wasi:cli/exit@0.2.6" (instance (export "exit" (func))))',
            extra="(table 5 100 funcref) (table 7 funcref)",
        ),
    )
    assert [hook.name for hook in shown.hooks] == [wat.HOOK]
    assert shown.imports == (
        ("wasi:cli/exit@0.2.6", ""),
        (LOG, "write"),
        (interface_id("state"), "save"),
    )
    assert (shown.memory, shown.table) == ((8, None), (7, None))


def test_a_hook_of_another_type_is_shown_all_the_same(lab: Lab) -> None:
    """It is refused by who checks; who looks sees it. So is an import that is no interface."""
    assert [hook.name for hook in show(lab, exporting('(param "event" string)')).hooks] == [wat.HOOK]
    assert show(lab, importing(LOG, "(func)")).imports == ((LOG, ""),)
    assert show(lab, wc.component()).memory is None


VECTORS = """
  (core module $v (type (func (param v128) (result v128)))
    (func $f (export "f") (param v128) (result v128) (local.get 0))
    (global (export "g") v128 (v128.const i64x2 1 2))
    (func (export "h") (param i32 i32) (drop (call $f (v128.const i64x2 0 0)))))
"""


def test_vectors_in_nested_modules_do_not_abort_the_process() -> None:
    """Asked for a function type with a v128, the engine's C API aborts: so it is not asked."""
    code = f"""
        from tests.sandbox import wat, wat_component as wc
        from wasmhost.config import Limits
        from wasmhost.sandbox.engine import SandboxEngine
        from wasmhost.sandbox.guest import load_guest, surface
        from wasmhost.sandbox.instance import Sandbox
        engine = SandboxEngine()
        module = '''{VECTORS}'''
        kinds = ("",
            '(import "m" (core module (import "a" "b" (func (param v128))) (export "g" (global v128))))',
            '(import "wasmhost:observer/log@0.1.0" (instance (export "m"'
            ' (core module (export "f" (func (param v128)))))))')
        for before in kinds:
            for after in ("", module, "(component $c " + module + ")", '(export "m" (core module $v))'):
                wasm = wc.guest(before=before + (module if "$v))" in after else ""), after=after)
                print(surface(engine, engine.compile_component(wasm), wasm).memory)
                try:
                    guest = load_guest(engine, wasm, Limits(), grant=())
                except Exception as error:
                    print(type(error).__name__)
                else:
                    print(Sandbox(engine, guest, Limits()).deliver(0, b"x").trap)
    """
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(line.removeprefix("        ") for line in code.splitlines())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["(8,", "None)", "None"] * 4 + ["(8,", "None)", "GuestRefused"] * 8

"""Modules out of scripts of the WebAssembly test suite."""

from __future__ import annotations

import pytest

from tests.fuzz.wast import VALID, modules
from wasmhost.sandbox.sections import layer

SCRIPT = r"""
;; (module binary "no") is a comment, and so is (; (module (; nested ;) binary "no") ;)
(module $named binary "\00asm" "\01\00\00\00" "\u{e9}(\"\\;;")
(assert_return (invoke "f" (i32.const 1)) (i32.const 2))
(assert_malformed (module binary "\00as") "unexpected end")
(assert_malformed (module quote "(func" "(i32.const") "unexpected token")
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_trap (module (memory 1) (data (i32.const 70000) "a")) "out of bounds")
(module (func (export "f)") (nop)))
(register "m")
"""


def test_the_modules_of_a_script() -> None:
    """Each with its assertion; binary ones byte for byte, text as the engine's reader makes it."""
    found = list(modules(SCRIPT))
    assert [module.said for module in found] == [
        VALID,
        "assert_malformed",
        "assert_malformed",
        "assert_invalid",
        VALID,
        VALID,
    ]
    binaries = [module.wasm for module in found]
    assert binaries[:3] == [b'\0asm\1\0\0\0\xc3\xa9("\\;;', b"\0as", None]
    assert all(wasm is not None and layer(wasm) == "core" for wasm in binaries[3:])


@pytest.mark.parametrize("script", ["", "(", '"', "(module", ";; only (module)", "(module))(module)"])
def test_what_is_no_script_has_what_there_is(script: str) -> None:
    """Nothing is raised for what ends early."""
    assert all(module.said == VALID for module in modules(script))

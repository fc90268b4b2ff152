"""Small modules in text, drawn at random: well typed for the most part, as nobody would write them.

Mutants stay near what a compiler makes; these do not. Their hooks compute, branch, loop without end, recurse,
grow memories, call imports with any arguments, and leave out what a guest must have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.sandbox import wat
from wasmhost.contract.hooks import HOOKS
from wasmhost.sandbox.airlock import abi

if TYPE_CHECKING:
    from random import Random

_KINDS: Final = ("i32", "i64", "f32", "f64")
_BINARY: Final = {
    "i32": ("add", "sub", "mul", "div_s", "rem_u", "and", "shl", "rotl", "lt_s", "eq"),
    "i64": ("add", "sub", "mul", "div_u", "rem_s", "xor", "shr_u", "or"),
    "f32": ("add", "div", "min", "copysign"),
    "f64": ("sub", "mul", "max", "div"),
}
_UNARY: Final = {
    "i32": ("i32.clz", "i32.eqz", "i32.popcnt", "i32.extend8_s"),
    "i64": ("i64.ctz", "i64.extend32_s"),
    "f32": ("f32.sqrt", "f32.neg", "f32.nearest"),
    "f64": ("f64.floor", "f64.abs"),
}
_FROM_I32: Final = {
    "i64": "i64.extend_i32_u",
    "f32": "f32.convert_i32_s",
    "f64": "f64.reinterpret_i64 (i64.extend_i32_s",
}
_TO_I32: Final = (
    "i32.wrap_i64 {i64}",
    "i32.trunc_f32_s {f32}",
    "i32.trunc_sat_f64_u {f64}",
    "f64.lt {f64} {f64}",
)
_EDGES: Final = (0, 1, -1, 7, 64, 255, 4096, 65535, 65536, 524287, 524288, 2**31 - 1, -(2**31))
_FAR_OUT: Final = 0.15


class _Body:
    """Draws the code of one function: statements, and expressions of a given type."""

    def __init__(self, chance: Random, functions: int, uses: list[abi.Import]) -> None:
        self._chance = chance
        self._functions = functions
        self._uses = uses
        self._room = 40  # of statements and expressions: a small function is as odd as a large one

    def statements(self, depth: int) -> str:
        """Some of them, one behind the other."""
        return "\n".join(self._statement(depth) for _ in range(self._chance.randint(1, 4)))

    def value(self, kind: str, depth: int) -> str:
        """An expression."""
        chance = self._chance
        self._room -= 1
        if depth <= 0 or self._room <= 0 or chance.random() < 0.25:
            return chance.choice((self._constant(kind), f"(local.get ${kind})", f"(global.get $g{kind})"))
        match chance.randrange(7 if kind == "i32" else 6):
            case 0 | 1:
                operator = chance.choice(_BINARY[kind])
                return f"({kind}.{operator} {self.value(kind, depth - 1)} {self.value(kind, depth - 1)})"
            case 2:
                return f"({chance.choice(_UNARY[kind])} {self.value(kind, depth - 1)})"
            case 3:
                return f"({kind}.load offset={chance.choice((0, 3, 70000))} {self.value('i32', depth - 1)})"
            case 4:
                then, other = self.value(kind, depth - 1), self.value(kind, depth - 1)
                return f"(if (result {kind}) {self.value('i32', depth - 1)} (then {then}) (else {other}))"
            case 5:
                return self._converted(kind, depth)
        return chance.choice(("(memory.size)", f"(memory.grow {self._constant('i32')})", self._called(depth)))

    def _converted(self, kind: str, depth: int) -> str:
        if kind == "i32":
            values = {name: self.value(name, depth - 1) for name in ("i64", "f32", "f64")}
            return f"({self._chance.choice(_TO_I32).format(**values)})"
        convert = _FROM_I32[kind]
        return f"({convert} {self.value('i32', depth - 1)}{')' * convert.count('(')})"

    def _constant(self, kind: str) -> str:
        if kind[0] == "i":
            return f"({kind}.const {self._chance.choice(_EDGES)})"
        return f"({kind}.const {self._chance.choice(('0', '-1.5', 'nan', 'inf', '1e30', '-nan:0x200001'))})"

    def _called(self, depth: int) -> str:
        return f"(call $f{self._chance.randrange(self._functions)} {self.value('i32', depth - 1)})"

    def _statement(self, depth: int) -> str:
        chance = self._chance
        kind = chance.choice(_KINDS)
        self._room -= 1
        if depth <= 0 or self._room <= 0:
            return chance.choice(("(nop)", f"(drop {self.value(kind, 0)})"))
        match chance.randrange(11):
            case 0 | 1:
                return f"(local.set ${kind} {self.value(kind, depth - 1)})"
            case 2:
                return f"(global.set $g{kind} {self.value(kind, depth - 1)})"
            case 3:
                return f"({kind}.store {self.value('i32', depth - 1)} {self.value(kind, depth - 1)})"
            case 4:
                return f"(block {self.statements(depth - 1)} (br_if 0 {self.value('i32', depth - 1)}))"
            case 5:
                return f"(loop {self.statements(depth - 1)} (br_if 0 {self.value('i32', depth - 1)}))"
            case 6 | 7 if self._uses:
                return self._import(depth)
            case 8:
                places = " ".join(self.value("i32", depth - 2) for _ in range(3))
                return f"(memory.{chance.choice(('copy', 'fill'))} {places})"
            case 9:
                return chance.choice(("(unreachable)", "(call_indirect (type $v) (i32.const 1))", "(nop)"))
        return f"(drop {self._called(depth)})"

    def _import(self, depth: int) -> str:
        entry = self._chance.choice(self._uses)
        given = " ".join(self.value(kind, depth - 1) for kind in entry.params)
        call = f"(call ${entry.symbol} {given})"
        return f"(drop {call})" if entry.results else call


def wat_module(chance: Random) -> str:
    """One module."""
    known = list(abi.IMPORTS.values())
    uses = chance.sample(known, chance.choice((0, 1, 3, 8)))
    functions = chance.randint(1, 5)
    parts = [wat.imports(*(entry.symbol for entry in uses)), _memory(chance), _allocator(chance)]
    parts += [f"(global $g{kind} (mut {kind}) ({kind}.const 1))" for kind in _KINDS]
    parts.append("(type $v (func)) (table 4 funcref) (elem (i32.const 1) $v) (func $v)")
    names = "(local $i64 i64) (local $f32 f32) (local $f64 f64)"
    for number in range(functions):
        body = _Body(chance, functions, uses)
        code = f"{body.statements(3)} {body.value('i32', 3)}"
        parts.append(f"(func $f{number} (param $i32 i32) (result i32) {names} {code})")
    for hook in chance.sample(HOOKS, chance.choice((1, 1, 2, 4))):
        call = f"(call $f{chance.randrange(functions)} (local.get $p))"
        parts.append(wat.hook(hook.name, call if hook.fallible else f"(drop {call})"))
    if chance.random() < _FAR_OUT:
        parts.append("(func $s (drop (call $f0 (i32.const 0)))) (start $s)")
    if chance.random() < _FAR_OUT:
        parts.append('(func (export "_initialize") (drop (call $f0 (i32.const 9))))')
    return f"(module {' '.join(parts)})"


def _memory(chance: Random) -> str:
    if chance.random() < _FAR_OUT:
        return chance.choice(
            ("(memory 1)", '(memory (export "memory") 300)', '(memory (export "memory") 1 1)', "(memory 0)")
        )
    return wat.MEMORY


def _allocator(chance: Random) -> str:
    if chance.random() < _FAR_OUT:
        result = chance.choice(_EDGES)
        return (
            '(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)'
            f" (drop (memory.grow (i32.const 1))) (i32.const {result}))"
        )
    return wat.REALLOC

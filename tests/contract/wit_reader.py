"""Reads the subset of WIT that ``wit/`` is written in, so that tests can hold tables against it.

Known: packages, interfaces with ``use``, ``type``, ``record``, ``enum`` and ``func``, a world with
imports and exports of interfaces, and of types the scalars, ``string``, ``list``, ``option`` and
``result``. Anything else is an error: better than a table that is checked against half of the WIT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

WIT = Path(__file__).parents[2] / "wit"

_TOKEN = re.compile(r"\s+|//[^\n]*|(->|[%]?[\w-]+(?:\.[\w-]+)*|[{}()<>,;:=@/.])")
_FLAT = {"bool": "i32", "u8": "i32", "u32": "i32", "u64": "i64", "f64": "f64"}
_MAX_FLAT_PARAMS = 16
_MAX_FLAT_RESULTS = 1


@dataclass
class Function:
    """A function: its parameters in order, name and type, and its result's type or None."""

    params: list[tuple[str, str]]
    result: str | None


@dataclass
class Interface:
    """What an interface declares; types are spelled as in the WIT, without spaces."""

    records: dict[str, dict[str, str]] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    uses: dict[str, str] = field(default_factory=dict)


@dataclass
class Wit:
    """A package: its interfaces by name, and what its world imports and exports."""

    package: str = ""
    interfaces: dict[str, Interface] = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)

    def interface_id(self, interface: str) -> str:
        """Spell an interface's full name, with the package's version."""
        name, version = self.package.split("@")
        return f"{name}/{interface}@{version}"

    def resolve(self, interface: str, type_name: str) -> str:
        """Follow aliases and ``use`` from a name in an interface down to a type that is neither."""
        here = self.interfaces[interface]
        if type_name in here.uses:
            return self.resolve(here.uses[type_name], type_name)
        if type_name in here.aliases:
            return self.resolve(interface, here.aliases[type_name])
        return type_name


CoreSignature = tuple[tuple[str, ...], tuple[str, ...]]
"""Core WebAssembly parameter types and result types."""


def read(folder: Path = WIT) -> Wit:
    """Read all ``*.wit`` of a folder as one package; raises ValueError for what is not in the subset."""
    wit = Wit()
    for path in sorted(folder.glob("*.wit")):
        _Parser(path.read_text(encoding="utf-8"), wit).file()
    return wit


def signatures(wit: Wit | None = None) -> dict[tuple[str, str], CoreSignature]:
    """Flatten every function the world imports, as the canonical ABI lowers it for a guest's imports.

    Keyed by what a core module imports: the interface's full name, and the function's.
    """
    wit = wit or read()
    return {
        (wit.interface_id(interface), name): _flatten(wit, interface, function, lowered=True)
        for interface in wit.imports
        for name, function in wit.interfaces[interface].functions.items()
    }


def export_signatures(wit: Wit | None = None) -> dict[str, CoreSignature]:
    """Flatten every function the world exports, as the canonical ABI lifts it, by the core export's name."""
    wit = wit or read()
    return {
        f"{wit.interface_id(interface)}#{name}": _flatten(wit, interface, function, lowered=False)
        for interface in wit.exports
        for name, function in wit.interfaces[interface].functions.items()
    }


def _flatten(wit: Wit, interface: str, function: Function, *, lowered: bool) -> CoreSignature:
    """Flatten a function; a result that takes more than one value goes through memory.

    Where it does, a lowered import takes the place to write it to as its last parameter, and a lifted
    export returns the place it wrote it to.
    """
    params = [core for _name, of in function.params for core in _flat_type(wit, interface, of)]
    results = _flat_type(wit, interface, function.result) if function.result else []
    if len(params) > _MAX_FLAT_PARAMS:
        params = ["i32"]
    if len(results) > _MAX_FLAT_RESULTS:
        if lowered:
            params, results = [*params, "i32"], []
        else:
            results = ["i32"]
    return tuple(params), tuple(results)


def _flat_type(wit: Wit, interface: str, name: str) -> list[str]:
    name = wit.resolve(interface, name)
    if name in _FLAT:
        return [_FLAT[name]]
    if name == "string" or name.startswith("list<"):
        return ["i32", "i32"]
    if name.startswith("option<"):
        return ["i32", *_flat_type(wit, interface, _inner(name))]
    if name == "result<_,string>":
        return ["i32", "i32", "i32"]
    if any(name in declared.enums for declared in wit.interfaces.values()):
        return ["i32"]
    raise ValueError(f"no flattening for {name}")


def _inner(name: str) -> str:
    return name[name.index("<") + 1 : -1]


class _Parser:
    def __init__(self, text: str, wit: Wit) -> None:
        self._wit = wit
        self._tokens: list[str] = []
        pos = 0
        while pos < len(text):
            match = _TOKEN.match(text, pos)
            if match is None:
                raise ValueError(f"unknown character {text[pos]!r} at {pos}")
            if match[1]:
                self._tokens.append(match[1])
            pos = match.end()
        self._tokens.reverse()

    def _next(self) -> str:
        return self._tokens.pop()

    def _peek(self) -> str:
        return self._tokens[-1] if self._tokens else ""

    def _expect(self, *tokens: str) -> None:
        for token in tokens:
            found = self._next()
            if found != token:
                raise ValueError(f"expected {token}, got {found}")

    def _name(self) -> str:
        return self._next().removeprefix("%")

    def file(self) -> None:
        self._expect("package")
        self._wit.package = self._until(";")
        while self._tokens:
            kind, name = self._next(), self._name()
            self._expect("{")
            if kind == "interface":
                self._wit.interfaces[name] = self._interface()
            elif kind == "world":
                self._world()
            else:
                raise ValueError(f"unknown item {kind}")

    def _until(self, end: str) -> str:
        parts: list[str] = []
        while (token := self._next()) != end:
            parts.append(token)
        return "".join(parts)

    def _interface(self) -> Interface:
        interface = Interface()
        while (word := self._name()) != "}":
            if word == "use":
                self._use(interface)
            elif word == "type":
                name = self._name()
                self._expect("=")
                interface.aliases[name] = self._until(";")
            elif word == "record":
                name = self._name()  # before the fields: Python evaluates an assignment's right side first
                interface.records[name] = dict(self._fields())
            elif word == "enum":
                name = self._name()
                interface.enums[name] = tuple(self._cases())
            else:
                self._expect(":", "func")
                interface.functions[word] = self._function()
        return interface

    def _use(self, interface: Interface) -> None:
        source = self._name()
        self._expect(".", "{")
        for name in self._until("}").split(","):
            interface.uses[name] = source
        self._expect(";")

    def _cases(self) -> list[str]:
        self._expect("{")
        return [case for case in self._until("}").split(",") if case]

    def _fields(self) -> list[tuple[str, str]]:
        self._expect("{")
        fields: list[tuple[str, str]] = []
        while self._peek() != "}":
            name = self._name()
            self._expect(":")
            fields.append((name, self._type()))
            if self._peek() == ",":
                self._next()
        self._next()
        return fields

    def _function(self) -> Function:
        self._expect("(")
        params: list[tuple[str, str]] = []
        while self._peek() != ")":
            name = self._name()
            self._expect(":")
            params.append((name, self._type()))
            if self._peek() == ",":
                self._next()
        self._next()
        result = None
        if self._peek() == "->":
            self._next()
            result = self._type()
        self._expect(";")
        return Function(params, result)

    def _type(self) -> str:
        name = self._name()
        if self._peek() != "<":
            return name
        self._next()
        inner = [self._type()]
        while self._peek() == ",":
            self._next()
            inner.append(self._type())
        self._expect(">")
        return f"{name}<{','.join(inner)}>"

    def _world(self) -> None:
        while (word := self._next()) != "}":
            names = {"import": self._wit.imports, "export": self._wit.exports}[word]
            names.append(self._until(";"))

"""The tables in Python say what ``wit/`` says; neither can change alone."""

from __future__ import annotations

import dataclasses
import enum
import typing
from itertools import pairwise
from typing import Any

import pytest

from tests.contract.wit_reader import WIT, Wit, export_signatures, read, signatures
from wasmhost.contract import hooks, records, schema
from wasmhost.contract.hooks import HOOKS, Hook


@pytest.fixture(scope="module")
def wit() -> Wit:
    """Read the package."""
    return read()


def test_the_table_of_hooks_follows_from_the_wit(wit: Wit) -> None:
    """Interfaces the world exports, their functions in order, fallible by result, payload by alias."""
    expected = []
    for interface in wit.exports:
        for name, function in wit.interfaces[interface].functions.items():
            ((_event, alias),) = function.params
            assert wit.interfaces[interface].uses[alias] == "types"
            assert wit.resolve(interface, alias) == "list<u8>"
            assert function.result in (None, "result<_,string>")
            payload = None if alias == "event" else alias.removesuffix("-cbor")
            expected.append(Hook(name.replace("-", "_"), interface, function.result is not None, payload))
    assert tuple(expected) == HOOKS


def test_package_and_version_are_the_wits(wit: Wit) -> None:
    """The full names of interfaces are built from the package the WIT declares."""
    assert f"{hooks.PACKAGE}@{hooks.VERSION}" == wit.package
    assert hooks.interface_id("webrtc") == wit.interface_id("webrtc")


def test_every_hook_has_the_core_type_the_contract_says(wit: Wit) -> None:
    """Bytes in as pointer and length; the four fallible hooks return a pointer to their result."""
    assert export_signatures(wit) == {
        hook.export: (("i32", "i32"), ("i32",) if hook.fallible else ()) for hook in HOOKS
    }


def test_capabilities_flatten_by_the_canonical_abi(wit: Wit) -> None:
    """Strings and lists are two values, an optional result is written where the last parameter says."""
    flat = signatures(wit)
    assert flat[wit.interface_id("config"), "get"] == (("i32", "i32", "i32"), ())
    assert flat[wit.interface_id("metrics"), "gauge-set"] == (("i32", "i32", "f64"), ())
    assert flat[wit.interface_id("delivery"), "now"] == ((), ("i64",))
    assert {interface for interface, _name in flat} == {wit.interface_id(name) for name in wit.imports}


def test_the_schema_states_the_records_enums_and_aliases_of_the_wit(wit: Wit) -> None:
    """The checks are generated from these tables, which therefore must be the WIT's own."""
    types = wit.interfaces["types"]
    assert types.records == schema.RECORDS
    assert types.enums == schema.ENUMS
    assert {name: of for name, of in types.aliases.items() if of != "list<u8>"} == schema.ALIASES


def test_every_payload_of_the_table_of_hooks_is_a_record_with_an_alias(wit: Wit) -> None:
    """A payload is named by its record, and travels under the alias ``<record>-cbor``."""
    types = wit.interfaces["types"]
    for hook in HOOKS:
        if hook.payload is not None:
            assert hook.payload in types.records
            assert types.aliases[f"{hook.payload}-cbor"] == "list<u8>"


def _spelled(annotation: Any) -> str:
    """Spell a Python annotation as WIT."""
    arguments = typing.get_args(annotation)
    if arguments:
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return f"option<{_spelled(inner)}>"
    named: type = annotation
    if dataclasses.is_dataclass(named) or issubclass(named, enum.Enum):
        return _wit_name(named)
    return {int: "int", str: "string", bool: "bool"}[named]


def _wit_name(record: type) -> str:
    if record is records.RuntimeContext:
        return "context"
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in record.__name__).removeprefix("-")


PAYLOADS_AND_IDENTITIES = [
    records.Realm,
    records.ActrType,
    records.ActrId,
    records.RuntimeContext,
    records.ErrorSource,
    records.StreamInfo,
    *typing.get_args(records.Payload),
]


@pytest.mark.parametrize("record", PAYLOADS_AND_IDENTITIES)
def test_a_record_has_the_fields_of_its_wit_record_in_order(wit: Wit, record: type) -> None:
    """Names, order and types agree; the widths of integers are the schema's to check."""
    integers = {"u32": "int", "u64": "int", "timestamp": "int"}
    declared = wit.interfaces["types"].records[_wit_name(record)]
    expected = {
        name: f"option<{integers.get(of[7:-1], of[7:-1])}>"
        if of.startswith("option<")
        else integers.get(of, of)
        for name, of in declared.items()
    }
    hints = typing.get_type_hints(record)
    found = {
        field.name.replace("_", "-"): _spelled(hints[field.name]) for field in dataclasses.fields(record)
    }
    assert list(found.items()) == list(expected.items())


def test_all_wit_records_have_a_python_record(wit: Wit) -> None:
    """None was forgotten."""
    assert {_wit_name(record) for record in PAYLOADS_AND_IDENTITIES} == set(wit.interfaces["types"].records)


def test_every_item_of_the_wit_is_documented() -> None:
    """Each field, case, function, type, interface and world stands under a doc comment."""
    for path in WIT.glob("*.wit"):
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        for before, line in pairwise(lines):
            starts_item = line[:1].isalpha() or line.startswith("%")
            if starts_item and not line.startswith(("package", "use", "import", "export")):
                assert before.startswith("///"), f"{path.name}: {line}"


def test_the_reader_refuses_what_it_does_not_know(tmp_path: Any) -> None:
    """A WIT outside of the subset is an error, not half a table."""
    (tmp_path / "a.wit").write_text("package a:b@0.1.0;\nresource thing { }\n", encoding="utf-8")
    with pytest.raises(ValueError, match="unknown item resource"):
        read(tmp_path)

"""What a binary may have of each thing, before the engine sees it. Each cap has a binary made for it."""

from __future__ import annotations

import re

import pytest

from tests.guests.built import FOLDERS, built
from tests.guests.languages import LANGUAGES
from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from tests.sandbox.lab import LIMITS, Lab
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.caps import CAPS, check_caps
from wasmhost.sandbox.guest import load_guest
from wasmhost.sandbox.sections import CUSTOM, Section, join, vector

CORE = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"


def leb(number: int) -> bytes:
    """A number as binaries have it."""
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def core(*sections: tuple[int, bytes]) -> bytes:
    """A core module of these sections."""
    return join(CORE, [Section(*section) for section in sections])


def component(*sections: tuple[int, bytes]) -> bytes:
    """A component of these sections."""
    return join(COMPONENT, [Section(*section) for section in sections])


def code(*bodies: bytes) -> tuple[int, bytes]:
    """A code section."""
    return 10, leb(len(bodies)) + b"".join(map(vector, bodies))


def nested(depth: int) -> bytes:
    """Components in one another."""
    made = component()
    for _ in range(depth):
        made = component((4, made))
    return made


def over(what: str) -> bytes:
    """A binary with one more of something than there may be."""
    count = CAPS[what].most + 1
    in_core = {"types": 1, "imports": 2, "functions": 3, "tables": 4, "memories": 5, "globals": 6}
    in_core |= {"exports": 7, "element segments": 9, "data segments": 11}
    in_component = {"types of components": 7, "instances": 5, "aliases": 6, "canonical functions": 8}
    in_component |= {"imports of components": 10, "exports of components": 11}
    if what in in_core:
        return core((in_core[what], leb(count)))
    if what in in_component:
        return component(*[(in_component[what], b"\x01")] * count)
    local = leb(1) + leb(CAPS["locals in one function"].most) + b"\x7f\x0b"
    return {
        "bytes in one function": lambda: core((10, leb(1) + leb(count))),
        "locals in one function": lambda: core(code(leb(2) + leb(count - 1) + b"\x7f\x01\x7e\x0b")),
        "locals": lambda: core(code(*[local] * 50, b"\x01\x01\x7f\x0b")),
        "bytes of types": lambda: core((1, leb(1) + bytes(count - 1))),
        "custom sections": lambda: core(*[(CUSTOM, b"\x01x")] * count),
        "bytes of custom sections": lambda: core((CUSTOM, bytes(count))),
        "modules": lambda: component(*[(1, CORE)] * count),
        "components": lambda: component(*[(4, COMPONENT)] * (count - 1)),
        "levels of components": lambda: nested(count),
    }[what]()


@pytest.mark.parametrize("what", CAPS)
def test_one_more_than_its_cap_is_refused_with_both_numbers(what: str) -> None:
    """And with the name of what there is too much of."""
    most = CAPS[what].most
    words = f"it has {most + 1:,} {what}, more than {most:,}"
    with pytest.raises(GuestRefused, match=re.escape(words)):
        check_caps(over(what))


def test_the_modules_of_a_component_are_counted_together() -> None:
    """Half of what there may be in each of three is too much."""
    half = core((7, leb(CAPS["exports"].most // 2)))
    check_caps(component((1, half), (1, half)))
    with pytest.raises(GuestRefused, match="exports, more than"):
        check_caps(component((1, half), (4, component((1, half))), (1, half)))


def test_imported_functions_count_as_functions() -> None:
    """Together with a module's own."""
    with pytest.raises(GuestRefused, match="functions, more than"):
        check_caps(core((2, leb(CAPS["imports"].most)), (3, leb(CAPS["functions"].most - 1))))


@pytest.mark.parametrize("funcref", [b"\x70", b"\x63\x70"])
def test_locals_are_counted_behind_a_type_however_it_is_spelt(funcref: bytes) -> None:
    """The engine takes ``(ref null func)`` for funcref; read as one byte, it hid all that came after."""
    many = CAPS["locals in one function"].most
    body = leb(2) + leb(1) + funcref + leb(many) + b"\x7f\x0b"
    with pytest.raises(GuestRefused, match=f"{many + 1:,} locals in one function"):
        check_caps(core((1, b"\x01\x60\0\0"), (3, b"\x01\0"), code(body)))


def test_a_guest_within_the_caps_is_let_in(lab: Lab) -> None:
    """Those of the tests are."""
    for wasm in (wat.guest(), wat.puppet(), wc.guest(), wc.puppet()):
        check_caps(wasm)
        lab.load(wasm)


def test_what_is_malformed_is_left_to_the_engine(lab: Lab) -> None:
    """It has better words for it."""
    whole = wat.guest()
    for end in range(8, len(whole)):
        check_caps(whole[:end])
    check_caps(core((10, b"\x01\x02\xff\xff")))
    check_caps(core((10, b"\x01\x03\x05\x01\x7f\x0b")))  # five runs of locals, and room for one
    with pytest.raises(GuestRefused, match="does not compile"):
        lab.load(core((10, b"\x01\x03\x05\x01\x7f\x0b")))


def test_three_hundred_thousand_empty_functions_never_reach_the_engine(lab: Lab) -> None:
    """They took 15 s and 1.7 GiB to compile."""
    count = 300_000
    bomb = core((1, b"\x01\x60\0\0"), (3, leb(count) + bytes(count)), code(*[b"\0\x0b"] * count))
    with pytest.raises(GuestRefused, match="it has 300,000 functions, more than 70,000"):
        load_guest(lab.engine, bomb, LIMITS, grant=())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("guest", FOLDERS)
def test_real_guests_are_far_within_the_caps(
    guest: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of each would do."""
    quarter = {what: cap._replace(most=cap.most // 4) for what, cap in CAPS.items()}
    monkeypatch.setattr("wasmhost.sandbox.caps.CAPS", quarter)
    check_caps(built(guest, language))

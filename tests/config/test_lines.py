"""Where things stand in a TOML document."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.config.lines import Key, locate

DOCUMENT = '''\
# a comment with = and [brackets]
title = "a # no comment" # a comment

[host]
db = "x.db"
"quoted.key" = 1
'literal "key"' = 2
"esc\\u0061ped" = 3
dotted . inner.key = 4
dotted.other = 5

multi = """
db = "not a key" \\"""
[not.a.header]
""quotes at the end"""""
literal = \'\'\'
x = 1
two quotes\'\'\'\'\'
array = [ # here
  1, [2,
    3],
  { a = 1, b = [
      "x", '],}' ] },

  1979-05-27 07:32:00,
]
inline = { one = 1, two.three = { four = 4 }, "}" = "}" }
empty = []
none = {}

[[observer]]
name = "a"
[observer.config]
key = "value"
[[observer.part]]
x = 1
[[observer.part]]
x = 2

[[observer]]
name = "b"
[[observer.part]]
x = 3
[a.b.c]
[a]
d = -inf
e = 0xff
f = true'''


def paths(value: object, path: Key = ()) -> set[Key]:
    """Return the path of everything in a parsed document."""
    found = {path} - {()}
    if isinstance(value, dict):
        for name, inner in value.items():
            found |= paths(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found |= paths(inner, (*path, index))
    return found


def line_of(marker: str, occurrence: int = 1) -> int:
    """Return the line of DOCUMENT that begins with ``marker`` for the n-th time, spaces aside."""
    lines = [
        number
        for number, line in enumerate(DOCUMENT.splitlines(), start=1)
        if line.strip().startswith(marker)
    ]
    return lines[occurrence - 1]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_value_is_found(newline: str) -> None:
    """Not one key or element is missed, and none is seen where there is only a string."""
    text = DOCUMENT.replace("\n", newline)
    assert set(locate(text)) == paths(tomllib.loads(text))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("host",), 4),
        (("host", "quoted.key"), 6),
        (("host", 'literal "key"'), 7),
        (("host", "escaped"), 8),
        (("host", "dotted"), 9),
        (("host", "dotted", "inner", "key"), 9),
        (("host", "dotted", "other"), 10),
        (("host", "multi"), 12),
        (("host", "literal"), line_of("literal =")),
        (("host", "array"), line_of("array =")),
        (("host", "array", 0), line_of("1, [2,")),
        (("host", "array", 1, 0), line_of("1, [2,")),
        (("host", "array", 1, 1), line_of("3],")),
        (("host", "array", 2, "a"), line_of("{ a = 1")),
        (("host", "array", 2, "b", 1), line_of('"x",')),
        (("host", "array", 3), line_of("1979")),
        (("host", "inline", "two", "three", "four"), line_of("inline")),
        (("observer",), line_of("[[observer]]")),
        (("observer", 0), line_of("[[observer]]")),
        (("observer", 0, "config", "key"), line_of("key = ")),
        (("observer", 0, "part", 1), line_of("[[observer.part]]", 2)),
        (("observer", 0, "part", 1, "x"), line_of("x = 2")),
        (("observer", 1), line_of("[[observer]]", 2)),
        (("observer", 1, "name"), line_of('name = "b"')),
        (("observer", 1, "part", 0, "x"), line_of("x = 3")),
        (("a",), line_of("[a.b.c]")),
        (("a", "b", "c"), line_of("[a.b.c]")),
        (("a", "f"), line_of("f = true")),
    ],
)
def test_lines(path: Key, line: int) -> None:
    """Each kind of key and element has the line it is written on."""
    assert locate(DOCUMENT)[path] == line


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a comment", "a = 1 # no newline at the end", "\ta\t=\t1\t"]
)
def test_small_documents(text: str) -> None:
    """Documents of next to nothing are scanned like any other."""
    assert set(locate(text)) == paths(tomllib.loads(text))


def test_deep_nesting_fails_as_tomllib_does() -> None:
    """Both recurse; the caller turns that into one message."""
    with pytest.raises(RecursionError):
        locate("a = " + "[" * 100_000 + "]" * 100_000)


# A document is built line by line, so that the line of each key is known from the building.

NAMES = st.sampled_from(["a", "b-1", "_c", '"q . [x]"', "'l # it'", '"e\\n\\"s"', '""'])
SCALARS = st.sampled_from(
    [
        "1",
        "-0.5e3",
        "true",
        "nan",
        '"a # [b] = \\" ]"',
        "'c:\\d'",
        '"""x\n= \\""" y"""',
        "'''\n]'''",
        "07:32:00",
        '""',
    ]
)
BREAKS = st.sampled_from(["", " ", "\n", " # ]}\n ", "\n\n"])


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    """Draw the text of a value, with line breaks wherever TOML allows them."""
    kind = draw(st.sampled_from(["scalar", "array", "table"])) if depth else "scalar"
    if kind == "array":
        inner = draw(st.lists(values(depth=depth - 1), max_size=3))
        gap = draw(BREAKS)
        return "[" + ",".join(f"{gap}{item}{gap}" for item in inner) + "]"
    if kind == "table":
        inner = draw(st.lists(values(depth=depth - 1), max_size=3))
        return "{" + ", ".join(f"k{index} = {item}" for index, item in enumerate(inner)) + "}"
    return draw(SCALARS)


@given(
    tables=st.lists(
        st.tuples(
            st.sampled_from(["[[t]]", '[["t"]]  # x', "\n[[ t ]]"]),
            st.dictionaries(NAMES, values(), max_size=4),
        ),
        max_size=4,
    )
)
def test_built_documents(tables: list[tuple[str, dict[str, str]]]) -> None:
    """Whatever stands between two keys, the line of each is the one it was written on."""
    text = ""
    expected: dict[Key, int] = {}
    for index, (header, pairs) in enumerate(tables):
        text += header + "\n"
        expected["t", index] = text.count("\n")
        for name, value in pairs.items():
            expected["t", index, tomllib.loads(f"{name} = 1").popitem()[0]] = text.count("\n") + 1
            text += f"{name} = {value}\n"
    parsed = tomllib.loads(text)
    lines = locate(text)
    assert set(lines) == paths(parsed)
    assert {path: lines[path] for path in expected} == expected


def test_the_projects_own_file(request: pytest.FixtureRequest) -> None:
    """A real document of some size: pyproject.toml."""
    text = (Path(request.config.rootpath) / "pyproject.toml").read_text(encoding="utf-8")
    lines = locate(text)
    assert set(lines) == paths(tomllib.loads(text))
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("[") and not line.startswith("[["):
            assert lines[tuple(name.strip('"') for name in line.strip("[]").split("."))] <= number

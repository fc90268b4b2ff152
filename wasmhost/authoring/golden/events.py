"""The events of a test: a recorded CBOR sequence, or lines of JSON as a person writes them.

A line is a hook-event with the contract's keys. What a test rarely cares for may be left out: ``seq``
and ``at`` count up, ``ctx`` is a node in a lab (``null`` for none), ``event`` is empty.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

import cbor2

from wasmhost.authoring.samples import LAB_AT, LAB_NODE, STEP_NS
from wasmhost.config.nodes import suggestion
from wasmhost.contract.codec import Frame, RejectedEvent, decode_hello, ingest
from wasmhost.contract.encode import as_map
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.sequence import MalformedStream, Splitter
from wasmhost.errors import UserError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.contract.sequence import Item

_SHOWN: Final = 400
_NODE: Final = as_map(LAB_NODE)
_KEYS: Final = frozenset({"hook", "event", "seq", "at", "ctx", "src"})


class TestFileError(UserError):
    """A file of a test says something that cannot be meant; the message names the file and the place."""

    __test__ = False  # for pytest, which goes by the name


def read_json_events(path: Path) -> list[Frame]:
    """Read ``….events.ndjson``. Empty lines are passed over.

    Raises TestFileError, which names the line.
    """
    frames: list[Frame] = []
    seq = 0
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            frame = _frame(line, seq)
        except ValueError as error:
            raise _wrong(path, f"{number}", str(error)) from error
        except RejectedEvent as error:
            raise _wrong(path, f"{number}", error.reason) from error
        frames.append(frame)
        seq = frame.seq + 1
    return frames


def read_recorded_events(path: Path) -> list[Frame]:
    """Read a CBOR sequence, as a node writes it.

    Raises TestFileError, which names the byte.
    """
    splitter = Splitter()
    try:
        items = splitter.push(_bytes(path))
        splitter.finish()
    except MalformedStream as error:
        raise _wrong(path, f"byte {error.offset}", f"the item {error.reason}") from error
    return [frame for place, item in enumerate(items) if (frame := _recorded(path, item, place)) is not None]


def _recorded(path: Path, item: Item, place: int) -> Frame | None:
    """The event of an item; None for the hello that may open a stream."""
    if item.problem is not None or item.data is None:
        raise _wrong(path, f"byte {item.offset}", item.problem or "it is too large")
    try:
        if place == 0 and decode_hello(item.data) is not None:
            return None
        return ingest(item.data)
    except RejectedEvent as error:
        raise _wrong(path, f"byte {item.offset}", error.reason) from error


def _frame(line: str, seq: int) -> Frame:
    """Make an event of a line; ``seq`` is its number unless it says otherwise."""
    try:
        event = json.loads(line, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:  # its own words have a line, too: always the first
        raise ValueError(f"no JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(event, dict):
        raise ValueError('it must be an object, as {"hook": "on_start"}')  # noqa: TRY004 - of the file, not of ours
    _check_keys(event)
    event = {"seq": seq, "ctx": _NODE, "event": {}} | event
    if event["ctx"] is None:
        del event["ctx"]
    if isinstance(event["seq"], int):
        event.setdefault("at", LAB_AT + event["seq"] * STEP_NS)
    _check_hook(event.get("hook"))
    try:
        data = cbor2.dumps(event, canonical=True)
    except UnicodeEncodeError:
        raise ValueError("a text is not Unicode: it holds half a surrogate pair") from None
    return ingest(data)


def _check_keys(event: dict[str, Any]) -> None:
    """Keys that we do not know are a newer contract's, or, in a test, a slip of the pen."""
    for key in event.keys() - _KEYS:
        raise ValueError(f'there is no key "{escape_untrusted(key, 60)}"{suggestion(key, _KEYS)}')


def _check_hook(hook: object) -> None:
    """A node may know hooks that we do not; in a test, such a name is a slip of the pen."""
    if isinstance(hook, str) and hook not in HOOK_BY_NAME:
        shown = escape_untrusted(hook, 60)
        raise ValueError(f'hook: there is no "{shown}"{suggestion(hook.replace("-", "_"), HOOK_BY_NAME)}')


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
        raise ValueError(f'the key "{escape_untrusted(twice, 60)}" is there twice')
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _text(path: Path) -> str:
    data = _bytes(path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _wrong(path, str(data.count(b"\n", 0, error.start) + 1), "it is not UTF-8 text") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TestFileError(f"cannot read {escape_untrusted(str(path), _SHOWN)}: {reason}") from error


def _wrong(path: Path, place: str, reason: str) -> TestFileError:
    shown = escape_untrusted(str(path), _SHOWN)
    return TestFileError(f"{shown}:{place}: {escape_untrusted(reason, _SHOWN)}")

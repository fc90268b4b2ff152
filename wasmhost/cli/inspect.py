"""``wasmhost inspect``: what a module shows to the outside, and whether a run would let it in."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wasmhost.cli.facts import facts
from wasmhost.cli.options import GrantOption, JsonOption
from wasmhost.cli.terminal import Terminal, complain, put, terminal
from wasmhost.text import escape_untrusted, safe_json

if TYPE_CHECKING:
    from wasmhost.cli.description import Description

_NAME_LIMIT = 128


def inspect(
    module: Annotated[
        Path, typer.Argument(metavar="MODULE", help="A WebAssembly module.", show_default=False)
    ],
    grant: GrantOption = None,
    json: JsonOption = False,
) -> int:
    """Show what a module has, and whether it may run.

    That is: its hooks, imports and memory, and whether a run would let it in with the default grants
    and those given here. It is compiled and started as in a run, in a sandbox that is thrown away
    before any event.
    """
    from wasmhost.cli.description import describe
    from wasmhost.config import HostConfig
    from wasmhost.errors import GuestRefused

    (observer,) = HostConfig().with_observers([module], grant or ()).observers
    try:
        description = describe(observer)
    except GuestRefused as unreadable:
        complain(str(unreadable))
        return 1
    if json:
        put(safe_json(description.as_json()) + "\n")
    else:
        put(_words(description, terminal(sys.stdout)))
    if description.reason is not None:
        complain(f"{module} is refused: {description.reason}")
        return 1
    return 0


def _words(description: "Description", screen: Terminal) -> str:
    title = f"{description.name}: {'accepted' if description.reason is None else 'refused'}"
    return facts(title, _facts(description), screen)


def _facts(description: "Description") -> list[tuple[str, list[str]]]:
    """Return what to say of it, in order; what strangers wrote is escaped."""
    shown = description.as_json()
    return [
        ("kind", [f"{description.kind or 'unknown'}, {description.size:,} bytes"]),
        ("sha256", [description.sha256 or "not taken of a file this large"]),
        ("hooks", [", ".join(shown["hooks"]) or "none"]),
        ("imports", [_import_words(entry) for entry in shown["imports"]] or ["none"]),
        ("memory", [_room_words(shown["memory"], "none exported", "page", "pages of 64 KiB")]),
        ("table", [_room_words(shown["table"], "none", "element", "elements")]),
        ("language", [_language_words(shown)]),
        ("manifest", _manifest_words(shown["manifest"])),
        ("given", _given_words(shown["given"])),
        ("sees", [f"{row['hook']}: {_event_words(row['event'])}" for row in shown["sees"]] or ["nothing"]),
    ]


def _import_words(entry: dict[str, str | None]) -> str:
    whole = f"{entry['module']}#{entry['name']}" if entry["name"] else str(entry["module"])
    name = escape_untrusted(whole, _NAME_LIMIT)
    return f"{name} ({entry['capability'] or 'not offered'})"


def _room_words(room: dict[str, int | None] | None, none: str, one: str, many: str) -> str:
    if room is None:
        return none
    most = "no limit of its own" if room["max"] is None else f"{room['max']:,} at most"
    least = f"1 {one}" if room["min"] == 1 else f"{room['min']:,} {many}"
    return f"{least} to begin with, {most}"


def _language_words(shown: dict[str, Any]) -> str:
    words = f"{shown['language'] or 'not said'}" + (f", SDK {shown['sdk']}" if shown["sdk"] else "")
    return escape_untrusted(words, _NAME_LIMIT)


def _manifest_words(manifest: dict[str, Any] | None) -> list[str]:
    """What it asks for. Of a checked manifest, only its version is free text."""
    if manifest is None:
        return ["none"]
    asked = (key for key in ("hooks", "capabilities", "optional", "fields") if manifest[key])
    return [
        f"{manifest['name']} {escape_untrusted(manifest['version'], _NAME_LIMIT)}",
        *(f"{key}: {', '.join(manifest[key])}" for key in asked),
    ]


def _given_words(given: dict[str, list[str]] | None) -> list[str]:
    if given is None:
        return ["nothing: see below"]
    return [
        f"{key}: {', '.join(names) or 'none'}" for key, names in given.items() if names or key != "without"
    ]


def _event_words(event: dict[str, Any]) -> str:
    """A typical event as it would see it: whose it is, and what it says."""
    told = {**event.get("ctx", {}), **event["event"]}
    return ", ".join(f"{key} {_value_words(value)}" for key, value in told.items())


def _value_words(value: Any) -> str:  # Any: what an event of ours holds
    if not isinstance(value, dict):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if "serial-number" in value:
        kind, realm = value["type"], value["realm"]["realm-id"]
        return f"{kind['manufacturer']}/{kind['name']}/{kind['version']}#{value['serial-number']}@{realm}"
    return "(" + ", ".join(f"{key} {_value_words(item)}" for key, item in value.items()) + ")"

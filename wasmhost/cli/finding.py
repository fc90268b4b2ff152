"""A report in a person's words, for the reports that the prebuilt guests make; any other as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable

_LIMIT: Final = 200
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


def finding(report: dict[str, Any]) -> str:
    """Return what a line of reports says. A guest wrote it: its shape is checked, its text escaped."""
    topic, body = str(report["topic"]), report["body"]
    words = _WORDS.get(topic)
    try:
        said = words(body) if words is not None else _as_it_is(topic, body)
    except (KeyError, TypeError, ValueError, AttributeError):
        said = _as_it_is(topic, body)
    return escape_untrusted(said, _LIMIT)


def _as_it_is(topic: str, body: object) -> str:
    return f"{topic}: {json.dumps(body)}"


def _expiring(body: dict[str, Any]) -> str:
    return f"the credential of {body['node']['name']} ends in {_span(int(body['remaining-s']))}"


def _renewed(body: dict[str, Any]) -> str:
    return f"{body['node']['name']} has got a new credential"


def _flapping(body: dict[str, Any]) -> str:
    times = int(body["webrtc"]) + int(body["websocket"])
    node, peer, seconds = body["node"]["name"], body["peer"]["name"], int(body["span-ms"]) / 1000
    return f"{node} lost {peer} {times} times in {seconds:.1f} s"


def _counts(body: dict[str, Any]) -> str:
    return f"{int(body['total'])} events so far, of {len(body['events'])} kinds"


def _relay_share(body: dict[str, Any]) -> str:
    share = int(body["share-permille"]) / 10
    return f"realm {body['realm']} is {body['crossed']} the threshold: {share:g} % of connections are relayed"


def _span(seconds: int) -> str:
    # One more: what is left is cut to whole seconds, and "24 h" is what was meant.
    if seconds + 1 >= 2 * _DAY_S:
        return f"{(seconds + 1) // _DAY_S} days"
    return f"{(seconds + 1) // _HOUR_S} h" if seconds + 1 >= _HOUR_S else f"{seconds} s"


_WORDS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "credential-expiring": _expiring,
    "credential-renewed": _renewed,
    "flapping-peer": _flapping,
    "event-counts": _counts,
    "relay-share": _relay_share,
}

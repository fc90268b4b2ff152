"""The streams: made where they are not there, and looked at where they are."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from wasmhost.errors import SourceError
from wasmhost.jetstream.link import Refused
from wasmhost.jetstream.names import Names

if TYPE_CHECKING:
    from wasmhost.config.jetstream import JetStreamConfig
    from wasmhost.jetstream.link import Life

_NO_STREAM: Final = 10059
_S: Final = 1_000_000_000
_OLDEST: Final = (2, 12)
_PARTITIONS: Final = re.compile(r"\{\{\s*partition\((\d+),")


async def ensure_layout(life: Life, config: JetStreamConfig) -> None:
    """Have the streams there. Does nothing where they are as they should be, whoever made them.

    :raises SourceError: the server is too old, or a stream is there and another one than we need.
    """
    version = life.client.connected_server_version
    if (version.major, version.minor) < _OLDEST:
        raise SourceError(
            f"the NATS server has version {version.major}.{version.minor}; it must be 2.12 or newer, which "
            "writes a checkpoint of several values at once"
        )
    names = Names.of(config)
    try:
        events = await _ensure(life, _events(names, config))
        _check_events(events, names)
        await _ensure(life, _bucket(names, config))
        await _ensure(life, _found(names, config))
    except Refused as refused:
        raise SourceError(f'the streams of "{config.stream}" cannot be made: {refused}') from None


async def _ensure(life: Life, wanted: dict[str, Any]) -> dict[str, Any]:
    """Give a stream's configuration; make it with ``wanted`` where it is not there."""
    name = wanted["name"]
    try:
        info = await life.ask(f"$JS.API.STREAM.INFO.{name}")
    except Refused as refused:
        if refused.number != _NO_STREAM:
            raise
        # Somebody else may make it meanwhile: with the same wishes that is a success, too.
        info = await life.ask(f"$JS.API.STREAM.CREATE.{name}", json.dumps(wanted).encode())
    config: dict[str, Any] = info["config"]
    return config


def _events(names: Names, config: JetStreamConfig) -> dict[str, Any]:
    return {
        "name": names.stream,
        "description": "events of nodes, divided by node for wasmhost",
        "subjects": [names.published],
        "subject_transform": {"src": names.published, "dest": names.partitioned},
        **_kept(config),
    }


def _found(names: Names, config: JetStreamConfig) -> dict[str, Any]:
    return {
        "name": names.found,
        "description": "reports and panics of wasmhost's observers",
        "subjects": [f"{names.prefix}.reports.>", f"{names.prefix}.panics.>"],
        **_kept(config),
    }


def _kept(config: JetStreamConfig) -> dict[str, Any]:
    return {
        "retention": "limits",
        "storage": "file",
        "num_replicas": config.replicas,
        "max_age": int(config.keep_s * _S),
        "duplicate_window": int(min(config.duplicates_s, config.keep_s) * _S),
        # Full, it says so to those who publish, instead of throwing away what nobody has taken yet.
        "discard": "new",
    }


def _bucket(names: Names, config: JetStreamConfig) -> dict[str, Any]:
    """A bucket as every client makes one, and batches."""
    return {
        "name": names.bucket_stream,
        "description": "leases, checkpoints and states of wasmhost's observers",
        "subjects": [f"$KV.{names.stream}.>"],
        "retention": "limits",
        "storage": "file",
        "num_replicas": config.replicas,
        "max_msgs_per_subject": 1,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
        "allow_msg_ttl": True,
        "allow_atomic": True,
    }


def _check_events(found: dict[str, Any], names: Names) -> None:
    transform: dict[str, Any] = found.get("subject_transform") or {}
    dest = str(transform.get("dest", ""))
    divided = _PARTITIONS.search(dest)
    what = f'the stream "{names.stream}"'
    if divided is not None and int(divided[1]) != names.partitions:
        raise SourceError(
            f"{what} has {divided[1]} partitions, and partitions = {names.partitions} in [jetstream]: all "
            f"that is there depends on it, so say {divided[1]} here, or use a stream of another name"
        )
    if (transform.get("src"), dest) != (names.published, names.partitioned):
        raise SourceError(
            f'{what} does not make "{names.partitioned}" of "{names.published}", so nodes are not '
            'divided as they must be: use a stream of another name, or other "subjects" in [jetstream]'
        )
    if found.get("retention", "limits") != "limits":
        raise SourceError(
            f"{what} has retention by {found['retention']}; it must be by limits: a host that takes a "
            "partition looks back at what was acknowledged"
        )

"""Signing what a webhook is sent, as Standard Webhooks says: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Final

from wasmhost.database_file import shown
from wasmhost.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wasmhost.config.sink import WebhookSinkConfig
    from wasmhost.sinks.entry import Message

PREFIX: Final = "whsec_"
_SIZES: Final = range(24, 65)
_HOW: Final = (
    f'a secret is "{PREFIX}" and 24 to 64 random bytes in base64; `openssl rand -base64 32` makes some'
)


def read_secrets(config: WebhookSinkConfig) -> tuple[bytes, ...]:
    """Return the keys to sign with: of each line one, the current and those that are going or coming.

    Raises SinkError where there is none, or one is none; without showing it.
    """
    if config.secret_env is not None:
        where, text = f"the variable {config.secret_env}", os.environ.get(config.secret_env, "")
    elif config.secret_file is not None:
        where, text = shown(config.secret_file), _read(config.secret_file)
    else:
        raise SinkError(f"sink {config.name} has no secret")
    keys = tuple(_key(line.strip(), where) for line in text.splitlines() if line.strip())
    if not keys:
        raise SinkError(f"no secret in {where}: {_HOW}")
    return keys


def message_id(batch: Sequence[Message]) -> str:
    """Return what names a request: of one record its id, of several one that no others have."""
    if len(batch) == 1:
        return batch[0].key
    digest = hashlib.sha256("\n".join(one.key for one in batch).encode())
    return f"batch-{digest.hexdigest()[:32]}"


def signature(keys: Sequence[bytes], name: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``: one signature for each key."""
    signed = f"{name}.{timestamp}.".encode() + body
    made = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(one).decode()}" for one in made)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise SinkError(f"cannot read the secret in {shown(path)}: {reason}") from error
    except UnicodeDecodeError:
        raise SinkError(f"the secret in {shown(path)} is no text: {_HOW}") from None


def _key(line: str, where: str) -> bytes:
    try:
        key = base64.b64decode(line.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not line.startswith(PREFIX) or len(key) not in _SIZES:
        raise SinkError(f"the secret in {where} is none: {_HOW}")
    return key

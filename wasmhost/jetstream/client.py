"""Opening a connection to a NATS server: nats-py is imported here, when it is needed."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wasmhost.errors import ConfigError, SourceError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from nats.aio.client import Client

    from wasmhost.config.jetstream import JetStreamConfig
    from wasmhost.jetstream.address import Address

_CONNECT_S: Final = 5
_PING_S: Final = 10
_PINGS: Final = 2  # unanswered
_PENDING: Final = 16 * 1024 * 1024
_MISSING: Final = "NATS needs nats-py: pip install 'wasmhost[nats]'"


async def open_client(
    address: Address, config: JetStreamConfig, on_end: Callable[[], Awaitable[None]]
) -> Client:
    """Connect, once: when the connection ends, ``on_end`` (a coroutine function) is called, and that is all.

    :raises SourceError: there is no such server, or it does not let us in.
    :raises ConfigError: a file that the configuration names cannot be used, or nats-py is missing.
    """
    try:
        import nats.errors

        from wasmhost.jetstream.one_life import OneLife
    except ImportError:
        raise ConfigError(_MISSING) from None
    context = _tls(address, config)
    password = None if config.password_file is None else _read(config.password_file, "password_file")
    client = OneLife()
    trouble: list[Exception] = []

    async def note(error: Exception) -> None:
        """Keep why it cannot connect; what goes wrong later is told by whom it goes wrong for."""
        trouble[:1] = [error]

    try:
        await client.connect(
            address.url,
            name="wasmhost",
            allow_reconnect=False,
            connect_timeout=_CONNECT_S,
            ping_interval=_PING_S,
            max_outstanding_pings=_PINGS,
            pending_size=_PENDING,
            error_cb=note,
            max_reconnect_attempts=1,  # it tries at once, and once more; when to try again is ours to say
            reconnect_time_wait=0,
            closed_cb=on_end,
            tls=context,
            tls_hostname=address.host if context is not None else None,
            user=config.user,
            password=password,
            user_credentials=None if config.credentials is None else str(_readable(config.credentials)),
        )
    except (OSError, nats.errors.Error) as error:
        reason = _reason(trouble[0] if trouble else error)
        raise SourceError(f"cannot connect to {address.url}: {reason}") from None
    except Exception as error:  # what is no NATS server makes nats-py stumble in many ways
        with suppress(Exception):
            await client.close()
        reason = f"it does not speak NATS: {escape_untrusted(repr(error), 200)}"
        raise SourceError(f"cannot connect to {address.url}: {reason}") from None
    return client


def _tls(address: Address, config: JetStreamConfig) -> ssl.SSLContext | None:
    if not (address.is_tls or config.tls_ca or config.tls_cert):
        return None
    try:
        context = ssl.create_default_context(cafile=config.tls_ca)
        if config.tls_cert is not None:
            context.load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificates of [jetstream] cannot be used: {_reason(error)}") from None
    return context


def _read(path: Path, key: str) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        shown = escape_untrusted(str(path), 400)
        raise ConfigError(f"{key} of [jetstream] cannot be read: {shown}: {_reason(error)}") from None


def _readable(path: Path) -> Path:
    _read(path, "credentials")
    return path


def _reason(error: Exception) -> str:
    """What an error says, in one line of ours; some of them say nothing."""
    if isinstance(error, ConnectionError) and error.errno is not None:
        reason = os.strerror(error.errno).lower()  # asyncio puts the address there
    else:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    reason = reason.removeprefix("nats: ").strip("'") or type(error).__name__
    return escape_untrusted(reason, 200)

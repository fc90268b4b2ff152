"""The way out to a webhook: a signed POST over HTTPS, done once the receiver has answered 2xx."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

from wasmhost.errors import InternalError, SinkError
from wasmhost.sinks.answer import judge, shown_reason
from wasmhost.sinks.signing import message_id, read_secrets, signature
from wasmhost.sinks.transport import TryLater

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    import httpx

    from wasmhost.config.sink import WebhookSinkConfig
    from wasmhost.sinks.entry import Message

_MISSING: Final = "a webhook needs httpx: pip install 'wasmhost[webhook]'"
_ANSWER_BYTES: Final = 64 * 1024


class WebhookTransport:
    """Posts batches to one URL; see :class:`Transport`.

    Certificates are always checked, redirects never followed, proxies and other settings of the environment
    not looked at. Of an answer no more than 64 KiB is read.
    """

    def __init__(self, config: WebhookSinkConfig) -> None:
        parts = urlsplit(config.url)
        self._config = config
        self._shown = f"{parts.scheme}://{parts.netloc}"  # path and query may hold a token
        self._client: httpx.AsyncClient | None = None
        self._keys: tuple[bytes, ...] = ()

    async def __aenter__(self) -> Self:
        """Read the secret and the certificates; raises SinkError where one can't be."""
        self._keys = read_secrets(self._config)
        try:
            import httpx
        except ImportError:
            raise SinkError(_MISSING) from None
        self._client = httpx.AsyncClient(
            verify=self._certificates(),
            follow_redirects=False,
            trust_env=False,
            timeout=self._config.timeout_s,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30.0),
            headers={"user-agent": "wasmhost", "accept-encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def send(self, batch: Sequence[Message]) -> None:
        """Post messages, all in one request; see :class:`Transport`."""
        import httpx

        try:
            # Over all of it: a receiver that says a byte now and then would pass each step's own limit.
            with anyio.fail_after(self._config.timeout_s):
                status, retry_after, words = await self._post(batch)
        except TimeoutError:
            raise TryLater(f"{self._shown} has not answered within {self._config.timeout_s:g} s") from None
        except (httpx.HTTPError, OSError) as error:
            raise TryLater(f"cannot post to {self._shown}: {shown_reason(error)}") from error
        judge(status, retry_after, words, time.time())

    async def _post(self, batch: Sequence[Message]) -> tuple[int, str | None, bytes]:
        if self._client is None:
            raise InternalError(f"{self._shown} is not open")
        body = b'{"records":[' + b",".join(one.data for one in batch) + b"]}"
        name, now = message_id(batch), int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._keys, name, now, body),
        }
        async with self._client.stream("POST", self._config.url, content=body, headers=headers) as answer:
            words = bytearray()
            async for chunk in answer.aiter_raw():
                words += chunk
                if len(words) > _ANSWER_BYTES:
                    break  # the rest is not read: the connection is closed instead
            return answer.status_code, answer.headers.get("retry-after"), bytes(words[:_ANSWER_BYTES])

    def _certificates(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._config.tls_ca)
        except (OSError, ssl.SSLError) as error:
            raise SinkError(
                f"the certificates of sink {self._config.name} cannot be used: {shown_reason(error)}"
            ) from error

"""The way out to a JetStream: done once the stream has stored a message, which it knows again by its id."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from wasmhost.config.jetstream import JetStreamConfig
from wasmhost.errors import SinkError, UserError
from wasmhost.jetstream.address import parse_address
from wasmhost.jetstream.link import Life, NoAnswer
from wasmhost.sinks.subjects import subject
from wasmhost.sinks.telling import tell
from wasmhost.sinks.transport import Refused, TryLater
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from wasmhost.config.sink import NatsSinkConfig
    from wasmhost.sinks.entry import Message

_MISSING: Final = "NATS needs nats-py: pip install 'wasmhost[nats]'"
_TOO_LARGE: Final = 10054  # JetStream's number for a message larger than the stream allows


class NatsTransport:
    """Publishes to the streams of one server, connected to when there is need; see :class:`Transport`."""

    def __init__(self, config: NatsSinkConfig) -> None:
        self._config = config
        self._address = parse_address(config.url)
        self._jetstream = JetStreamConfig(
            credentials=config.credentials,
            user=config.user,
            password_file=config.password_file,
            tls_ca=config.tls_ca,
            tls_cert=config.tls_cert,
            tls_key=config.tls_key,
        )
        self._life: Life | None = None

    async def __aenter__(self) -> Self:
        """Look whether the library is there; raises SinkError where it is not."""
        try:
            import nats.errors
        except ImportError:
            raise SinkError(_MISSING) from None
        assert nats.errors  # noqa: S101 - it is what `send` will import
        if not (self._address.is_loopback or self._address.is_tls or self._config.tls_ca):
            tell(
                "warning", "the connection is not encrypted", sink=self._config.name, server=self._address.url
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hang_up()

    async def send(self, batch: Sequence[Message]) -> None:
        """Publish messages in order, and wait until the stream has all of them; see :class:`Transport`."""
        try:
            async with asyncio.timeout(self._config.timeout_s):
                life = await self._connected()
                await life.call(self._publish(life, batch))
        except TimeoutError:
            await self._hang_up()  # what comes later must not come behind what is sent again
            reason = f"no confirmation of {self._address.url} within {self._config.timeout_s:g} s"
            raise TryLater(reason) from None
        except UserError as error:
            raise TryLater(str(error)) from None
        except NoAnswer as error:
            await self._hang_up()
            raise TryLater(
                f"{self._address.url} does not answer: {escape_untrusted(str(error), 200)}"
            ) from None

    async def _connected(self) -> Life:
        if self._life is None or self._life.ended.is_set():
            life = Life()
            await life.open(self._address, self._jetstream)
            self._life = life
        return self._life

    async def _hang_up(self) -> None:
        life, self._life = self._life, None
        if life is not None:
            await life.close()

    async def _publish(self, life: Life, batch: Sequence[Message]) -> None:
        """Publish the first, and where that works all others at once: mostly it fails for all or for none."""
        import nats.errors
        import nats.js.errors

        try:
            await self._publish_one(life, batch[0])
            # Each has written its message before the next one's turn, so they go in order.
            rest = (self._publish_one(life, one) for one in batch[1:])
            for outcome in await asyncio.gather(*rest, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
        except nats.js.errors.NoStreamResponseError:
            raise TryLater(f'no stream has the subject "{subject(self._config.subject, batch[0])}"') from None
        except nats.js.errors.APIError as error:
            reason = f"the stream says: {escape_untrusted(error.description or 'no', 200)}"
            if error.err_code == _TOO_LARGE:
                raise Refused(reason, piecewise=True) from None
            raise TryLater(reason) from None
        except nats.errors.MaxPayloadError:
            raise Refused("it is larger than the server's max_payload", piecewise=True) from None

    async def _publish_one(self, life: Life, one: Message) -> None:
        # Not publish_async: with nats-py 2.16 a message that is refused is never answered there.
        await life.client.jetstream().publish(
            subject(self._config.subject, one),
            one.data,
            timeout=self._config.timeout_s,
            headers={"Nats-Msg-Id": one.key},
        )

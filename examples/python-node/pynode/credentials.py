"""Credentials that do not last: the signaling server signs them, the node has them renewed in time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wasmhost import CredentialExpiring, CredentialRenewed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynode.hooks import Hooks

NS = 1_000_000_000

_WARN_SHARE = 1 / 3
"""Of its lifetime so much is left when a credential counts as expiring."""


class CredentialError(Exception):
    """A credential that is not good: forged, for somebody else, or ended."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A signed token, and when it ends (Unix nanoseconds)."""

    token: str
    expiry: int


class Issuer:
    """Signs credentials with a key that nobody else has, and that ends with the process."""

    def __init__(self, lifetime_s: float, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._key = secrets.token_bytes(32)
        self._lifetime = int(lifetime_s * NS)
        self._clock = clock

    def issue(self, subject: str) -> Credential:
        """Make a credential for a node, good from now on for as long as this issuer's are."""
        expiry = self._clock() + self._lifetime
        body = base64.urlsafe_b64encode(json.dumps([subject, expiry]).encode())
        return Credential(f"{body.decode()}.{self._sign(body)}", expiry)

    def check(self, token: str) -> str:
        """Return for whom a credential was issued. Raises CredentialError."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(self._sign(body.encode()).encode(), signature.encode()):
            raise CredentialError("not signed by this server")
        subject, expiry = json.loads(base64.urlsafe_b64decode(body))
        if expiry <= self._clock():
            raise CredentialError(f"the credential of {subject} has ended")
        return str(subject)

    def _sign(self, body: bytes) -> str:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()


class CredentialKeeper:
    """Holds the node's credential, warns when it comes to its end, and asks for the next one.

    ``ask`` is given the token that ends; the answer comes to :meth:`take`, whenever it does.
    """

    def __init__(
        self, hooks: Hooks, ask: Callable[[str], None], *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.current: Credential | None = None
        self._hooks = hooks
        self._ask = ask
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None

    def take(self, credential: Credential) -> None:
        """Take a new credential from the server."""
        self.close()
        self.current = credential
        self._hooks.emit(CredentialRenewed(credential.expiry))
        left_s = (credential.expiry - self._clock()) / NS
        # The loop's clock is monotonic: from here on nobody can set it.
        self._timer = asyncio.get_running_loop().call_later(left_s * (1 - _WARN_SHARE), self._expiring)

    def close(self) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self._timer.cancel()

    def _expiring(self) -> None:
        if self.current is not None:
            self._hooks.emit(CredentialExpiring(self.current.expiry))
            self._ask(self.current.token)

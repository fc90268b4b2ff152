"""The node's mailbox, its credentials, and the story of a connection: what each tells, and when."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynode.credentials import NS, Credential, CredentialError, CredentialKeeper, Issuer
from pynode.identity import parse_id
from pynode.mailbox import Letter, Mailbox
from pynode.story import Story

from tests.nodes.told import ME, PEER, hooks
from wasmhost import (
    CredentialExpiring,
    CredentialRenewed,
    ErrorCategory,
    MailboxBackpressure,
    PeerStatus,
    WebRtcConnected,
    WebRtcConnectStart,
    WebRtcDisconnected,
)

if TYPE_CHECKING:
    from collections.abc import Callable

THEM = parse_id(PEER)


def letter(number: int, answers: list[str]) -> Letter:
    """A request of the peer; what it gets back is added to ``answers``."""
    return Letter(
        THEM, f"r-{number}", f"text {number}", answers.append, lambda why: answers.append(f"no: {why}")
    )


async def number_of(answers: list[str], wanted: int) -> None:
    """Wait for so many answers."""
    async with asyncio.timeout(10):
        while len(answers) < wanted:  # noqa: ASYNC110 - a list cannot be waited for
            await asyncio.sleep(0)


async def echo(asked: Letter) -> str:
    """A handler."""
    if asked.text == "text 13":
        raise ValueError("unlucky")
    return asked.text


async def test_pressure_is_told_once_until_it_was_over() -> None:
    """At the threshold, on behalf of the letter that reached it, and anew after the queue was shorter."""
    made, told = hooks()
    box = Mailbox(made, echo, threshold=3)
    answers: list[str] = []
    for number in range(5):
        box.put(letter(number, answers))
    assert told.events == [MailboxBackpressure(3, 3)]
    (ctx,) = told.contexts
    assert ctx is not None
    assert (ctx.self_id, ctx.caller_id, ctx.request_id) == (parse_id(ME), THEM, "r-2")
    serving = asyncio.create_task(box.serve())
    await number_of(answers, 5)
    for number in range(3):
        box.put(letter(number, answers))
    assert told.events == [MailboxBackpressure(3, 3)] * 2
    serving.cancel()


async def test_a_full_mailbox_refuses() -> None:
    """The sender hears of it, at once."""
    made, _told = hooks()
    box = Mailbox(made, echo, capacity=1)
    answers: list[str] = []
    box.put(letter(1, answers))
    box.put(letter(2, answers))
    assert answers == ["no: the mailbox is full"]


async def test_a_handler_that_fails_ends_nothing() -> None:
    """Its error is told with whose request it was, the sender is refused, and the next letter is served."""
    made, told = hooks()
    box = Mailbox(made, echo)
    answers: list[str] = []
    for number in (13, 14):
        box.put(letter(number, answers))
    serving = asyncio.create_task(box.serve())
    await number_of(answers, 2)
    serving.cancel()
    assert answers == ["no: unlucky", "text 14"]
    (error,) = told.errors
    assert (error.category, error.source.message) == (ErrorCategory.HANDLER_ERROR, "unlucky")
    (ctx,) = told.contexts
    assert ctx is not None
    assert (ctx.caller_id, ctx.request_id) == (THEM, "r-13")


def test_a_credential_is_good_for_whom_and_as_long_as_it_says() -> None:
    """One that ended, was changed, or comes from another server is refused."""
    clock = itertools.count(0, NS)  # a second later each time
    issuer = Issuer(2.5, clock=lambda: next(clock))
    credential = issuer.issue(ME)
    assert credential.expiry == 2.5 * NS
    assert issuer.check(credential.token) == ME
    issuer.check(credential.token)
    with pytest.raises(CredentialError, match="has ended"):
        issuer.check(credential.token)
    fresh = Issuer(60)
    body, _, signature = fresh.issue(ME).token.partition(".")
    for token in ("", "ü", body, f"{body}.", f"{body[:-4]}AAAA.{signature}", Issuer(60).issue(ME).token):
        with pytest.raises(CredentialError, match="not signed"):
            fresh.check(token)


async def test_a_credential_is_renewed_before_it_ends() -> None:
    """The keeper tells of each new one, warns when a third of its life is left, and asks for the next."""
    made, told = hooks()
    issuer = Issuer(0.03)
    asked: list[str] = []
    done = asyncio.Event()

    def ask(token: str) -> None:
        asked.append(token)
        if len(asked) == 2:
            done.set()
        else:
            keeper.take(issuer.issue(ME))

    keeper = CredentialKeeper(made, ask)
    first = issuer.issue(ME)
    keeper.take(first)
    await done.wait()
    keeper.close()
    second = keeper.current
    assert second is not None
    assert asked == [first.token, second.token]
    assert told.events == [
        CredentialRenewed(first.expiry),
        CredentialExpiring(first.expiry),
        CredentialRenewed(second.expiry),
        CredentialExpiring(second.expiry),
    ]


async def test_a_closed_keeper_is_silent() -> None:
    """A node that stopped warns of nothing more."""
    made, told = hooks()
    keeper = CredentialKeeper(made, pytest.fail)
    keeper.take(Credential("t", 0))  # which has ended: the warning is due at once
    keeper.close()
    await asyncio.sleep(0.01)
    assert told.names == ["CredentialRenewed"]


def test_the_story_of_a_connection() -> None:
    """Connecting, connected, silent for a while, back, gone: with the status that each has."""
    made, told = hooks()
    story = Story(THEM, made)
    story.connecting()
    story.connected(relayed=False)
    story.silent()
    story.connected(relayed=True)
    story.gone("closed")
    assert told.events == [
        WebRtcConnectStart(THEM, PeerStatus.CONNECTING),
        WebRtcConnected(THEM, relayed=False, status=PeerStatus.CONNECTED),
        WebRtcDisconnected(THEM, PeerStatus.RECOVERING),
        WebRtcConnected(THEM, relayed=True, status=PeerStatus.CONNECTED),
        WebRtcDisconnected(THEM, PeerStatus.IDLE),
    ]
    assert not told.errors


@pytest.mark.parametrize(("failed", "errors"), [(True, 1), (False, 0)])
def test_what_never_stood_is_not_disconnected(*, failed: bool, errors: int) -> None:
    """It is an error of transport, unless nobody wanted it any more."""
    made, told = hooks()
    story = Story(THEM, made)
    story.connecting()
    story.gone("no answer", failed=failed)
    assert told.names == ["WebRtcConnectStart"]
    assert [error.category for error in told.errors] == [ErrorCategory.TRANSPORT_FAILURE] * errors


@given(st.lists(st.sampled_from(["connecting", "connected", "silent", "gone"]), max_size=12))
def test_no_order_of_callbacks_makes_a_story_without_sense(calls: list[str]) -> None:
    """Connected follows connecting or recovering, disconnected follows connected, nothing follows the end."""
    made, told = hooks()
    story = Story(THEM, made)
    steps: dict[str, Callable[[], None]] = {
        "connecting": story.connecting,
        "connected": lambda: story.connected(relayed=False),
        "silent": story.silent,
        "gone": lambda: story.gone("gone"),
    }
    for call in calls:
        steps[call]()
    after = {
        None: {PeerStatus.CONNECTING},
        PeerStatus.CONNECTING: {PeerStatus.CONNECTED},
        PeerStatus.CONNECTED: {PeerStatus.RECOVERING, PeerStatus.IDLE},
        PeerStatus.RECOVERING: {PeerStatus.CONNECTED, PeerStatus.IDLE},
        PeerStatus.IDLE: set(),
    }
    last: PeerStatus | None = None
    for event in told.events:
        assert isinstance(event, WebRtcConnectStart | WebRtcConnected | WebRtcDisconnected)
        assert event.status is not None
        assert event.status in after[last]
        last = event.status

"""A webhook: signed, over TLS that is checked, tried again, and never in anybody's way."""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.sinks.helpers import QUICK, delivery, lines, report, seqs, sink_row, waiting_rows
from tests.sinks.receiver import KEY, SECRET, Answer, Receiver, verified
from wasmhost.config.sink import NdjsonSinkConfig, WebhookSinkConfig
from wasmhost.errors import SinkError
from wasmhost.sinks.answer import judge, wait_asked
from wasmhost.sinks.entry import Message
from wasmhost.sinks.signing import message_id, signature
from wasmhost.sinks.transport import Refused, TryLater

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Start a receiver."""
    with Receiver(tmp_path) as server:
        yield server


def hook(receiver: Receiver, **more: object) -> WebhookSinkConfig:
    """Configure a sink to a receiver."""
    settings = {"secret_file": receiver.secret, "tls_ca": receiver.ca, "backoff_ms": QUICK, **more}
    return WebhookSinkConfig(name="hook", url=receiver.url, **settings)  # type: ignore[arg-type]


async def test_it_gets_signed_batches_in_order(tmp_path: Path, receiver: Receiver) -> None:
    """Each is JSON, has an id and a time of its own, and a signature that its receiver can check by hand."""
    async with delivery(tmp_path, hook(receiver, batch=40), drain_s=20) as sending:
        sending.put(*(report(seq) for seq in range(100)))
    assert seqs(receiver.records) == list(range(100))
    assert (
        len(receiver.requests) == len({request.headers["webhook-id"] for request in receiver.requests}) >= 3
    )
    for request in receiver.requests:
        assert verified(request)
        assert not verified(request, b"another key, of 32 bytes, 123456")
        assert request.path == "/hook"
        assert request.headers["content-type"] == "application/json"
        assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
        assert len(request.records) <= 40
    assert sink_row(tmp_path / "x.db", "hook").sent == 100


async def test_a_single_record_is_known_by_its_own_id(tmp_path: Path, receiver: Receiver) -> None:
    """So with batches of one, webhook-id is what to deduplicate by."""
    async with delivery(tmp_path, hook(receiver, batch=1), drain_s=20) as sending:
        sending.put(report(0), report(1))
    assert [request.headers["webhook-id"] for request in receiver.requests] == [
        record["id"] for record in receiver.records
    ]


async def test_down_up_and_overloaded(tmp_path: Path, receiver: Receiver) -> None:
    """What it could not take comes when it can, in order, none lost, and said once that it works again."""
    receiver.answers.extend(
        [Answer(500), Answer(503, {"retry-after": "0"}), Answer(429), Answer(408), Answer(425)]
    )
    receiver.stop()
    with capture_logs() as logs:
        async with delivery(tmp_path, hook(receiver), drain_s=20) as sending:
            sending.put(*(report(seq) for seq in range(10)))
            await sending.commit()
            while sending.status("hook")["tries_failed"] < 2:
                await sending.commit()
            assert sending.status("hook")["error"].startswith("cannot post to https://127.0.0.1")
            receiver.start()
            await sending.until("hook", sent=10, error="")
    assert seqs(receiver.records) == list(range(10))
    assert [entry["event"] for entry in logs].count("sink works again") == 1


async def test_retry_after_is_honoured(tmp_path: Path, receiver: Receiver) -> None:
    """For as long as it asks, nothing more is sent."""
    receiver.answers.append(Answer(503, {"Retry-After": "3600"}))
    async with delivery(tmp_path, hook(receiver)) as sending:
        sending.put(report(0))
        await sending.until("hook", tries_failed=1)
        waits = [entry for entry in (sending.status("hook"),) if entry["error"].startswith("it answered 503")]
        assert waits
        for _ in range(5):
            await sending.commit()
        assert sending.status("hook")["tries_failed"] == 1
        assert receiver.requests == []


async def test_a_slow_one_delays_nobody(tmp_path: Path, receiver: Receiver) -> None:
    """While its sink waits, another sends; what it has not confirmed is sent again, under the same ids."""
    gate = threading.Event()
    receiver.answers.append(Answer(200, before=gate))
    beside = NdjsonSinkConfig(name="file", path=tmp_path / "file.ndjson")
    async with delivery(tmp_path, hook(receiver, timeout_s=30), beside) as sending:
        sending.put(*(report(seq) for seq in range(5)))
        await sending.until("file", sent=5)
        sending.put(report(5))
        await sending.until("file", sent=6)
        assert sending.status("hook")["sent"] == 0
    gate.set()
    async with delivery(tmp_path, hook(receiver), drain_s=20):
        pass
    records = receiver.records
    assert {record["seq"] for record in records} == set(range(6))
    assert len({record["id"] for record in records}) == 6
    assert len(records) > 6


async def test_one_that_answers_a_byte_at_a_time_runs_into_the_limit(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The limit is on the whole try."""
    receiver.answers.append(Answer(200, body=b"x" * 600, drip=True))
    with capture_logs() as logs:
        async with delivery(tmp_path, hook(receiver, timeout_s=0.4), drain_s=20) as sending:
            sending.put(report(0))
            await sending.until("hook", sent=1)
    reasons = [entry["reason"] for entry in logs if entry["event"] == "sink failed; will retry"]
    assert reasons == [f"{receiver.url.removesuffix('/hook')} has not answered within 0.4 s"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 301, 302, 307, 308])
async def test_what_it_will_never_take_is_a_dead_letter_at_once(
    tmp_path: Path, receiver: Receiver, status: int
) -> None:
    """With the reason; and no redirect is followed."""
    receiver.answers.append(Answer(status, {"location": f"{receiver.url}/elsewhere"}, b"no \x1b[31mway"))
    with capture_logs() as logs:
        async with delivery(tmp_path, hook(receiver), drain_s=20) as sending:
            sending.put(report(0), report(1))
            await sending.until("hook", dead=2)
            sending.put(report(2))
            await sending.until("hook", sent=1)
    letters = lines(tmp_path / "x.db-hook.dead.ndjson")
    assert seqs(letter["record"] for letter in letters) == [0, 1]
    assert letters[0]["sink"] == "hook"
    assert f"it answered {status}" in letters[0]["reason"]
    assert "\x1b" not in letters[0]["reason"]
    assert letters[0]["tries"] == 1
    assert seqs(receiver.records) == [2]
    assert [request.path for request in receiver.requests] == ["/hook"]
    assert [entry["log_level"] for entry in logs].count("error") == 1


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_bad_record_does_not_take_its_batch_along(
    tmp_path: Path, receiver: Receiver, status: int
) -> None:
    """A batch that is refused for what is in it is sent one by one, and only what is refused then is dead."""
    receiver.answers.extend([Answer(status), Answer(), Answer(status), Answer()])
    async with delivery(tmp_path, hook(receiver), drain_s=20) as sending:
        sending.put(*(report(seq) for seq in range(3)))
        await sending.until("hook", sent=2, dead=1)
    assert seqs(letter["record"] for letter in lines(tmp_path / "x.db-hook.dead.ndjson")) == [1]
    assert seqs(receiver.records) == [0, 2]


async def test_tries_end(tmp_path: Path, receiver: Receiver) -> None:
    """After so many tries it is a dead letter."""
    receiver.answers.extend([Answer(500, body=b"poison")] * 3)
    async with delivery(tmp_path, hook(receiver, attempts=3), drain_s=20) as sending:
        sending.put(report(0))
        await sending.until("hook", dead=1, waiting=0)
        sending.put(report(1))
        await sending.until("hook", sent=1)
    (letter,) = lines(tmp_path / "x.db-hook.dead.ndjson")
    assert (letter["tries"], letter["reason"]) == (3, "it answered 500: poison")


async def test_age_ends_only_what_was_tried(tmp_path: Path, receiver: Receiver) -> None:
    """A clock that jumps loses nothing where the receiver is there; where it is not, old records are dead."""
    old = hook(receiver, max_age_s=0.0)
    async with delivery(tmp_path, old, drain_s=20) as sending:
        sending.put(report(0))
        await sending.until("hook", sent=1)
        receiver.answers.append(Answer(500))
        sending.put(report(1))
        await sending.until("hook", dead=1)
    assert seqs(receiver.records) == [0]


async def test_dead_letters_that_cannot_be_written_are_kept(tmp_path: Path, receiver: Receiver) -> None:
    """Nothing is forgotten: the sink waits until there is room."""
    letters = tmp_path / "letters"
    letters.symlink_to("/dev/full")
    receiver.answers.append(Answer(404))
    with capture_logs():
        async with delivery(tmp_path, hook(receiver, dead_letter=letters), drain_s=20) as sending:
            sending.put(report(0))
            while "cannot write dead letters" not in sending.status("hook")["error"]:
                await sending.commit()
            assert waiting_rows(tmp_path / "x.db") == 1
            letters.unlink()
            await sending.until("hook", dead=1)
    assert seqs(letter["record"] for letter in lines(letters)) == [0]


async def test_a_huge_answer_is_not_read(tmp_path: Path, receiver: Receiver) -> None:
    """What it said counts, and no more than 64 KiB of it is read."""
    receiver.answers.extend([Answer(200, body=bytes(50_000_000)), Answer(500, body=bytes(50_000_000))])
    async with delivery(tmp_path, hook(receiver), drain_s=20) as sending:
        sending.put(report(0))
        await sending.until("hook", sent=1)
        sending.put(report(1))
        await sending.until("hook", sent=2, tries_failed=1)
    assert seqs(receiver.records) == [0, 1]


async def test_a_certificate_of_nobody_we_trust(tmp_path: Path) -> None:
    """Nothing is sent, not even once, and it is tried again: somebody may mend it."""
    with Receiver(tmp_path, known=False) as receiver:
        async with delivery(tmp_path, hook(receiver)) as sending:
            sending.put(report(0))
            while sending.status("hook")["tries_failed"] < 2:
                await sending.commit()
            assert "certificate" in sending.status("hook")["error"]
        assert receiver.requests == []
    assert waiting_rows(tmp_path / "x.db") == 1


async def test_no_token_in_a_url_is_shown(tmp_path: Path, receiver: Receiver) -> None:
    """Many receivers have their secret in the path: neither log, nor database, nor a status has it."""
    config = WebhookSinkConfig(
        name="hook",
        url="https://127.0.0.1:9/services/T0/hunter2?token=hunter3",
        secret_file=receiver.secret,
        backoff_ms=QUICK,
    )
    with capture_logs() as logs:
        async with delivery(tmp_path, config) as sending:
            sending.put(report(0))
            while not (error := sending.status("hook")["error"]):
                await sending.commit()
    assert "https://127.0.0.1:9" in error
    assert "hunter" not in error + str(logs)


async def test_a_name_that_is_not_in_the_certificate(tmp_path: Path, receiver: Receiver) -> None:
    """The name is checked, too."""
    elsewhere = WebhookSinkConfig(
        name="hook",
        url=receiver.url.replace("127.0.0.1", "localhost"),
        secret_file=receiver.secret,
        tls_ca=receiver.ca,
        backoff_ms=QUICK,
    )
    async with delivery(tmp_path, elsewhere) as sending:
        sending.put(report(0))
        while not sending.status("hook")["tries_failed"]:
            await sending.commit()
        assert "certificate" in sending.status("hook")["error"]
    assert receiver.requests == []


async def test_settings_of_the_environment_are_not_looked_at(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that is named there gets nothing; the secret may be there."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    config = hook(receiver, secret_file=None, secret_env="HOOK_SECRET")  # noqa: S106 - the variable's name
    async with delivery(tmp_path, config, drain_s=20) as sending:
        sending.put(report(0))
    assert verified(receiver.requests[0])


async def test_plain_http_to_this_machine(tmp_path: Path) -> None:
    """For a receiver beside the host."""
    with Receiver(tmp_path, tls=False) as receiver:
        async with delivery(tmp_path, hook(receiver, tls_ca=None), drain_s=20) as sending:
            sending.put(report(0))
        assert verified(receiver.requests[0])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no secret in"),
        ("hunter2", "is none: a secret is"),
        ("whsec_!!!", "is none"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "is none"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "is none"),
    ],
)
async def test_secrets_that_are_none(tmp_path: Path, receiver: Receiver, text: str, complaint: str) -> None:
    """One line before any event, which does not show it."""
    receiver.secret.write_text(text)
    with pytest.raises(SinkError, match=complaint) as raised:
        async with delivery(tmp_path, hook(receiver)):
            pass
    assert not text or text not in str(raised.value)


async def test_files_that_are_not_there(tmp_path: Path, receiver: Receiver) -> None:
    """One line that names them."""
    for missing, complaint in (
        ({"secret_file": tmp_path / "none"}, r"cannot read the secret in .*none: no such file"),
        ({"tls_ca": tmp_path / "none"}, "certificates of sink hook cannot be used"),
    ):
        with pytest.raises(SinkError, match=complaint):
            async with delivery(tmp_path, hook(receiver, **missing)):
                pass


async def test_a_secret_can_be_changed(tmp_path: Path, receiver: Receiver) -> None:
    """With both in the file each request has both signatures, so receivers can change theirs at any time."""
    new = bytes(range(40, 72))
    receiver.secret.write_text(f"whsec_{base64.b64encode(new).decode()}\n{SECRET}\n")
    async with delivery(tmp_path, hook(receiver), drain_s=20) as sending:
        sending.put(report(0))
    assert verified(receiver.requests[0], KEY)
    assert verified(receiver.requests[0], new)


def test_the_signature_of_the_standard() -> None:
    """The example that libraries of Standard Webhooks test themselves with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    made = signature([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_names_of_requests() -> None:
    """The same records have the same name, and no others."""
    found = [Message(row, f"run-{row}", "report", "o", "t", 0, b"") for row in range(4)]
    assert message_id(found[:1]) == "run-0"
    assert message_id(found) == message_id(list(found))
    assert len({message_id(found[:count]) for count in range(1, 5)}) == 4
    assert "." not in message_id(found)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        ("99999999999999999999", 3600),
        ("-5", 0),
        ("soon", 0),
        ("Thu, 01 Jan 1970 00:20:00 GMT", 200),
        ("Thu, 01 Jan 1970 00:10:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Thu, 99 Jan 1970 00:20:00 GMT", 0),
    ],
)
def test_retry_after(value: str | None, wait: float) -> None:
    """Seconds or a date, an hour at most, and nonsense is nothing."""
    assert wait_asked(value, 1_000.0) == wait


def test_every_status_means_something() -> None:
    """2xx is yes; 408, 425, 429 and 5xx are later; the rest is no."""
    for status in range(100, 600):
        if 200 <= status < 300:
            judge(status, None, b"", 0.0)
        else:
            later = status >= 500 or status in {408, 425, 429}
            with pytest.raises(TryLater if later else Refused):
                judge(status, None, b"", 0.0)

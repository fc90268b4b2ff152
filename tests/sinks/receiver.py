"""A webhook's receiver: a real HTTPS server on loopback that answers as told and remembers what it got."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import trustme

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass(frozen=True)
class Answer:
    """What to say: ``before`` lets it wait, ``drip`` says the body a byte at a time, 0.1 s apart."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    before: threading.Event | None = None
    drip: bool = False


@dataclass(frozen=True)
class Request:
    """What came: headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records in it."""
        found: list[dict[str, Any]] = json.loads(self.body)["records"]
        return found


class Receiver:
    """The server. ``answers`` are given one by one, then `usual` for ever."""

    def __init__(self, folder: Path, *, port: int = 0, tls: bool = True, known: bool = True) -> None:
        self.requests: list[Request] = []
        self.answers: deque[Answer] = deque()
        self.usual = Answer()
        self._folder = folder
        self._tls = tls
        self._authority = trustme.CA()
        self.ca = folder / "ca.pem"
        (self._authority if known else trustme.CA()).cert_pem.write_to_path(self.ca)
        self.secret = folder / "secret"
        self.secret.write_text(SECRET + "\n")
        self.port = port
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    @property
    def records(self) -> list[dict[str, Any]]:
        """All records that came in requests it said yes to, in order."""
        return [record for request in self.requests for record in request.records]

    def start(self) -> None:
        """Begin to listen; on the same port as before."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        server.daemon_threads = True
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert("127.0.0.1").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self.port = server.server_address[1]
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = receiver.answers.popleft() if receiver.answers else receiver.usual
                if answer.status < 300:
                    receiver.requests.append(Request(self.path, headers, body))
                if answer.before is not None:
                    answer.before.wait(20)
                with suppress(OSError):  # the client may have gone
                    self._say(answer)

            def _say(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                step = 1 if answer.drip else 65_536
                for start in range(0, len(answer.body), step):
                    self.wfile.write(answer.body[start : start + step])
                    self.wfile.flush()
                    if answer.drip:
                        threading.Event().wait(0.1)

            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002, ARG002 - as in http.server
                return

        return Handler


def verified(request: Request, key: bytes = KEY) -> bool:
    """Check a signature as its receiver would, by hand: see Standard Webhooks."""
    signed = b".".join(
        (request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body)
    )
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [one.partition(",") for one in request.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(one, expected) for version, _, one in given)

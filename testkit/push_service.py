"""A push service for tests, with browsers that decrypt what it gets (RFC 8291), without the service's own library."""

import json
import os
import ssl
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from testkit.mail_server import local_certificate


def encoded(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the bytes of base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


@dataclass
class Browser:
    """A browser's subscription: its keys, its address, and the messages that it can read."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def point(self) -> bytes:
        """The public key."""
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def subscription(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON()` returns."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": encoded(self.point), "auth": encoded(self.auth)}}

    def decrypt(self, body: bytes) -> dict[str, Any]:
        """Return the JSON of a message (one record of aes128gcm)."""
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(body) <= 4096
        assert len(record) <= size
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = _derived(shared, self.auth, b"WebPush: info\0" + self.point + sender, 32)
        key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
        assert padded[-1:] == b"\2"
        found: dict[str, Any] = json.loads(padded[:-1])
        return found


@dataclass
class Received:
    """A message: when it came, to which path, its headers, and what it says."""

    at: float
    path: str
    headers: dict[str, str]
    message: dict[str, Any]


class PushService:
    """Takes messages at `https://localhost:PORT/push/…`, decrypts them, and answers as a test wants it to."""

    def __init__(self, folder: Path) -> None:
        self.certificate = local_certificate(folder)
        self.browsers: dict[str, Browser] = {}
        self.received: list[Received] = []
        # The status and headers of the answer, by path; of all others 201.
        self.answers: dict[str, tuple[int, dict[str, str]]] = {}
        # Seconds for which each answer is held back, and how many are.
        self.hang, self.held = 0.0, 0
        self.problems: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.held += 1
                time.sleep(service.hang)
                status, headers = service.take(self.path, dict(self.headers), body)
                service.held -= 1
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"https://localhost:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings with which the service sends to this push service."""
        return {"PUSH_TEST_ORIGIN": self.origin, "PUSH_TEST_CA_FILE": str(self.certificate)}

    def browser(self) -> Browser:
        """Return a new browser that has subscribed here."""
        path = f"/push/{encoded(os.urandom(12))}"
        self.browsers[path] = Browser(f"{self.origin}{path}")
        return self.browsers[path]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        """Keep a message, unless a test wants another answer; return the answer."""
        status, more = self.answers.get(path, (201, {}))
        browser = self.browsers.get(path)
        if browser is None or status >= 300:
            return (status if browser is not None else 404), more
        try:
            self._check(headers)
            message = browser.decrypt(body)
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.problems.append(f"{type(error).__name__}: {error}")
            return 400, {}
        self.received.append(Received(time.time(), path, headers, message))
        return status, more

    def _check(self, headers: dict[str, str]) -> None:
        """Check the headers that RFC 8030 and RFC 8292 ask for."""
        scheme, _, fields = headers["Authorization"].partition(" ")
        given = dict(part.strip().split("=", 1) for part in fields.split(","))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(given["k"]))
        claims = jwt.decode(given["t"], key, ["ES256"], audience=self.origin)
        assert scheme == "vapid"
        assert claims["sub"].startswith(("https:", "mailto:"))
        assert headers["Content-Encoding"] == "aes128gcm"
        assert int(headers["TTL"]) > 0
        assert len(decoded(headers["Topic"])) <= 24

    def to(self, browser: Browser) -> list[dict[str, Any]]:
        """Return what a browser was told, in the order of arrival."""
        return [each.message["notification"] for each in self.received if browser.endpoint.endswith(each.path)]

    def clear(self) -> None:
        """Forget what was received and answer as usual again."""
        self.received.clear()
        self.answers.clear()
        self.hang = 0.0

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def push_service(folder: Path) -> Iterator[PushService]:
    """Run a push service."""
    service = PushService(folder)
    try:
        yield service
    finally:
        service.stop()

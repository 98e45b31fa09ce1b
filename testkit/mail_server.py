"""A mail server for tests: it keeps what it gets, and can refuse recipients or stop to answer."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from testkit.servers import free_port


@dataclass
class Mailbox:
    """What the server got, and how it answers; a test changes the answers and calls `clear` at its end."""

    port: int
    certificate: Path
    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    # The answer to RCPT, by recipient.
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 OK"
    # Seconds for which the answer to RCPT is held back.
    hang: float = 0.0
    encrypted: set[bool] = field(default_factory=set)
    connections: int = 0

    def clear(self) -> None:
        """Forget what was received and answer as usual again."""
        self.received.clear()
        self.answers.clear()
        self.data_answer, self.hang, self.connections = "250 OK", 0.0, 0

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse a recipient."""
        await asyncio.sleep(self.hang)
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count the connections; each says EHLO again once it is encrypted."""
        session.host_name = hostname
        self.connections += session.ssl is None
        return responses

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message, unless it is refused."""
        self.encrypted.add(session.ssl is not None)
        if self.data_answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=policy.default)
            message["X-Received-At"] = f"{time.time():.3f}"
            self.received += [(address, message) for address in envelope.rcpt_tos]
        return self.data_answer

    @property
    def settings(self) -> dict[str, str]:
        """The settings with which the service sends to this server."""
        return {
            "SMTP_HOST": "localhost",
            "SMTP_PORT": str(self.port),
            "SMTP_CA_FILE": str(self.certificate),
            "MAIL_FROM": "Réperio <photos@example.org>",
            "PUBLIC_URL": "https://photos.example.org",
        }


class MailServer:
    """The server: it wants STARTTLS, with a certificate made for it, and can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.box = Mailbox(free_port(), local_certificate(folder))
        self._controller: Controller | None = None

    def start(self) -> None:
        """Listen."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.box.certificate)
        self._controller = Controller(
            self.box,
            hostname="127.0.0.1",
            port=self.box.port,
            tls_context=context,
            require_starttls=True,
            enable_SMTPUTF8=True,
        )
        self._controller.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
        self._controller = None


@contextmanager
def mail_server(folder: Path) -> Iterator[MailServer]:
    """Run a mail server."""
    server = MailServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def local_certificate(folder: Path) -> Path:
    """Return a file with a key and its own certificate for `localhost`, valid for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path

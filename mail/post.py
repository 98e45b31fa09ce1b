"""Hands mails to a mail server by SMTP, or writes them into a folder."""

import os
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from mail.letters import Letter, sender
from models import utcnow
from settings import Settings

# For each step of the dialogue, and for all of it: a server may also send a byte now and then, for ever.
STEP_SECONDS = 15.0
DIALOGUE_SECONDS = 60.0
SENT, START_DATA, CLOSING = 250, 354, 421
# Answers about us, not about the recipient (RFC 4954): authentication needed, failed, too weak, encryption needed.
ABOUT_LOGIN = (530, 534, 535, 538)
Answer = tuple[int, bytes]


class Refused(Exception):
    """The mail can never be delivered; the message says why."""


class Delayed(Exception):
    """The mail cannot be delivered now; the message says why."""


class ServerUnavailable(Delayed):
    """No mail can be delivered now."""


class Post(Protocol):
    """Takes mails away."""

    def send(self, letter: Letter) -> None:
        """Return once the mail is accepted; raises Refused or Delayed."""

    def close(self) -> None:
        """Close the connection, if there is one."""


class FolderPost:
    """Writes each mail as a file `….eml`, which mail programs open. For development."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> None:
        """Write the file.

        Raises:
            ServerUnavailable: it cannot be written.
        """
        path = self._folder / f"{utcnow():%Y%m%d-%H%M%S}-{letter.id}.eml"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_suffix(".part")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(letter.message.as_bytes(policy=policy.SMTPUTF8))
            draft.replace(path)
        except OSError as error:
            raise ServerUnavailable(f"the folder of mails cannot be written: {error}") from error

    def close(self) -> None:
        """Do nothing."""


class SmtpPost:
    """A connection to the mail server, opened for the first mail and kept until `close`. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: smtplib.SMTP | None = None

    def send(self, letter: Letter) -> None:
        """Hand the mail over.

        Raises:
            Refused: the server refuses the recipient or the message for good.
            Delayed: it refuses them for now. ServerUnavailable: it does not answer, or refuses us.
        """
        try:
            with self._deadline():
                client = self._open_envelope(letter)
                self._hand_over(client, letter)
        except (Refused, Delayed) as error:
            self._after(error)
            raise
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise ServerUnavailable(_words(error)) from error

    def close(self) -> None:
        """Say goodbye if the server still listens, and close the connection."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError, smtplib.SMTPException):
                client.quit()
            client.close()

    def _after(self, error: Exception) -> None:
        """Keep the connection for the next mail, unless the server has a problem."""
        if isinstance(error, ServerUnavailable) or self._client is None:
            self.close()
            return
        try:
            self._client.rset()
        except (OSError, smtplib.SMTPException):
            self.close()

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """Break the connection when the dialogue takes longer than DIALOGUE_SECONDS."""
        timer = threading.Timer(DIALOGUE_SECONDS, self._break)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _break(self) -> None:
        connection = self._client.sock if self._client else None
        if connection is not None:
            with suppress(OSError):
                # Not SSLSocket's own shutdown, which also takes the encryption away from the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    # --- the dialogue -----------------------------------------------------------------------------

    def _open_envelope(self, letter: Letter) -> smtplib.SMTP:
        """Return a connection on which the server has accepted the sender of this mail."""
        kept = self._client
        if kept is not None:
            try:
                self._mail_from(kept, letter)
            except (OSError, smtplib.SMTPServerDisconnected, ServerUnavailable):
                # The server has closed the kept connection, or has had enough mails on it.
                self.close()
            else:
                return kept
        client = self._connect()
        self._mail_from(client, letter)
        return client

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        # Ours, not the machine's: looking that one up can take long, and it is nobody's business.
        name = urlsplit(settings.address).hostname or "localhost"
        if settings.smtp_security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                timeout=STEP_SECONDS, local_hostname=name, context=self._certificates()
            )
        else:
            client = smtplib.SMTP(timeout=STEP_SECONDS, local_hostname=name)
        self._client = client
        # The name for the certificate. smtplib sets it only if it connects in its constructor, where `_break` has no
        # connection to break. The attribute is private: its types do not list it.
        client._host = settings.smtp_host  # type: ignore[attr-defined]
        code, answer = client.connect(settings.smtp_host, settings.mail_port)
        if code != 220:
            raise ServerUnavailable(_answer((code, answer)))
        client.ehlo_or_helo_if_needed()
        if settings.smtp_security == "starttls":
            client.starttls(context=self._certificates())
            client.ehlo_or_helo_if_needed()
        if settings.smtp_username:
            client.login(settings.smtp_username, settings.smtp_password)
        return client

    def _certificates(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.smtp_ca_file or None)

    def _mail_from(self, client: smtplib.SMTP, letter: Letter) -> None:
        options = []
        if not letter.recipient.isascii():
            if not client.has_extn("smtputf8"):
                raise Refused("the mail server takes no address with letters beyond ASCII (SMTPUTF8)")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        answer = client.mail(sender().addr_spec, options)
        if answer[0] != SENT:
            # The sender is a setting: nothing is wrong with this mail.
            raise ServerUnavailable(f"the sender was refused: {_answer(answer)}")

    def _hand_over(self, client: smtplib.SMTP, letter: Letter) -> None:
        _accepted(client.rcpt(letter.recipient), 250, 251)
        wire = policy.SMTP if letter.recipient.isascii() else policy.SMTPUTF8
        try:
            answer = client.data(letter.message.as_bytes(policy=wire))
        except smtplib.SMTPDataError as error:
            answer = (error.smtp_code, _bytes(error.smtp_error))
        _accepted(answer, SENT)


def _accepted(answer: Answer, *good: int) -> None:
    code = answer[0]
    if code in good:
        return
    if code == CLOSING or code in ABOUT_LOGIN or code < 0:
        raise ServerUnavailable(_answer(answer))
    raise (Refused if 500 <= code < 600 else Delayed)(_answer(answer))


def _answer(answer: Answer) -> str:
    """Return the server's answer on one line; it may contain the address."""
    return f"{answer[0]} {' '.join(answer[1].decode('utf-8', 'replace').split())}"


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}: {_answer((error.smtp_code, _bytes(error.smtp_error)))}"
    return f"{type(error).__name__}: {error}"


def post_for(settings: Settings) -> Post:
    """Return what takes mails away, by the settings; mail must be on."""
    folder = settings.mail_folder
    return FolderPost(folder) if folder is not None else SmtpPost(settings)

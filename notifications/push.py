"""Sends messages to browsers: encrypted (RFC 8291), by known push services (RFC 8030), to no address inside."""

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from notifications import vapid
from notifications.endpoints import Device, is_known
from settings import get_settings

# For each step, and for all of them: a service may also send a byte now and then, for ever.
STEP_SECONDS, WHOLE_SECONDS = 5.0, 10.0
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Of an answer, only its beginning is read, for the log.
MAX_ANSWER = 300
# How long a push service keeps a message for a device that is off: afterwards the news is old.
LIFETIME_SECONDS = 24 * 3600
# A message of one length tells nothing by it; every service takes 4096 bytes, encrypted (RFC 8030, 7.2).
PADDED_BYTES = 1024
# The device is gone, or its address never was one.
GONE = (404, 410)
Resolve = Any


class DeviceGone(Exception):
    """The device takes no messages any more."""


class PushRefused(Exception):
    """The push service refuses the message for good; the message says why."""


class PushDelayed(Exception):
    """The message cannot be delivered now. `wait`: seconds that the service asks for, else 0."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class PushUnavailable(PushDelayed):
    """The push service does not answer, or asks all senders to wait."""


class Pusher(Protocol):
    """Takes messages to devices away."""

    def send(self, device: Device, payload: Mapping[str, Any], topic: str, now: datetime) -> None:
        """Return once the message is accepted; raises DeviceGone, PushRefused or PushDelayed."""


class WebPusher:
    """Sends over HTTPS, to one address that was looked up and judged; follows no redirect."""

    def send(self, device: Device, payload: Mapping[str, Any], topic: str, now: datetime) -> None:
        """Hand the message over. Of messages with one topic, a device that was off gets the last.

        Raises:
            DeviceGone: the service has forgotten the device (404, 410).
            PushRefused: it refuses the message for good, or it is none that messages may be sent to.
            PushDelayed: it refuses the message for now. PushUnavailable: it does not answer.
        """
        if not is_known(device.endpoint):
            raise PushRefused("the push service is not known any more: PUSH_HOSTS")
        headers = {
            "Authorization": vapid.authorization(device.endpoint, now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(LIFETIME_SECONDS),
            "Topic": topic,
            "Urgency": "normal",
        }
        try:
            answer = _post(device.endpoint, encrypted(device, payload), headers)
        except (OSError, http.client.HTTPException) as error:
            raise PushUnavailable(f"{type(error).__name__}: {error}") from error
        _judge(answer, now)


def encrypted(device: Device, payload: Mapping[str, Any]) -> bytes:
    """Return a message that only this browser can read, of one length whatever it says."""
    text = json.dumps(payload, ensure_ascii=False).encode()
    # JSON ignores the spaces at its end.
    body: bytes = http_ece.encrypt(
        text.ljust(PADDED_BYTES),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_decoded(device.p256dh),
        auth_secret=_decoded(device.auth),
        version="aes128gcm",
    )
    return body


def _decoded(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))


# --- the connection ---------------------------------------------------------------------------------


class _Answer(NamedTuple):
    status: int
    retry_after: str
    text: str


class _Connection(http.client.HTTPSConnection):
    """A connection to an address that has been judged; the certificate must be the host's."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=STEP_SECONDS)
        self._address = address

    def connect(self) -> None:
        """Connect to the address, not to what the name means by now."""
        raw = socket.create_connection((self._address, self.port), STEP_SECONDS)
        self.sock = raw
        context = _certificates(get_settings().push_test_ca_file)
        self.sock = context.wrap_socket(raw, server_hostname=self.host)


@lru_cache(maxsize=4)
def _certificates(file: str) -> ssl.SSLContext:
    """Return the certificates to trust. Kept: to read those of the machine for each message would take longer."""
    return ssl.create_default_context(cafile=file or None)


def _post(endpoint: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
    parts = urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or 443
    connection = _Connection(host, port, public_address(host, port))
    path = parts.path or "/"
    with _deadline(connection):
        try:
            connection.request("POST", f"{path}?{parts.query}" if parts.query else path, body, dict(headers))
            response = connection.getresponse()
            text = response.read(MAX_ANSWER).decode("utf-8", "replace")
            return _Answer(response.status, response.getheader("Retry-After") or "", " ".join(text.split()))
        finally:
            connection.close()


@contextmanager
def _deadline(connection: _Connection) -> Iterator[None]:
    """Break the connection when the exchange takes longer than WHOLE_SECONDS."""

    def end() -> None:
        if connection.sock is not None:
            with suppress(OSError):
                # Not SSLSocket's own shutdown, which also takes the encryption away from the thread that reads.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    timer = threading.Timer(WHOLE_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def public_address(host: str, port: int) -> str:
    """Return an address of the host to connect to.

    Raises:
        PushRefused: one of its addresses is inside (private, loopback, link-local and the like).
        OSError: the name cannot be looked up.
    """
    found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if get_settings().push_test_origin == f"https://{host}:{port}":
        return found[0]
    inside = [each for each in found if not is_public(each)]
    if inside or not found:
        raise PushRefused("the push service has an address inside this network")
    return found[0]


def is_public(address: str) -> bool:
    """Return whether an address is one of the internet, also what an IPv6 address contains of IPv4."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = [parsed]
    if isinstance(parsed, ipaddress.IPv6Address):
        inner += [each for each in (parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())) if each is not None]
        if parsed in NAT64:
            inner.append(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
    return all(each.is_global and not each.is_multicast for each in inner)


def _judge(answer: _Answer, now: datetime) -> None:
    """Raise what the answer of a push service means, unless it has accepted the message (RFC 8030, 5)."""
    status = answer.status
    if 200 <= status < 300:
        return
    reason = f"{status} {answer.text}".strip()
    if status in GONE:
        raise DeviceGone(reason)
    if status == 429:
        raise PushDelayed(reason, seconds_in(answer.retry_after, now))
    if status >= 500:
        raise PushUnavailable(reason, seconds_in(answer.retry_after, now))
    # Also a redirect: a push service has none, and where it leads nobody has judged.
    raise PushRefused(reason)


def seconds_in(retry_after: str, now: datetime) -> float:
    """Return the seconds that a `Retry-After` asks to wait: a number, or a date; 0 where it says neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())

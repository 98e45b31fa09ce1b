"""Who calls the service in tests of every route, and what their calls name."""

from dataclasses import dataclass, field
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from guests.wordings import CURRENT
from testkit.forms import script_token

HOST = "http://localhost"
CONSENT = CURRENT
# What a browser says of its push subscription (the keys of RFC 8291, 5).
DEVICE = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/world",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
}
JPEG = "image/jpeg"
# The colour, to the fake engine, of a guest who has no password.
WITHOUT_PASSWORD = 8


@dataclass
class Caller:
    """Who sends a request: a Bearer token for the API; cookies and the CSRF token of a browser for the pages."""

    role: str
    token: str = ""
    id: int = 0
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""


@dataclass(frozen=True)
class Objects:
    """What calls name by id, name or code; all of it belongs to one event, whose guests see only their own photos."""

    event: int
    event_name: str
    code: str
    # The code of an event that nobody has joined.
    further_code: str
    guest: int
    photographer: int
    photo: int
    filename: str
    refused_photo: int
    # A photo in which the guest has confirmed a face, the face in `photo`, and one that the guest is asked about.
    confirmed_photo: int
    face: int
    maybe_face: int
    # The guest's portrait, and a group that the guest has started.
    selfie: int
    group: int
    # A child whose profile the guest holds.
    child: int
    group_token: str
    # The guest is told of new photos on a device, and can stop mails with a link.
    subscription: int
    unsubscribe_token: str
    # The guest's link to `photo`, and a choice of it for a ZIP.
    link: int
    link_token: str
    choice: int
    # The guest's report of `photo`.
    report: int
    # The camera of all photos.
    camera: int
    # The photographer's upload in one part, `calls.PART`, which has arrived.
    upload: int
    # The number of the guest's badge.
    badge: str
    trashed_photo: int
    failed_photo: int
    pending_photo: int
    # Of the guest in the event.
    evaluation: int
    # A further session of the guest, and what proves that its bearer is the guest.
    session: str
    refresh_token: str
    reset_token: str
    login_token: str
    confirm_token: str
    # The photographer has begun to set up a second factor; the other photographer has one.
    totp_secret: str
    recovery_code: str


# Like the objects of a world, but none of them exists.
NOWHERE = Objects(
    event=909_090,
    event_name="Nowhere",
    code="NOWHERE9",
    further_code="NOWHERE8",
    guest=909_092,
    photographer=909_093,
    photo=909_094,
    badge="00000000",
    filename="00000000000000000000000000000000.jpg",
    refused_photo=909_095,
    confirmed_photo=909_098,
    face=909_099,
    maybe_face=909_100,
    selfie=909_101,
    group=909_102,
    child=909_112,
    group_token="909102.nosuchsignature000000000",
    subscription=909_107,
    unsubscribe_token="909092.909090.nosuchsignature000000000",
    link=909_104,
    link_token="nosuchsignature000000000.000000000000000000000000",
    choice=909_105,
    report=909_108,
    camera=909_103,
    upload=909_103,
    trashed_photo=909_095,
    failed_photo=909_096,
    pending_photo=909_097,
    evaluation=909_098,
    session="nosuchsession000",
    refresh_token="nosuchsession000.secret.signature",
    reset_token="J1qK0c8Xb4d5WnP2sT7vYz3aRfGhLmQe9uIoBxNtCwk",
    login_token="J1qK0c8Xb4d5WnP2sT7vYz3aRfGhLmQe9uIoBxNtCwk",
    confirm_token="909092.4102444800.b0kXq3vR5tYuIoPaSdFgHjKl",
    totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    recovery_code="nosuch-code",
)


def send(client: TestClient, method: str, path: str, who: Caller, **request: Any) -> Response:
    """Send a request as `who`: pages get the cookies of a browser, calls of the API the token."""
    page = not path.startswith(("/api/", "/metrics"))
    headers = dict(request.pop("headers", {}))
    if page:
        headers["accept"] = "text/html"
        if who.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
        elif who.token:
            headers["authorization"] = f"Bearer {who.token}"
        if method not in ("GET", "HEAD", "OPTIONS"):
            request["data"] = {**request.get("data", {}), "csrf_token": who.csrf}
    elif who.token:
        headers["authorization"] = f"Bearer {who.token}"
    client.cookies.clear()
    return client.request(method, path, headers=headers, **request)


def browse(client: TestClient, caller: Caller) -> Caller:
    """Open a page that anyone can see, and keep its cookies and its CSRF token."""
    answer = send(client, "GET", "/offline", caller)
    caller.cookies = {**caller.cookies, **dict(answer.cookies)}
    caller.csrf = script_token(answer.text)
    return caller

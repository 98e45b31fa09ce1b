"""One valid request for every route: what its path, query and body name are the objects of a `World`.

A new route needs a line here only if it has a parameter of a new name or a body.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pyotp

from faces.fake import fake_colour, fake_photo
from guests.wordings import GUARDIAN
from testkit.callers import CONSENT, DEVICE, JPEG, WITHOUT_PASSWORD, Objects
from testkit.passwords import OTHER_PASSWORD, PASSWORD

Request = dict[str, Any]
SUM = "0" * 64
# A photo that is sent in parts has this one.
PART = fake_photo([fake_colour(9)], block=140)

# The value of each parameter in a path.
PARAMETERS: dict[str, Callable[[Objects], object]] = {
    "event_id": lambda of: of.event,
    "event_code": lambda of: of.code,
    "photo_id": lambda of: of.photo,
    "filename": lambda of: of.filename,
    "user_id": lambda of: of.guest,
    "photographer_id": lambda of: of.photographer,
    "face_id": lambda of: of.maybe_face,
    "selfie_id": lambda of: of.selfie,
    "group_id": lambda of: of.group,
    "child_id": lambda of: of.child,
    "subscription_id": lambda of: of.subscription,
    "camera_id": lambda of: of.camera,
    "session_id": lambda of: of.session,
    "evaluation_id": lambda of: of.evaluation,
    "asked": lambda of: "current",
    "token": lambda of: of.group_token,
    "link_id": lambda of: of.link,
    "badge": lambda of: of.badge,
    "report_id": lambda of: of.report,
    "link_token": lambda of: of.link_token,
    "upload_id": lambda of: of.upload,
    "number": lambda of: 1,
    "name": lambda of: "css/base.css",
    "version": lambda of: CONSENT,
}

# By the address before `/trash/`, what can be done with a photo there.
ON_PAGES = (("GET", "/picture"), ("POST", "/restore"), ("POST", "/erase"))
TRASH = {
    "/api": (("GET", "/picture"), ("POST", "/restore"), ("DELETE", "")),
    "/studio/{event_id}": ON_PAGES,
    "/admin/events/{event_id}": ON_PAGES,
}


def _trashed(home: str, end: str, of: Objects) -> str:
    return f"{home.format(event_id=of.event)}/trash/{of.trashed_photo}{end}"


# Paths whose parameters have another value.
PATHS: dict[str, Callable[[Objects], str]] = {
    # Needs a photo that the guest has refused.
    "DELETE /api/photos/{photo_id}/not-me": lambda of: f"/api/photos/{of.refused_photo}/not-me",
    # Needs one in which the guest has confirmed a face.
    "DELETE /api/photos/{photo_id}/me": lambda of: f"/api/photos/{of.confirmed_photo}/me",
    # Of a photo that is none any more.
    **{
        f"{method} {home}/trash/{{photo_id}}{end}": partial(_trashed, home, end)
        for home, calls in TRASH.items()
        for method, end in calls
    },
    # Their tokens are of another kind.
    "GET /unsubscribe/{token}": lambda of: f"/unsubscribe/{of.unsubscribe_token}",
    "POST /unsubscribe/{token}": lambda of: f"/unsubscribe/{of.unsubscribe_token}",
}


def _account(name: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.org", "password": OTHER_PASSWORD}


def _selfie(number: int = 9) -> Request:
    return {"files": {"file": ("me.jpg", fake_photo([fake_colour(number)]), JPEG)}}


def _photos(field: str) -> Request:
    return {"files": [(field, ("new.jpg", fake_photo([fake_colour(9)], block=150), JPEG))]}


# What a request has besides its path.
REQUESTS: dict[str, Callable[[Objects], Request]] = {
    "POST /api/check-user-availability": lambda of: {"json": {"username": "someone", "event_code": of.code}},
    "POST /api/register-with-event-code": lambda of: {
        "json": {"user_data": _account("newcomer"), "event_code": of.code}
    },
    "POST /api/register-invite-with-selfie": lambda of: {
        "data": {**_account("newcomer"), "event_code": of.code},
        **_selfie(),
    },
    "POST /api/register-invite": lambda of: {"json": {"user_data": _account("newcomer"), "event_code": of.code}},
    "POST /api/register": lambda of: {
        "data": {**_account("newcomer"), "event_code": of.code},
        "files": {"selfie": _selfie()["files"]["file"]},
    },
    "POST /api/login": lambda of: {"json": {"username": "camille", "password": PASSWORD}},
    "POST /api/token/refresh": lambda of: {"json": {"refresh_token": of.refresh_token}},
    "POST /api/password-reset": lambda of: {"json": {"email": "camille@example.org"}},
    "POST /api/password-reset/confirm": lambda of: {"json": {"token": of.reset_token, "password": OTHER_PASSWORD}},
    "POST /api/confirm-address": lambda of: {"json": {"token": of.confirm_token}},
    "POST /api/me/password": lambda of: {"json": {"current": PASSWORD, "new": OTHER_PASSWORD}},
    "POST /api/me/second-factor": lambda of: {"json": {"password": PASSWORD}},
    "POST /api/me/second-factor/confirm": lambda of: {"json": {"otp": pyotp.TOTP(of.totp_secret).now()}},
    "POST /api/me/second-factor/recovery-codes": lambda of: {"json": {"otp": of.recovery_code}},
    "DELETE /api/me/second-factor": lambda of: {"json": {"password": PASSWORD, "otp": of.recovery_code}},
    "POST /api/photos/{photo_id}/report": lambda of: {"json": {"reason": "private"}},
    "POST /api/shared/{link_token}/photos/{photo_id}/report": lambda of: {"json": {"reason": "private"}},
    "PUT /api/photographer/events/{event_id}/held-photos": lambda of: {
        "json": {"action": "hide", "photo_ids": [of.photo]}
    },
    "PUT /api/photographer/events/{event_id}/reports/{report_id}": lambda of: {"json": {"decision": "keep"}},
    "DELETE /api/me": lambda of: {"json": {"password": PASSWORD}},
    "PUT /api/user/events/{event_id}/hidden": lambda of: {"json": {"hidden": True}},
    "PUT /api/admin/users/{user_id}/events/{event_id}/hidden": lambda of: {"json": {"hidden": True}},
    "POST /api/consent": lambda of: {"json": {"event_id": of.event, "version": CONSENT}},
    "POST /api/check-event-code": lambda of: {"json": {"event_code": of.code}},
    "GET /api/event-info": lambda of: {"params": {"event_code": of.code}},
    "POST /api/join-event": lambda of: {"json": {"event_code": of.further_code}},
    "POST /api/validate-selfie": lambda of: _selfie(),
    "POST /api/upload-selfie": lambda of: _selfie(),
    "POST /api/photos/{photo_id}/me": lambda of: {"json": {"face_id": of.face}},
    "GET /api/my-badge": lambda of: {"params": {"event_id": of.event}},
    "GET /badge": lambda of: {"params": {"event_code": of.code}},
    "POST /api/photos/{photo_id}/guests": lambda of: {"json": {"badge": of.badge}},
    "PUT /api/photos/{photo_id}/badges": lambda of: {"json": {"badges": [of.badge]}},
    "GET /api/maybe-photos": lambda of: {"params": {"event_id": of.event}},
    "POST /api/me/children": lambda of: {"json": {"name": "Mila", "event_id": of.event, "version": GUARDIAN}},
    "PUT /api/me/children/{child_id}/portrait": lambda of: _selfie(),
    "GET /api/me/children/{child_id}/photos": lambda of: {"params": {"event_id": of.event}},
    "POST /api/me/children/{child_id}/consent": lambda of: {"json": {"event_id": of.event, "version": GUARDIAN}},
    "PUT /api/me/children/{child_id}/events/{event_id}/hidden": lambda of: {"json": {"hidden": True}},
    "POST /api/together": lambda of: {"json": {"event_id": of.event}},
    "GET /api/together-invitation": lambda of: {"params": {"token": of.group_token}},
    "POST /api/together-invitation": lambda of: {"json": {"token": of.group_token}},
    "PUT /api/user/events/{event_id}/notifications/device": lambda of: {"json": DEVICE},
    "POST /api/push-renewal": lambda of: {"json": {**DEVICE, "old_endpoint": DEVICE["endpoint"]}},
    "POST /api/user/events/{event_id}/photo-links": lambda of: {"json": {"photo_ids": [of.photo]}},
    "POST /api/user/events/{event_id}/choices": lambda of: {"json": {"photo_ids": [of.photo]}},
    "PUT /api/user/events/{event_id}/favourites": lambda of: {"json": {"photo_ids": [of.photo]}},
    "POST /api/photographer/events/{event_id}/upload-photos": lambda of: _photos("files"),
    "POST /api/upload-photos": lambda of: _photos("files"),
    "POST /api/photographer/events/{event_id}/uploads": lambda of: {"json": {"name": "new.jpg", "size": 2_000_000}},
    "PUT /api/photographer/events/{event_id}/uploads/{upload_id}/parts/{number}": lambda of: {
        "files": {"file": ("part", PART)}
    },
    "POST /api/upload-photo": lambda of: _photos("file"),
    "PUT /api/photographer/photos/{photo_id}": lambda of: {"json": {"for_everyone": True}},
    "PUT /api/photographer/events/{event_id}/cameras/{camera_id}": lambda of: {"json": {"shift_seconds": 2820}},
    "PUT /api/photographer/events/{event_id}/sections": lambda of: {
        "json": {"sections": [{"title": "Dinner", "starts_at": "2026-06-20T20:00"}]}
    },
    "PUT /api/photographer/events/{event_id}/photos": lambda of: {
        "json": {"photo_ids": [of.photo], "for_everyone": True}
    },
    "DELETE /api/photos": lambda of: {"params": {"photo_ids": str(of.photo)}},
    "POST /api/photographer/events/{event_id}/known-checksums": lambda of: {"json": {"sha256": [SUM]}},
    "PUT /api/photographer/events/{event_id}/cover": lambda of: {"json": {"photo_id": of.photo}},
    "POST /api/admin/create-event": lambda of: {"json": {"name": "Gala", "photographer_ids": [of.photographer]}},
    "PUT /api/admin/events/{event_id}": lambda of: {"json": {"name": "Gala"}},
    "POST /api/admin/generate-event-code": lambda of: {"json": {"event_id": of.event}},
    "POST /api/admin/set-event-code": lambda of: {"json": {"event_id": of.event, "event_code": "GALA2030"}},
    "POST /api/admin/reset-expiration": lambda of: {"json": {"event_id": of.event, "days": 30}},
    "POST /api/admin/create-admin": lambda of: {"json": _account("newcomer")},
    "POST /api/admin/photographers": lambda of: {"json": _account("newcomer")},
    "PUT /api/admin/photographers/{photographer_id}": lambda of: {"json": {"is_active": True}},
    "POST /api/admin/jobs/retry": lambda of: {"json": {"kind": "photos", "id": of.failed_photo}},
    "POST /api/admin/jobs/cancel": lambda of: {"json": {"kind": "photos", "id": of.pending_photo}},
    "POST /api/admin/eval-recognition": lambda of: {"json": {"event_id": of.event, "user_id": of.guest}},
    # Pages
    "POST /login": lambda of: {"data": {"username": "camille", "password": PASSWORD}},
    "POST /forgot": lambda of: {"data": {"email": "camille@example.org"}},
    "POST /reset": lambda of: {"data": {"token": of.reset_token, "password": OTHER_PASSWORD}},
    "POST /confirm": lambda of: {"data": {"token": of.confirm_token}},
    "POST /account/security/end": lambda of: {"data": {"session": of.session}},
    "POST /account/security/password": lambda of: {"data": {"current": PASSWORD, "new": OTHER_PASSWORD}},
    "POST /account/second-factor/begin": lambda of: {"data": {"password": PASSWORD}},
    "POST /account/second-factor/confirm": lambda of: {"data": {"otp": pyotp.TOTP(of.totp_secret).now()}},
    "POST /account/second-factor/codes": lambda of: {"data": {"otp": of.recovery_code}},
    "POST /account/second-factor/off": lambda of: {"data": {"password": PASSWORD, "otp": of.recovery_code}},
    "POST /language": lambda of: {"data": {"value": "en"}},
    "POST /theme": lambda of: {"data": {"value": "dark"}},
    "GET /join": lambda of: {"params": {"event_code": of.code}},
    "GET /privacy": lambda of: {"params": {"event_code": of.code}},
    "POST /join": lambda of: {"data": {**_account("newcomer"), "event_code": of.code, "consent": CONSENT}},
    "POST /join/start": lambda of: {"data": {"event_code": of.code, "consent": CONSENT}},
    "POST /enter": lambda of: {"data": {"token": of.login_token, "choice": "go_on"}},
    "POST /lost": lambda of: {"data": {"email": "camille@example.org"}},
    "POST /keep/mail": lambda of: {"data": {"email": "kept@example.org"}},
    "POST /keep/link": lambda of: {"data": {}},
    "POST /keep/link/revoke": lambda of: {"data": {}},
    "POST /keep/password": lambda of: {"data": {"password": OTHER_PASSWORD}},
    "POST /keep/later": lambda of: {"data": {"event_id": of.event}},
    "POST /join/further": lambda of: {"data": {"event_code": of.further_code, "consent": CONSENT}},
    # The event that has a cover.
    "GET /join/cover": lambda of: {"params": {"event_code": "COURSE77"}},
    "GET /selfie": lambda of: {"params": {"event": of.event}},
    "POST /selfie": lambda of: {"params": {"event": of.event}, **_selfie()},
    "GET /photos": lambda of: {"params": {"event": of.event}},
    "GET /photos/rows": lambda of: {"params": {"event": of.event}},
    "GET /photos/standing": lambda of: {"params": {"event": of.event}},
    "GET /photos/weight": lambda of: {"params": {"event": of.event}},
    "GET /photos/maybe": lambda of: {"params": {"event": of.event}},
    "POST /account/children": lambda of: {"data": {"name": "Mila", "event_id": str(of.event)}},
    "POST /account/children/{child_id}/portrait": lambda of: _selfie(),
    "POST /account/children/{child_id}/consent": lambda of: {"data": {"event_id": str(of.event)}},
    "POST /account/children/{child_id}/withdraw": lambda of: {"data": {"event_id": str(of.event)}},
    "POST /account/children/{child_id}/hide": lambda of: {"data": {"event_id": str(of.event)}},
    "POST /together": lambda of: {"data": {"event_id": str(of.event)}},
    "GET /notify": lambda of: {"params": {"event": of.event}},
    "POST /notify/email": lambda of: {"data": {"event_id": str(of.event), "on": "false"}},
    "POST /notify/devices": lambda of: {"data": {"event_id": str(of.event)}},
    "POST /account/withdraw": lambda of: {"data": {"event_id": str(of.event)}},
    "POST /account/consent": lambda of: {"data": {"event_id": str(of.event)}},
    "POST /studio/{event_id}/requests": lambda of: {"data": {"act": "keep", "report": of.report}},
    "POST /admin/events/{event_id}/requests": lambda of: {"data": {"act": "keep", "report": of.report}},
    "POST /photos/{photo_id}/report": lambda of: {"data": {"reason": "private", "text": "Not for all"}},
    "POST /shared/{link_token}/photos/{photo_id}/report": lambda of: {"data": {"reason": "private"}},
    "POST /account/hide": lambda of: {"data": {"event_id": of.event}},
    "POST /account/show": lambda of: {"data": {"event_id": of.event}},
    "POST /account/erase": lambda of: {"data": {"password": PASSWORD}},
    "POST /studio/{event_id}/cameras/{camera_id}": lambda of: {"data": {"direction": "late", "minutes": "47"}},
    **{
        f"POST {home}/{{event_id}}/badges": lambda of: {
            "data": {"chosen": str(of.photo), "act": "given", "badge": of.badge}
        }
        for home in ("/studio", "/admin/events")
    },
    "POST /studio/{event_id}/help": lambda _: _selfie(WITHOUT_PASSWORD),
    "POST /studio/{event_id}/sections": lambda of: {"data": {"title": "Dinner", "start": "2026-06-20T20:00"}},
    "POST /admin/events/{event_id}/sections": lambda of: {"data": {"title": "Dinner", "start": "2026-06-20T20:00"}},
    "POST /admin/events": lambda of: {
        "data": {
            "name": "Gala",
            "timezone": "Europe/Paris",
            "guests_see_all_photos": "own",
            "guests_may_share": "yes",
            "keep_capture_details": "removed",
            "selfie_is_consent": "selfie",
            "photos_need_approval": "live",
            "bystanders": "until_expiry",
            "badges": "off",
        }
    },
    # The form is sent as it was opened: nothing changes.
    "POST /admin/events/{event_id}": lambda of: {
        "data": {
            "name": of.event_name,
            "timezone": "Europe/Paris",
            "guests_see_all_photos": "own",
            "guests_may_share": "yes",
            "keep_capture_details": "removed",
            "selfie_is_consent": "selfie",
            "photos_need_approval": "live",
            "bystanders": "until_expiry",
            "badges": "on",
            "badge_seconds": "90",
        }
    },
    "POST /admin/events/{event_id}/photos/delete": lambda _: {"data": {"photo": "0"}},
    "POST /admin/events/{event_id}/delete": lambda of: {"data": {"name": of.event_name}},
    "POST /admin/photographers": lambda of: {"data": _account("newcomer")},
    "POST /admin/photographers/{photographer_id}": lambda of: {"data": _account("renamed")},
    "POST /admin/photographers/{photographer_id}/access": lambda of: {"data": {"value": "open"}},
    "POST /admin/jobs/retry": lambda of: {"data": {"kind": "photos", "id": str(of.failed_photo)}},
    "POST /admin/jobs/cancel": lambda of: {"data": {"kind": "photos", "id": str(of.pending_photo)}},
}


def request_of(call: str, of: Objects) -> tuple[str, str, Request]:
    """Return method, path and the rest of a valid request for a call such as `GET /api/me`, about the objects `of`.

    Raises:
        KeyError: a parameter of the path has no value in PARAMETERS.
    """
    method, path = call.split(" ")
    rest = REQUESTS[call](of) if call in REQUESTS else {}
    if call in PATHS:
        return method, PATHS[call](of), rest
    parts = [_part(part, of) for part in path.split("/")]
    return method, "/".join(parts), rest


def _part(part: str, of: Objects) -> str:
    if not part.startswith("{"):
        return part
    return str(PARAMETERS[part.strip("{}").partition(":")[0]](of))

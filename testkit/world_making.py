"""Makes the two events, the accounts of every kind and the photos of a `World`, through the service's own calls."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pyotp
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from accounts import sessions
from accounts.confirmation import link_for
from accounts.service import NewAccount, create_staff
from accounts.tokens import ALGORITHM
from api.sessions import SESSION_COOKIE
from database import reading, transaction
from faces.fake import fake_colour, fake_photo
from guests import registration
from guests.wordings import GUARDIAN, shown
from models import ADMIN, PHOTOGRAPHER, Face, FaceCandidate, User, utcnow
from notifications.unsubscribing import link_for as unsubscribe_link
from settings import get_settings
from testkit.callers import CONSENT, DEVICE, JPEG, WITHOUT_PASSWORD, Caller, Objects, browse, send
from testkit.calls import PART
from testkit.passwords import PASSWORD

ALL_SEEN = {"guests_see_all_photos": True}
# How people appear to the fake engine: by colour.
GUEST, FELLOW, OTHER, STRANGER, CHILD = range(5)


def person(number: int, block: int = 160) -> bytes:
    """Return a JPEG of one person, for a selfie or a photo."""
    return fake_photo([fake_colour(number)], block=block)


def by_camera(jpeg: bytes) -> bytes:
    """Return a JPEG with the name of a camera and when it was taken."""
    exif = Image.Exif()
    exif[0x0110] = "Camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:06:20 18:30:05"
    block = exif.tobytes()
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


class Making:
    """A world that is being made: its callers by role, filled by `make` and `close_accounts`."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.callers: dict[str, Caller] = {}

    def _call(self, method: str, path: str, who: Caller | None = None, **request: Any) -> Any:
        answer = send(self._client, method, path, who or Caller("nobody"), **request)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def make(self) -> Objects:
        """Make everything but the expired sessions and the unprocessed photos."""
        admin = self._staff("admin", "chief", ADMIN)
        self._staff("closed admin", "formerchief", ADMIN)
        photographer = self._staff("photographer", "ansel", PHOTOGRAPHER)
        other_photographer = self._staff("other photographer", "dorothea", PHOTOGRAPHER)
        self._staff("closed photographer", "henri", PHOTOGRAPHER)
        home = self._event("Mariage de Camille", "CAMILLE7", photographer, admin, badges=True)
        other = self._event("Course du lac", "COURSE77", other_photographer, admin, **ALL_SEEN)
        self._event("Soirée ouverte", "SOIREE77", None, admin, **ALL_SEEN)
        self._event("Vin d'honneur", "HONNEUR7", None, admin)
        guest = self._guest("guest", "camille", "CAMILLE7", GUEST)
        fellow = self._guest("fellow guest", "felix", "CAMILLE7", FELLOW)
        self._guest("other guest", "olga", "COURSE77", OTHER)
        self._guest("closed guest", "claude", "CAMILLE7", STRANGER)
        self._guest_without_password("CAMILLE7", WITHOUT_PASSWORD)
        for each in (guest, fellow):
            self._call("POST", "/api/join-event", each, json={"event_code": "SOIREE77"})
        sent = {each["original_filename"]: each for each in self._upload(home, photographer, "camille")}
        shown = sent["camille-dances.jpg"]
        lake = self._upload(other, other_photographer, "lake")[0]["id"]
        # Guests see all photos of this event: a cover shows them no further one.
        path = f"/api/photographer/events/{other}/cover"
        self._call("PUT", path, other_photographer, json={"photo_id": lake})
        self.callers["anonymous"] = browse(self._client, Caller("anonymous"))
        self.callers["monitoring"] = browse(self._client, Caller("monitoring", get_settings().monitoring_token))
        self._wait(lambda: self._call("GET", "/api/my-photos", guest), lambda found: len(found) == 3)
        answered = self._answers(home, guest, sent)
        group = self._call("POST", "/api/together", guest, json={"event_id": home})
        with transaction() as session:
            session.get_one(User, guest.id).email_confirmed_at = utcnow()
        told = self._call("PUT", f"/api/user/events/{home}/notifications/device", guest, json=DEVICE)
        chosen = {"photo_ids": [shown["id"]]}
        link = self._call("POST", f"/api/user/events/{home}/photo-links", guest, json=chosen)
        return Objects(
            event=home,
            event_name="Mariage de Camille",
            code="CAMILLE7",
            further_code="HONNEUR7",
            guest=guest.id,
            photographer=photographer.id,
            photo=shown["id"],
            filename=shown["filename"],
            face=faces_in(home)[shown["id"]],
            group=group["id"],
            child=self._child(home, guest),
            group_token=group["token"],
            subscription=told["push"]["devices"][0]["id"],
            unsubscribe_token=unsubscribe_link(guest.id, home).rpartition("/")[2],
            link=link["id"],
            link_token=link["link"].rpartition("/")[2],
            report=self._call("POST", f"/api/photos/{shown['id']}/report", guest, json={"reason": "other"})["id"],
            choice=self._call("POST", f"/api/user/events/{home}/choices", guest, json=chosen)["id"],
            camera=self._call("GET", f"/api/photographer/events/{home}/cameras", photographer)[0]["id"],
            upload=self._begun_upload(home, photographer),
            badge=self._call("GET", f"/api/my-badge?event_id={home}", guest)["number"],
            trashed_photo=sent["camille-trashed.jpg"]["id"],
            failed_photo=0,
            pending_photo=0,
            evaluation=self._evaluation(home, guest, admin),
            **answered,
            **self._proofs(guest, admin),
            **self._second_factors(photographer, other_photographer),
        )

    def _begun_upload(self, event: int, photographer: Caller) -> int:
        """Send the only part of a photo, and do not complete it; return the upload's id."""
        path, asked = f"/api/photographer/events/{event}/uploads", {"name": "part.jpg", "size": len(PART)}
        upload = int(self._call("POST", path, photographer, json=asked)["upload_id"])
        self._call("PUT", f"{path}/{upload}/parts/1", photographer, files={"file": ("part", PART)})
        return upload

    def _child(self, event: int, guest: Caller) -> int:
        """Add a child's profile with a portrait that nobody resembles; return its id."""
        asked = {"name": "Lou", "event_id": event, "version": GUARDIAN}
        child = int(self._call("POST", "/api/me/children", guest, json=asked)["id"])
        portrait = {"file": ("lou.jpg", person(CHILD), JPEG)}
        self._call("PUT", f"/api/me/children/{child}/portrait", guest, files=portrait)
        return child

    def _answers(self, event: int, guest: Caller, sent: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Refuse a photo and confirm a face as the guest, and let the guest be asked about another face."""
        refused, confirmed, others = (sent[f"camille-{name}.jpg"]["id"] for name in ("refused", "confirmed", "other"))
        self._call("POST", f"/api/photos/{refused}/not-me", guest)
        faces = faces_in(event)
        self._call("POST", f"/api/photos/{confirmed}/me", guest, json={"face_id": faces[confirmed]})
        (portrait,) = self._call("GET", "/api/me/selfies", guest)
        ask_about(guest.id, event, faces[others], portrait["id"])
        return {
            "refused_photo": refused,
            "confirmed_photo": confirmed,
            "maybe_face": faces[others],
            "selfie": portrait["id"],
        }

    def _evaluation(self, event: int, guest: Caller, admin: Caller) -> int:
        path, body = "/api/admin/eval-recognition", {"event_id": event, "user_id": guest.id}
        answer = send(self._client, "POST", path, admin, json=body)
        assert answer.is_success, answer.text[:300]
        url = answer.json()["url"]
        self._wait(lambda: self._call("GET", url, admin)["status"], lambda status: status == "done")
        return int(answer.json()["id"])

    def _second_factors(self, beginner: Caller, owner: Caller) -> dict[str, Any]:
        path, body = "/api/me/second-factor", {"password": PASSWORD}
        secrets = [self._call("POST", path, who, json=body)["secret"] for who in (beginner, owner)]
        code = {"otp": pyotp.TOTP(secrets[1]).now()}
        codes = self._call("POST", f"{path}/confirm", owner, json=code)["recovery_codes"]
        # That ended the session of the browser.
        again = {
            "username": self._call("GET", "/api/me", owner)["username"],
            "password": PASSWORD,
            "otp": codes.pop(),
        }
        owner.cookies[SESSION_COOKIE] = self._call("POST", "/api/login", json=again)["access_token"]
        browse(self._client, owner)
        return {"totp_secret": secrets[0], "recovery_code": codes[0]}

    def _proofs(self, guest: Caller, admin: Caller) -> dict[str, Any]:
        """Return the id and the refresh token of a further session, and the tokens of links mailed to the guest."""
        body = {"username": "camille", "password": PASSWORD, "refresh": True}
        refresh_token = self._call("POST", "/api/login", json=body)["refresh_token"]
        listed = self._call("GET", "/api/me/sessions", guest)
        link = self._call("POST", f"/api/admin/users/{guest.id}/reset-link", admin)["url"]
        login_link = self._call("POST", f"/api/admin/users/{guest.id}/login-link", admin)["url"]
        with reading() as session:
            confirmation = link_for(session.get_one(User, guest.id))
        return {
            "session": next(each["id"] for each in listed if not each["current"]),
            "refresh_token": refresh_token,
            "reset_token": link.partition("#")[2],
            "login_token": login_link.partition("#")[2],
            "confirm_token": confirmation.partition("#")[2],
        }

    def _staff(self, role: str, name: str, user_type: str) -> Caller:
        user = create_staff(NewAccount(name, f"{name}@example.org", PASSWORD), user_type)
        return self._log_in(role, user.id, name)

    def _guest(self, role: str, name: str, code: str, number: int) -> Caller:
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        body = {"user_data": account, "event_code": code, "consent": CONSENT}
        user = self._call("POST", "/api/register-with-event-code", json=body)
        caller = self._log_in(role, user["id"], name)
        self._send_selfie(caller, number)
        return caller

    def _send_selfie(self, caller: Caller, number: int) -> None:
        selfie = {"file": ("me.jpg", person(number), JPEG)}
        self._call("POST", "/api/upload-selfie", caller, files=selfie)
        self._wait(
            lambda: self._call("GET", "/api/rematch-status", caller)["status"],
            lambda status: status not in ("queued", "running"),
        )

    def _guest_without_password(self, code: str, number: int) -> None:
        """Let a guest in by one button: nothing but the browser leads back to the account."""
        guest = registration.start(code, "fr", shown("fr"), "a browser")
        token = sessions.start(guest, None, browser=True).access_token
        self._send_selfie(Caller("without password", token), number)

    def _event(self, name: str, code: str, photographer: Caller | None, admin: Caller, **more: Any) -> int:
        asked = {"name": name, "event_code": code, "photographer_ids": [photographer.id] if photographer else []}
        return int(self._call("POST", "/api/admin/create-event", admin, json={**asked, **more})["event_id"])

    def _upload(self, event: int, photographer: Caller, name: str) -> list[dict[str, Any]]:
        """Send the photos of an event: three of the first guest, one of another person, and one that is deleted."""
        shown = {
            f"{name}-dances.jpg": person(GUEST, 200),
            f"{name}-refused.jpg": person(GUEST, 240),
            f"{name}-confirmed.jpg": person(GUEST, 180),
            f"{name}-other.jpg": person(OTHER, 220),
            f"{name}-trashed.jpg": person(OTHER, 160),
        }
        files = [("files", (file, by_camera(data), JPEG)) for file, data in shown.items()]
        path = f"/api/photographer/events/{event}/upload-photos"
        sent: list[dict[str, Any]] = self._call("POST", path, photographer, files=files)["uploaded_photos"]
        photos = f"/api/photographer/events/{event}/photos"
        self._wait(
            lambda: [each["processing_status"] for each in self._call("GET", photos, photographer)],
            lambda states: set(states) <= {"done", "failed"},
        )
        self._call("DELETE", f"/api/photos/{sent[-1]['id']}", photographer)
        return sent

    def with_unprocessed_photos(self, made: Objects) -> Objects:
        """Send two photos that nothing processes any more, and cancel one: it counts as failed."""
        path = f"/api/photographer/events/{made.event}/upload-photos"
        files = [("files", (f"late{block}.jpg", person(STRANGER, block), JPEG)) for block in (260, 280)]
        sent = self._call("POST", path, self.callers["photographer"], files=files)["uploaded_photos"]
        pending, failed = (each["id"] for each in sent)
        self._call("POST", "/api/admin/jobs/cancel", self.callers["admin"], json={"kind": "photos", "id": failed})
        return replace(made, pending_photo=pending, failed_photo=failed)

    def _log_in(self, role: str, user_id: int, name: str) -> Caller:
        """Log in over the API, and on the pages as a browser does."""
        token = self._call("POST", "/api/login", json={"username": name, "password": PASSWORD})["access_token"]
        caller = browse(self._client, Caller(role, "", user_id))
        form = {"username": name, "password": PASSWORD}
        answer = send(self._client, "POST", "/login", caller, data=form)
        assert answer.status_code == 303, answer.text[:300]
        caller.token, caller.cookies = token, {**caller.cookies, **dict(answer.cookies)}
        self.callers[role] = browse(self._client, caller)
        return caller

    def close_accounts(self) -> None:
        """Close one account of each type, and add copies of the others' sessions that have expired."""
        _close([self.callers[f"closed {kind}"].id for kind in ("guest", "photographer", "admin")])
        for kind in ("guest", "photographer", "admin"):
            caller = self.callers[kind]
            late = _expired(caller.token)
            cookies = {
                name: _expired(value) if value.count(".") == 2 else value for name, value in caller.cookies.items()
            }
            self.callers[f"expired {kind}"] = browse(
                self._client, Caller(f"expired {kind}", late, caller.id, cookies)
            )

    def _wait(self, look: Callable[[], Any], settled: Callable[[Any], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not settled(found := look()):
            assert time.monotonic() < end, found
            time.sleep(0.02)


def faces_in(event_id: int) -> dict[int, int]:
    """Return the face of each photo of the event, by the photo's id."""
    with reading() as session:
        rows = session.execute(select(Face.photo_id, Face.id).where(Face.event_id == event_id))
        return dict(iter(rows.all()))


def ask_about(user_id: int, event_id: int, face_id: int, selfie_id: int) -> None:
    """Let a face be one that the guest is asked about: the fake engine makes none that is only rather similar."""
    with transaction() as session:
        session.add(
            FaceCandidate(
                user_id=user_id,
                face_id=face_id,
                event_id=event_id,
                selfie_id=selfie_id,
                similarity=0.38,
                accepted=False,
                standing="maybe",
            )
        )


def _close(user_ids: list[int]) -> None:
    with transaction() as session:
        for user_id in user_ids:
            session.get_one(User, user_id).is_active = False


def _expired(token: str) -> str:
    """Return the same token, properly signed, but out of date."""
    key = get_settings().secret_key
    claims = jwt.decode(token, key, algorithms=[ALGORITHM], options={"verify_exp": False})
    return jwt.encode({**claims, "iat": 1_000_000_000, "exp": 1_000_000_100}, key, ALGORITHM)

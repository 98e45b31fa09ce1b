"""Two events with accounts of every kind, in this process, and the way back to that state after any call.

Tests that call every route with every account use it: who may call what, and generated requests. No thread works on
jobs once the world is made, so between two calls nothing changes.
"""

import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jwt
import pyotp
from fastapi.testclient import TestClient
from httpx2 import Response

from accounts.confirmation import link_for
from accounts.service import NewAccount, create_staff
from accounts.tokens import ALGORITHM
from api.sessions import SESSION_COOKIE
from database import forget_engine, reading, transaction
from faces.fake import fake_colour, fake_photo
from models import ADMIN, PHOTOGRAPHER, User
from settings import get_settings
from testkit.in_process import clear_process_state
from testkit.passwords import PASSWORD

HOST = "http://localhost"
CONSENT = "2026-11"
ALL_SEEN = {"guests_see_all_photos": True}
JPEG = "image/jpeg"
CSRF = re.compile(r'name="csrf-token" content="([^"]+)"')
# How people appear to the fake engine: by colour.
GUEST, FELLOW, OTHER, STRANGER = range(4)


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
    # An event of the same guests in which everybody sees all photos, and the code of one nobody has joined.
    open_event: int
    further_code: str
    guest: int
    photographer: int
    photo: int
    filename: str
    refused_photo: int
    failed_photo: int
    pending_photo: int
    # A further session of the guest, and what proves that its bearer is the guest.
    session: str
    refresh_token: str
    reset_token: str
    confirm_token: str
    # The photographer has begun to set up a second factor; the other photographer has one.
    totp_secret: str
    recovery_code: str


# Like the objects of a world, but none of them exists.
NOWHERE = Objects(
    event=909_090,
    event_name="Nowhere",
    code="NOWHERE9",
    open_event=909_091,
    further_code="NOWHERE8",
    guest=909_092,
    photographer=909_093,
    photo=909_094,
    filename="00000000000000000000000000000000.jpg",
    refused_photo=909_095,
    failed_photo=909_096,
    pending_photo=909_097,
    session="nosuchsession000",
    refresh_token="nosuchsession000.secret.signature",
    reset_token="J1qK0c8Xb4d5WnP2sT7vYz3aRfGhLmQe9uIoBxNtCwk",
    confirm_token="909092.4102444800.b0kXq3vR5tYuIoPaSdFgHjKl",
    totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    recovery_code="nosuch-code",
)


def person(number: int, block: int = 160) -> bytes:
    """Return a JPEG of one person, for a selfie or a photo."""
    return fake_photo([fake_colour(number)], block=block)


class World:
    """The application with two events and their people; `restore` undoes whatever calls have changed."""

    def __init__(self, client: TestClient, folder: Path) -> None:
        """`folder` has the SQLite file `test.db` and the storage, both of which the settings name."""
        self.client, self._folder = client, folder
        self._saved = folder / "saved"
        self.callers: dict[str, Caller] = {}
        self._open: dict[str, bool] = {}
        self.objects = self._make()
        self._close_accounts()
        for thread in (client.app.state.inference, client.app.state.mail):  # type: ignore[attr-defined]
            thread.stop(10)
        self.objects = self._with_unprocessed_photos(self.objects)
        self._save()

    def send(self, method: str, path: str, who: Caller, **request: Any) -> Response:
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
        self.client.cookies.clear()
        return self.client.request(method, path, headers=headers, **request)

    def restore(self) -> None:
        """Put database, storage and caches back to where they were when the world was made."""
        clear_process_state()
        with (
            closing(sqlite3.connect(self._saved / "test.db")) as saved_rows,
            closing(sqlite3.connect(self._folder / "test.db")) as rows,
        ):
            rows.execute("PRAGMA synchronous = OFF")
            saved_rows.backup(rows)
        storage, saved = self._folder / "storage", self._saved / "storage"
        # A stored file never changes under its name.
        now, before = _files(storage), _files(saved)
        for name in now - before:
            (storage / name).unlink()
        for name in before - now:
            (storage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(saved / name, storage / name)

    def _save(self) -> None:
        # The last connection that closes writes the log back into the file.
        forget_engine()
        shutil.rmtree(self._saved, ignore_errors=True)
        self._saved.mkdir()
        shutil.copyfile(self._folder / "test.db", self._saved / "test.db")
        shutil.copytree(self._folder / "storage", self._saved / "storage")

    # --- how it is made ---------------------------------------------------------------------------

    def _call(self, method: str, path: str, who: Caller | None = None, **request: Any) -> Any:
        answer = self.send(method, path, who or Caller("nobody"), **request)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def _make(self) -> Objects:
        admin = self._staff("admin", "chief", ADMIN)
        self._staff("closed admin", "formerchief", ADMIN)
        photographers = {
            role: self._staff(role, name, PHOTOGRAPHER)
            for role, name in (
                ("photographer", "ansel"),
                ("other photographer", "dorothea"),
                ("closed photographer", "henri"),
            )
        }
        home = self._event("Mariage de Camille", "CAMILLE7", photographers["photographer"], admin)
        other = self._event("Course du lac", "COURSE77", photographers["other photographer"], admin, **ALL_SEEN)
        party = self._event("Soirée ouverte", "SOIREE77", None, admin, **ALL_SEEN)
        self._event("Vin d'honneur", "HONNEUR7", None, admin)
        guests = {
            "guest": self._guest("guest", "camille", "CAMILLE7", GUEST),
            "fellow guest": self._guest("fellow guest", "felix", "CAMILLE7", FELLOW),
            "other guest": self._guest("other guest", "olga", "COURSE77", OTHER),
            "closed guest": self._guest("closed guest", "claude", "CAMILLE7", STRANGER),
        }
        for each in ("guest", "fellow guest"):
            self._call("POST", "/api/join-event", guests[each], json={"event_code": "SOIREE77"})
        sent = self._upload(home, photographers["photographer"], "camille")
        self._upload(other, photographers["other photographer"], "lake")
        self.callers["anonymous"] = self._browse(Caller("anonymous"))
        self.callers["monitoring"] = self._browse(Caller("monitoring", get_settings().monitoring_token))
        self._wait(lambda: self._call("GET", "/api/my-photos", guests["guest"]), lambda found: len(found) == 2)
        refused = next(each for each in sent if each["original_filename"] == "camille-refused.jpg")
        self._call("POST", f"/api/photos/{refused['id']}/not-me", guests["guest"])
        ids = {each["original_filename"]: each for each in sent}
        return Objects(
            event=home,
            event_name="Mariage de Camille",
            code="CAMILLE7",
            open_event=party,
            further_code="HONNEUR7",
            guest=guests["guest"].id,
            photographer=photographers["photographer"].id,
            photo=ids["camille-dances.jpg"]["id"],
            filename=ids["camille-dances.jpg"]["filename"],
            refused_photo=refused["id"],
            failed_photo=0,
            pending_photo=0,
            **self._proofs(guests["guest"], admin),
            **self._second_factors(photographers["photographer"], photographers["other photographer"]),
        )

    def _second_factors(self, beginner: Caller, owner: Caller) -> dict[str, str]:
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
        self._browse(owner)
        return {"totp_secret": secrets[0], "recovery_code": codes[0]}

    def _proofs(self, guest: Caller, admin: Caller) -> dict[str, str]:
        """Return the id and the refresh token of a further session, and the tokens of links mailed to the guest."""
        body = {"username": "camille", "password": PASSWORD, "refresh": True}
        refresh_token = self._call("POST", "/api/login", json=body)["refresh_token"]
        listed = self._call("GET", "/api/me/sessions", guest)
        link = self._call("POST", f"/api/admin/users/{guest.id}/reset-link", admin)["url"]
        with reading() as session:
            confirmation = link_for(session.get_one(User, guest.id))
        return {
            "session": next(each["id"] for each in listed if not each["current"]),
            "refresh_token": refresh_token,
            "reset_token": link.partition("#")[2],
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
        selfie = {"file": ("me.jpg", person(number), JPEG)}
        self._call("POST", "/api/upload-selfie", caller, files=selfie)
        self._wait(
            lambda: self._call("GET", "/api/rematch-status", caller)["status"],
            lambda status: status not in ("queued", "running"),
        )
        return caller

    def _event(self, name: str, code: str, photographer: Caller | None, admin: Caller, **more: Any) -> int:
        asked = {"name": name, "event_code": code, "photographer_ids": [photographer.id] if photographer else []}
        return int(self._call("POST", "/api/admin/create-event", admin, json={**asked, **more})["event_id"])

    def _upload(self, event: int, photographer: Caller, name: str) -> list[dict[str, Any]]:
        """Send the photos of an event: two of the first guest, one of another person."""
        shown = {
            f"{name}-dances.jpg": person(GUEST, 200),
            f"{name}-refused.jpg": person(GUEST, 240),
            f"{name}-other.jpg": person(OTHER, 220),
        }
        files = [("files", (file, data, JPEG)) for file, data in shown.items()]
        path = f"/api/photographer/events/{event}/upload-photos"
        sent: list[dict[str, Any]] = self._call("POST", path, photographer, files=files)["uploaded_photos"]
        photos = f"/api/photographer/events/{event}/photos"
        self._wait(
            lambda: [each["processing_status"] for each in self._call("GET", photos, photographer)],
            lambda states: set(states) <= {"done", "failed"},
        )
        return sent

    def _with_unprocessed_photos(self, made: Objects) -> Objects:
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
        caller = self._browse(Caller(role, "", user_id))
        form = {"username": name, "password": PASSWORD}
        answer = self.send("POST", "/login", caller, data=form)
        assert answer.status_code == 303, answer.text[:300]
        caller.token, caller.cookies = token, {**caller.cookies, **dict(answer.cookies)}
        self.callers[role] = self._browse(caller)
        return caller

    def _browse(self, caller: Caller) -> Caller:
        """Open a page that anyone can see, and keep its cookies and its CSRF token."""
        answer = self.send("GET", "/offline", caller)
        found = CSRF.search(answer.text)
        assert found, answer.text[:300]
        caller.cookies = {**caller.cookies, **dict(answer.cookies)}
        caller.csrf = found[1]
        return caller

    def _close_accounts(self) -> None:
        """Close one account of each type, and add copies of the others' sessions that have expired."""
        _close([self.callers[f"closed {kind}"].id for kind in ("guest", "photographer", "admin")])
        for kind in ("guest", "photographer", "admin"):
            caller = self.callers[kind]
            late = _expired(caller.token)
            cookies = {
                name: _expired(value) if value.count(".") == 2 else value for name, value in caller.cookies.items()
            }
            self.callers[f"expired {kind}"] = self._browse(Caller(f"expired {kind}", late, caller.id, cookies))

    def _wait(self, look: Callable[[], Any], settled: Callable[[Any], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not settled(found := look()):
            assert time.monotonic() < end, found
            time.sleep(0.02)


def _close(user_ids: list[int]) -> None:
    with transaction() as session:
        for user_id in user_ids:
            session.get_one(User, user_id).is_active = False


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def _expired(token: str) -> str:
    """Return the same token, properly signed, but out of date."""
    key = get_settings().secret_key
    claims = jwt.decode(token, key, algorithms=[ALGORITHM], options={"verify_exp": False})
    return jwt.encode({**claims, "iat": 1_000_000_000, "exp": 1_000_000_100}, key, ALGORITHM)

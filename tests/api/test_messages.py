"""What a person reads when a call succeeds or a field is wrong, in French and in English."""

import re
import time
from dataclasses import replace
from typing import Any, cast

import pyotp
import pytest
from fastapi import FastAPI

import errors
from api.messages import INVALID_FIELDS, Success
from testkit.builders import EventInfo, Person, Service, people
from testkit.callers import DEVICE
from testkit.passwords import OTHER_PASSWORD, PASSWORD

FRENCH = {
    Success.PHOTOGRAPHER_CREATED: "Photographe créé avec succès",
    Success.PHOTOGRAPHER_CHANGED: "Photographe modifié avec succès",
    Success.ADMIN_CREATED: "Administrateur créé avec succès",
    Success.GUEST_DELETED: "Invité supprimé",
    Success.PHOTOGRAPHER_DELETED: "Photographe supprimé",
    Success.LOGGED_OUT: "Vous êtes déconnecté",
    Success.SESSION_ENDED: "Session terminée",
    Success.SESSIONS_ENDED: "Sessions terminées",
    Success.PASSWORD_CHANGED: "Mot de passe modifié",
    Success.RESET_WITHOUT_MAIL: Success.RESET_WITHOUT_MAIL.text("fr"),
    Success.PASSWORD_SET: "Mot de passe enregistré. Connectez-vous.",
    Success.SECOND_FACTOR_OFF: "Double authentification désactivée",
    Success.CONSENT_GIVEN: "Consentement enregistré",
    Success.CONSENT_WITHDRAWN: "Consentement retiré",
    Success.ACCOUNT_DELETED: "Compte supprimé",
    Success.EVENT_CREATED: "Événement créé avec succès",
    Success.EVENT_CHANGED: "Événement modifié avec succès",
    Success.EXPIRY_CHANGED: "Date d'expiration modifiée",
    Success.EVENT_DELETED: "Événement supprimé",
    Success.EVENT_JOINED: "Inscription réussie",
    Success.CODE_GENERATED: "Code généré",
    Success.CODE_CHANGED: "Code mis à jour",
    Success.COVER_CHOSEN: "Photo de couverture choisie",
    Success.COVER_REMOVED: "Photo de couverture retirée",
    Success.MATCHING_QUEUED: "Le matching a été relancé",
    Success.SELFIE_RECEIVED: "Selfie uploadé avec succès. Le matching est en cours...",
    Success.SELFIE_DELETED: "Selfie supprimé",
    Success.PHOTOS_RECEIVED: "2 photo(s) uploadée(s) avec succès",
    Success.PHOTO_DELETED: "Photo supprimée",
    Success.PHOTOS_DELETED: "2 photo(s) supprimée(s)",
    Success.PHOTO_RESTORED: "Photo restaurée",
    Success.PHOTO_ERASED: "Photo effacée définitivement",
    Success.REPORT_DECIDED: "Signalement traité",
    Success.PHOTO_REFUSED: "Cette photo ne vous sera plus attribuée",
    Success.PHOTO_COMPARED: "La photo a de nouveau été comparée à votre selfie",
    Success.PHOTO_CONFIRMED: "C'est noté : vous êtes sur cette photo",
    Success.CONFIRMATION_TAKEN_BACK: "Votre indication est retirée",
    Success.PORTRAIT_DELETED: "Portrait supprimé",
    Success.GROUP_LEFT: "Vous avez quitté le groupe",
    Success.PHOTO_LINK_REVOKED: "Lien désactivé",
    Success.NOT_TOLD_ANY_MORE: "Nous ne vous préviendrons plus ici",
    Success.DEVICE_RENEWED: "Appareil mis à jour",
    Success.WELCOME: "API de Reperio : /docs la décrit",
    Success.JOB_CANCELLED: "Tâche annulée",
    Success.PHOTO_GIVEN: "La photo est donnée à cet invité",
    Success.PHOTO_TAKEN: "La photo n'est plus à cet invité",
    Success.SERIES_SET: "C'est corrigé",
    Success.CHILD_ERASED: "Profil de l'enfant effacé",
}
# These need mails: tests/api/accounts/test_resets.py.
WITH_MAIL = (Success.RESET_ASKED, Success.ADDRESS_CONFIRMED)
ENGLISH = {each: each.text("en", number=2) for each in Success if each not in WITH_MAIL}


class Speaker:
    """Calls the service in one language and keeps the messages."""

    def __init__(self, service: Service, language: str) -> None:
        self.service, self._language = service, language
        self.heard: dict[Success, str] = {}

    def call(self, wanted: Success, method: str, path: str, who: Person, **body: Any) -> Any:
        """Send a call that succeeds; keep its message; return the answer."""
        headers = {**who.headers, "Accept-Language": self._language}
        answer = self.service.client.request(method, path, headers=headers, **body)
        assert answer.status_code == 200, answer.text
        self.heard[wanted] = answer.json()["message"]
        return answer.json()


def manage(speaker: Speaker) -> None:
    """Everything an admin is told."""
    admin, name = speaker.service.admin, f"staff{id(speaker)}"
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    made = speaker.call(Success.PHOTOGRAPHER_CREATED, "POST", "/api/admin/photographers", admin, json=body)
    event = speaker.call(Success.EVENT_CREATED, "POST", "/api/admin/create-event", admin, json={"name": "Wedding"})
    number = {"event_id": event["event_id"]}
    speaker.call(Success.CODE_GENERATED, "POST", "/api/admin/generate-event-code", admin, json=number)
    code = {**number, "event_code": f"CODE{id(speaker)}"}
    speaker.call(Success.CODE_CHANGED, "POST", "/api/admin/set-event-code", admin, json=code)
    path = f"/api/admin/events/{event['event_id']}"
    speaker.call(Success.EVENT_CHANGED, "PUT", path, admin, json={"name": "Gala"})
    speaker.call(Success.EXPIRY_CHANGED, "POST", "/api/admin/reset-expiration", admin, json={**number, "days": 3})
    guest = speaker.service.guest(speaker.service.event())
    speaker.call(Success.GUEST_DELETED, "DELETE", f"/api/admin/users/{guest.id}", admin)
    other = {"username": f"chief{name}", "email": f"chief{name}@example.org", "password": PASSWORD}
    speaker.call(Success.ADMIN_CREATED, "POST", "/api/admin/create-admin", admin, json=other)
    speaker.call(Success.WELCOME, "GET", "/api", admin)
    speaker.call(Success.EVENT_DELETED, "DELETE", f"/api/admin/events/{event['event_id']}", admin)
    gone = f"/api/admin/photographers/{made['photographer_id']}"
    speaker.call(Success.PHOTOGRAPHER_CHANGED, "PUT", gone, admin, json={"is_active": True})
    speaker.call(Success.PHOTOGRAPHER_DELETED, "DELETE", gone, admin)


def come_back(speaker: Speaker) -> None:
    """What is told to a guest who forgot the password, and to staff without their phone."""
    service, nobody = speaker.service, Person(0, "", "")
    event = service.event()
    guest, lens = service.guest(event), event.photographer
    asked = {"email": "amy@example.org"}
    speaker.call(Success.RESET_WITHOUT_MAIL, "POST", "/api/password-reset", nobody, json=asked)
    link = service.post(f"/api/admin/users/{guest.id}/reset-link", service.admin).json()["url"]
    new = {"token": link, "password": OTHER_PASSWORD}
    speaker.call(Success.PASSWORD_SET, "POST", "/api/password-reset/confirm", nobody, json=new)
    secret = service.post("/api/me/second-factor", lens, json={"password": PASSWORD}).json()["secret"]
    first = {"otp": pyotp.TOTP(secret).at(int(time.time()) - 30)}
    assert service.post("/api/me/second-factor/confirm", lens, json=first).status_code == 200
    proof = {"password": PASSWORD, "otp": pyotp.TOTP(secret).now()}
    speaker.call(Success.SECOND_FACTOR_OFF, "DELETE", "/api/me/second-factor", lens, json=proof)


def photograph(speaker: Speaker, event: EventInfo) -> list[int]:
    """Everything a photographer is told, but for the deleting; return the photos' ids."""
    path, who = f"/api/photographer/events/{event.id}", event.photographer
    files = [("files", (f"{number}.jpg", people(1, number), "image/jpeg")) for number in (2, 3)]
    sent = speaker.call(Success.PHOTOS_RECEIVED, "POST", f"{path}/upload-photos", who, files=files)
    speaker.service.process_photos(event)
    ids = [photo["id"] for photo in sent["uploaded_photos"]]
    speaker.call(Success.COVER_CHOSEN, "PUT", f"{path}/cover", who, json={"photo_id": ids[0]})
    speaker.call(Success.COVER_REMOVED, "DELETE", f"{path}/cover", who)
    speaker.call(Success.MATCHING_QUEUED, "POST", f"{path}/rematch", who)
    return ids


def attend(speaker: Speaker, event: EventInfo, photo_id: int) -> None:
    """Everything a guest is told."""
    service, guest = speaker.service, speaker.service.guest(speaker.service.event())
    speaker.call(Success.EVENT_JOINED, "POST", "/api/join-event", guest, json={"event_code": event.code})
    consent = {"event_id": event.id, "version": "2026-11"}
    speaker.call(Success.CONSENT_GIVEN, "POST", "/api/consent", guest, json=consent)
    files = {"file": ("selfie.jpg", people(1), "image/jpeg")}
    speaker.call(Success.SELFIE_RECEIVED, "POST", "/api/upload-selfie", guest, files=files)
    service.settle(guest)
    report = service.post(f"/api/photos/{photo_id}/report", guest, json={"reason": "private"}).json()["id"]
    decided = f"/api/photographer/events/{event.id}/reports/{report}"
    speaker.call(Success.REPORT_DECIDED, "PUT", decided, event.photographer, json={"decision": "keep"})
    speaker.call(Success.PHOTO_REFUSED, "POST", f"/api/photos/{photo_id}/not-me", guest)
    speaker.call(Success.PHOTO_COMPARED, "DELETE", f"/api/photos/{photo_id}/not-me", guest)
    told = next(box for box in service.get(f"/api/photo/{photo_id}/faces", guest).json()["boxes"] if box["matched"])
    said = {"face_id": told["face_id"]}
    speaker.call(Success.PHOTO_CONFIRMED, "POST", f"/api/photos/{photo_id}/me", guest, json=said)
    speaker.call(Success.CONFIRMATION_TAKEN_BACK, "DELETE", f"/api/photos/{photo_id}/me", guest)
    group = service.post("/api/together", guest).json()["id"]
    speaker.call(Success.GROUP_LEFT, "DELETE", f"/api/together/{group}", guest)
    path, chosen = f"/api/user/events/{event.id}/photo-links", {"photo_ids": [photo_id]}
    link = service.post(path, guest, json=chosen).json()["id"]
    speaker.call(Success.PHOTO_LINK_REVOKED, "DELETE", f"/api/photo-links/{link}", guest)
    first, second = ({**DEVICE, "endpoint": f"{DEVICE['endpoint']}{id(speaker)}{turn}"} for turn in (1, 2))
    device = f"/api/user/events/{event.id}/notifications/device"
    (told,) = service.put(device, guest, json=first).json()["push"]["devices"]
    renewed = {**second, "old_endpoint": first["endpoint"]}
    speaker.call(Success.DEVICE_RENEWED, "POST", "/api/push-renewal", Person(0, "", ""), json=renewed)
    speaker.call(Success.NOT_TOLD_ANY_MORE, "DELETE", f"/api/notifications/{told['id']}", guest)
    give(speaker, event, guest, photo_id)
    child = {"name": "Mila", "event_id": event.id, "version": "guardian-2026-11"}
    made = service.post("/api/me/children", guest, json=child).json()["id"]
    speaker.call(Success.CHILD_ERASED, "DELETE", f"/api/me/children/{made}", guest)
    assert service.send_selfie(guest, people(2), keep="true").status_code == 200
    service.settle(guest)
    portrait = service.get("/api/me/selfies", guest).json()[0]["id"]
    speaker.call(Success.PORTRAIT_DELETED, "DELETE", f"/api/me/selfies/{portrait}", guest)
    speaker.call(Success.CONSENT_WITHDRAWN, "DELETE", f"/api/my-consents/{event.id}", guest)
    speaker.call(Success.SELFIE_DELETED, "DELETE", "/api/my-selfie", guest)
    new = {"current": PASSWORD, "new": OTHER_PASSWORD}
    speaker.call(Success.PASSWORD_CHANGED, "POST", "/api/me/password", guest, json=new)
    speaker.call(Success.SESSIONS_ENDED, "DELETE", "/api/me/sessions", guest)
    number = service.get("/api/me/sessions", guest).json()[0]["id"]
    speaker.call(Success.SESSION_ENDED, "DELETE", f"/api/me/sessions/{number}", guest)
    guest = replace(guest, token=service.log_in(guest.name, OTHER_PASSWORD))
    speaker.call(Success.LOGGED_OUT, "POST", "/api/logout", guest)
    guest = replace(guest, token=service.log_in(guest.name, OTHER_PASSWORD))
    speaker.call(Success.ACCOUNT_DELETED, "DELETE", "/api/me", guest, json={"password": OTHER_PASSWORD})


def give(speaker: Speaker, event: EventInfo, guest: Person, photo_id: int) -> None:
    """What a photographer is told who gives a photo by a badge."""
    who, path = event.photographer, f"/api/photos/{photo_id}"
    service = speaker.service
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"badges": True})
    badge = service.get("/api/my-badge", guest, params={"event_id": event.id}).json()["number"]
    speaker.call(Success.PHOTO_GIVEN, "POST", f"{path}/guests", who, json={"badge": badge})
    speaker.call(Success.PHOTO_TAKEN, "DELETE", f"{path}/guests/{badge}", who)
    speaker.call(Success.SERIES_SET, "PUT", f"{path}/badges", who, json={"badges": [badge]})
    service.delete(f"{path}/badges", who)


def clear_away(speaker: Speaker, event: EventInfo, ids: list[int]) -> None:
    """Delete the photos, one and then two; before, cancel the work on one: nothing works on jobs any more."""
    (further,) = speaker.service.upload(event, people(9))["uploaded_photos"]
    job = {"kind": "photos", "id": further["id"]}
    speaker.call(Success.JOB_CANCELLED, "POST", "/api/admin/jobs/cancel", speaker.service.admin, json=job)
    speaker.call(Success.PHOTO_DELETED, "DELETE", f"/api/photos/{further['id']}", event.photographer)
    path = f"/api/trash/{further['id']}"
    speaker.call(Success.PHOTO_RESTORED, "POST", f"{path}/restore", event.photographer)
    speaker.service.delete(f"/api/photos/{further['id']}", event.photographer)
    speaker.call(Success.PHOTO_ERASED, "DELETE", path, event.photographer)
    both = ",".join(map(str, ids))
    speaker.call(Success.PHOTOS_DELETED, "DELETE", f"/api/photos?photo_ids={both}", event.photographer)


def test_every_success_is_told_in_the_callers_language(service: Service) -> None:
    stories = []
    for language in ("fr", "en"):
        speaker, event = Speaker(service, language), service.event()
        manage(speaker)
        come_back(speaker)
        ids = photograph(speaker, event)
        attend(speaker, event, ids[0])
        stories.append((speaker, event, ids))
    cast(FastAPI, service.client.app).state.inference.stop(20.0)
    for story in stories:
        clear_away(*story)
    french, english = (speaker.heard for speaker, _, _ in stories)
    assert (french, english) == (FRENCH, ENGLISH)


def test_every_success_has_two_languages() -> None:
    for each in Success:
        french, english = each.value
        assert french != english, each
        assert re.findall(r"{\w+}", french) == re.findall(r"{\w+}", english)


def test_every_error_has_two_languages() -> None:
    for kind in errors.catalogue().values():
        french, english = kind().body("fr"), kind().body("en")
        assert french["detail"] != english["detail"], kind
        assert french["error"] == english["error"] == kind.__name__


@pytest.mark.parametrize("field", INVALID_FIELDS)
def test_every_field_has_two_languages(field: str) -> None:
    french, english = INVALID_FIELDS[field]
    assert french != english
    assert re.findall(r"\d+", french) == re.findall(r"\d+", english)

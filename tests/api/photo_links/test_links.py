"""Links to photos: made by guests, opened without an account, and everything that may be wrong with them."""

import io
import logging
import re
import zipfile
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from database import transaction
from models import PhotoLink, utcnow
from testkit.builders import Service
from testkit.forms import form_token
from testkit.pictures import refused
from tests.guests.test_photo_links import Party, token_of

PATH = "/api/user/events/{}/photo-links"


@pytest.fixture(scope="module")
def party(service: Service) -> Party:
    return Party(service)


def ask(party: Party, photo_ids: Any, **fields: Any) -> Any:
    return party.service.post(PATH.format(party.event.id), party.guest, json={"photo_ids": photo_ids, **fields})


def test_a_link_says_until_when_and_how_often_it_was_opened(service: Service, party: Party) -> None:
    link = party.link()
    today = datetime.now(ZoneInfo("Europe/Paris")).date()
    ends = datetime.fromisoformat(link["expires_at"]).astimezone(ZoneInfo("Europe/Paris"))
    assert (ends.hour, ends.minute, ends.date()) == (0, 0, today + timedelta(days=8)), "the end of the seventh day"
    assert (link["open"], link["opened"], link["shows_name"], link["event_name"]) == (True, 0, False, "Gala")
    for agent in (
        "Mozilla/5.0 (iPhone)",
        "Mozilla/5.0 (iPhone)",
        "WhatsApp/2.23",
        "facebookexternalhit/1.1",
        "TelegramBot",
    ):
        opened = service.get(f"/shared/{token_of(link)}", headers={"Accept": "text/html", "User-Agent": agent})
        assert opened.status_code == 200
    service.client.head(f"/shared/{token_of(link)}")
    mine = service.get("/api/photo-links", party.guest).json()
    assert {**link, "opened": 2} == {**mine[0], "left_out": 0}, "previews of messengers are not counted"
    assert party.service.get("/api/photo-links", party.joined(2)).json() == []


def test_a_link_ends_with_its_event(service: Service) -> None:
    soon = (utcnow() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    party = Party(service, expires_at=soon)
    assert party.link(days=90)["expires_at"] == soon
    party.change_event(expires_at=(utcnow() - timedelta(days=1)).isoformat())
    refused(ask(party, [party.one]), 409, "SharingOver")


def test_the_name_is_told_only_if_its_owner_wants_it(service: Service, party: Party) -> None:
    told = [service.get(f"/api/shared/{token_of(party.link(shows_name=yes))}").json()["by"] for yes in (False, True)]
    assert told == [None, party.guest.name]


def test_the_pictures_carry_nothing_of_the_camera_and_are_asked_for_again(service: Service, party: Party) -> None:
    link = party.link()
    shown = service.get(f"/api/shared/{token_of(link)}")
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["x-robots-tag"].startswith("noindex")
    assert shown.headers["cache-control"] == "private, no-store"
    photo = shown.json()["photos"][0]
    for url, kind in (
        (photo["url"], "inline"),
        (photo["thumbnail_url"], "inline"),
        (photo["download_url"], "attachment"),
    ):
        answer = service.get(url)
        assert answer.status_code == 200
        assert not Image.open(io.BytesIO(answer.content)).getexif()
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["content-disposition"].startswith(kind)
        again = service.get(url, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
    assert service.get(f"{photo['url']}".replace("size=web", "size=original")).status_code == 422


def test_the_zip_of_a_link_resumes(service: Service, party: Party) -> None:
    path = f"/api/shared/{token_of(party.link())}/photos.zip"
    whole = service.get(path)
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["one.jpg", "two.jpg"]
    rest = service.get(path, headers={"Range": "bytes=700-", "If-Range": whole.headers["etag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[700:])


def test_what_cannot_be_asked_for(service: Service, party: Party) -> None:
    refused(ask(party, list(range(1, 202))), 400, "TooManyLinkedPhotos")
    for number in ([], list(range(1, 10_002))):
        refused(ask(party, number), 422, "InvalidRequest", "Choisissez au moins une photo, et 10000 au plus.")
    for odd in (["x"], [0], [-1], [2**63], "1", None):
        refused(ask(party, odd), 422, "InvalidRequest")
    for days in (0, 91, "week"):
        message = "Le nombre de jours n'est pas valide (1 à 90)."
        refused(ask(party, [party.one], days=days), 422, "InvalidRequest", message)
    hidden = ask(party, [party.other])
    refused(hidden, 404, "NoneOfThesePhotos", "Aucune de ces photos n'est dans votre galerie.")
    elsewhere = Party(service)
    for unknown in ([elsewhere.one], [999_999_999]):
        assert ask(party, unknown).json() == hidden.json(), "nothing tells which photos there are"
    refused(service.post(PATH.format(elsewhere.event.id), party.guest, json={"photo_ids": [1]}), 403, "NotInEvent")
    elsewhere.change_event(guests_may_share=False)
    refused(ask(elsewhere, [elsewhere.one]), 403, "SharingOff")
    refused(service.delete(f"/api/photo-links/{party.link()['id']}", elsewhere.guest), 404, "NoSuchPhotoLink")


def test_a_guest_has_at_most_fifty_links_in_an_event(service: Service, party: Party) -> None:
    second = party.joined(2)
    with transaction() as session:
        for number in range(50):
            session.add(
                PhotoLink(
                    user_id=second.id,
                    event_id=party.event.id,
                    link_key=f"{number:024x}",
                    shows_name=False,
                    expires_at=utcnow(),
                )
            )
    answer = service.post(PATH.format(party.event.id), second, json={"photo_ids": [party.two]})
    refused(answer, 409, "TooManyPhotoLinks")


def test_only_links_that_were_made_open_and_guessing_is_slowed(service: Service, party: Party) -> None:
    token = token_of(party.link())
    signed, _, key = token.partition(".")
    made_up = [
        "x",
        key,
        f".{key}",
        f"{signed}.",
        f"{signed[:-1]}A.{key}" if signed[-1] != "A" else f"{signed[:-1]}B.{key}",
        f"{signed}.{key[:-1]}{'0' if key[-1] != '0' else '1'}",
        f"{signed}.{'٣' * 24}",
        "9" * 199,
        "%00",
    ]
    for wrong in made_up:
        answer = service.get(f"/api/shared/{wrong}")
        assert answer.status_code == 404, wrong
    for pasted in (f"{token}.", f"{token}%20", f"{token})", f"{token}%C2%BB"):
        assert service.get(f"/api/shared/{pasted}").status_code == 200, "what a messenger takes along"
    refused(service.get(f"/api/shared/{'9' * 201}"), 422, "InvalidRequest")
    statuses = [service.get(f"/api/shared/{signed}.{number:024x}").status_code for number in range(60)]
    assert statuses[-1] == 429
    assert service.get(f"/api/shared/{token}").status_code == 200, "a right link is never refused"
    with transaction() as session:
        session.query(PhotoLink).filter_by(link_key=key).delete()
    revoked = service.get(f"/api/shared/{token}")
    refused(revoked, 404, "NoSuchPhotoLink")


def test_no_log_has_the_link(service: Service, party: Party, caplog: pytest.LogCaptureFixture) -> None:
    token = token_of(party.link())
    paths = [
        f"/shared/{token}",
        f"/shared/{token}/",
        f"/shared/{token}/x",
        f"/api/shared/{token}",
        f"/SHARED/{token}",
    ]
    paths += [
        f"/api/shared/{token}/photos/{party.one}",
        f"/shared/{token}/photos.zip",
        f"/api/shared/{token}/nothing",
    ]
    with caplog.at_level(logging.INFO, logger="reperio"):
        for path in paths:
            service.get(path)
            service.post(path)
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("reperio")]
    assert len(lines) >= 2 * len(paths)
    assert not [line for line in lines if token[:10] in line or token[-10:] in line]


# --- the page ------------------------------------------------------------------------------------------


def page_of(service: Service, path: str, language: str = "fr") -> Any:
    service.client.cookies.clear()
    return service.get(path, headers={"Accept": "text/html", "Accept-Language": language})


def test_the_page_shows_the_photos_to_anyone_without_scripts(service: Service, party: Party) -> None:
    token = token_of(party.link(shows_name=True))
    for language, words in (("fr", "choisies pour vous par"), ("en", "picked for you by")):
        page = page_of(service, f"/shared/{token}", language)
        assert page.status_code == 200
        assert f"{words} {party.guest.name}" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert '<meta name="robots" content="noindex, nofollow">' in page.text
    assert "og:image" not in page.text
    pictures = re.findall(r'<img src="([^"]+/api[^"]+|/api[^"]+)"', page.text)
    saved = re.findall(r'href="(/shared/[^"]+download=true)"', page.text)
    assert [service.get(path).headers["content-type"] for path in (*pictures, *saved)] == ["image/jpeg"] * 4
    archive = re.search(r'href="(/shared/[^"]+\.zip)"', page.text)
    assert archive
    assert service.get(archive[1]).headers["content-type"] == "application/zip"
    one = page_of(service, f"/shared/{token_of(party.link(party.one))}")
    assert "photos.zip" not in one.text, "one photo needs no archive"
    assert party.guest.name not in one.text


def test_a_link_that_does_not_open_says_what_to_do(service: Service, party: Party) -> None:
    link = party.link()
    token = token_of(link)
    with transaction() as session:
        session.get_one(PhotoLink, link["id"]).expires_at = utcnow()
    over = page_of(service, f"/shared/{token}")
    assert (over.status_code, "Ce lien a expiré" in over.text) == (410, True)
    service.delete(f"/api/photo-links/{link['id']}", party.guest)
    revoked, unknown = (page_of(service, path) for path in (f"/shared/{token}", f"/shared/{'A' * 24}.{'0' * 24}"))
    for page in (revoked, unknown, page_of(service, f"/shared/{token}/photos.zip")):
        assert page.status_code in (404, 429)
    assert (revoked.status_code, "Ce lien n’ouvre plus rien" in revoked.text) == (404, True)
    assert "Demandez-en un autre" in revoked.text


def test_the_guest_lists_and_revokes_links_by_forms(service: Service, party: Party) -> None:
    guest = party.joined(2)
    link = party.link(party.two, who=guest)

    def show() -> Any:
        return service.get("/links", headers={"Accept": "text/html", **guest.headers})

    page = show()
    assert link["link"] in page.text
    assert "Pas encore ouvert." in page.text
    csrf = form_token(page.text)
    for _ in range(2):
        sent = service.post(
            f"/links/{link['id']}/revoke",
            data={"csrf_token": csrf},
            headers={"Accept": "text/html", **guest.headers},
            follow_redirects=False,
        )
        assert (sent.status_code, sent.headers["location"]) == (303, "/links")
    assert party.seen(link) == (404, "NoSuchPhotoLink")
    page = show()
    assert "Le lien est désactivé." in page.text
    assert "Vous n’avez pas encore de lien." in page.text

"""The page with a guest's badge, and the ways to it: without a browser."""

import re
from typing import Any

import pytest

from api.sessions import SESSION_COOKIE
from testkit.badge_pictures import jpeg_of_badges
from testkit.builders import EventInfo, Person, Service, people
from testkit.forms import form_token
from testkit.passwords import PASSWORD

HTML = {"Accept": "text/html", "Accept-Language": "en"}


class Visit:
    """A browser at an event."""

    def __init__(self, service: Service, **settings: Any) -> None:
        self.service, self.client = service, service.client
        self.event: EventInfo = service.event(expires_at="2099-01-01T00:00:00Z", **settings)

    def as_(self, who: Person | None) -> None:
        self.client.cookies.clear()
        if who is not None:
            self.client.cookies.set(SESSION_COOKIE, who.token)

    def open(self, path: str) -> Any:
        answer = self.client.get(path, headers=HTML)
        assert answer.status_code == 200, answer.text
        return answer

    @property
    def badge(self) -> str:
        return f"/badge?event_code={self.event.code}"


@pytest.fixture(scope="module")
def visit(service: Service) -> Visit:
    return Visit(service, badges=True)


def test_who_says_no_to_faces_sees_the_badge_at_once_and_finds_it_again(visit: Visit) -> None:
    visit.as_(None)
    page = visit.open(f"/join?event_code={visit.event.code}").text
    body = {"csrf_token": form_token(page), "event_code": visit.event.code}
    shown = visit.client.post("/join/start", headers=HTML, data=body)
    assert str(shown.url).endswith(visit.badge)
    number = re.search(r'class="badge-number">\s*([0-9A-Z]{4}-[0-9A-Z]{4})', shown.text)
    assert number
    assert "<svg" in shown.text
    gallery = visit.open("/photos").text
    assert visit.badge in gallery
    assert "without any face recognition" in gallery
    assert visit.badge in visit.open("/account").text
    assert number[1] in visit.open("/badge").text, "without a code, of the guest's event"
    visit.client.cookies.clear()


def test_where_there_are_no_badges_no_page_leads_to_one(service: Service) -> None:
    visit = Visit(service)
    visit.as_(service.guest(visit.event))
    assert str(visit.open(visit.badge).url).endswith(f"/photos?event={visit.event.id}")
    for path in ("/photos", "/account"):
        assert "/badge?" not in visit.open(path).text
    other = service.event()
    assert "/join?event_code=" in str(visit.open(f"/badge?event_code={other.code}").url)
    assert "/join?event_code=" in str(visit.open("/badge?event_code=%00%22%3E").url)
    visit.client.cookies.clear()


def test_the_privacy_page_tells_of_the_badge(visit: Visit) -> None:
    visit.as_(None)
    assert "a badge on your phone" in visit.open(f"/privacy?event_code={visit.event.code}").text
    assert "a badge on your phone" not in visit.open("/privacy").text


def test_the_studio_marks_a_picture_of_a_badge(service: Service) -> None:
    visit = Visit(service, badges=True)
    guest = service.guest(visit.event)
    code = service.get("/api/my-badge", guest, params={"event_id": visit.event.id}).json()["code"]
    service.upload(visit.event, jpeg_of_badges(code))
    service.process_photos(visit.event)
    visit.as_(visit.event.photographer)
    for path in (f"/studio/{visit.event.id}", f"/studio/{visit.event.id}/photos"):
        assert "Shows a badge: only the guests of the badge see it" in visit.open(path).text
    visit.client.cookies.clear()


def test_the_audit_log_tells_of_an_erased_account_in_both_languages(service: Service) -> None:
    visit = Visit(service)
    guest = service.guest(visit.event)
    body = {"password": PASSWORD, "photos": "hide"}
    assert service.client.request("DELETE", "/api/me", headers=guest.headers, json=body).status_code == 200
    visit.as_(service.admin)
    assert "photos hidden" in visit.open("/admin/audit").text
    french = visit.client.get("/admin/audit", headers={**HTML, "Accept-Language": "fr"})
    assert french.status_code == 200
    assert "photos cachées" in french.text
    visit.client.cookies.clear()


def test_staff_give_and_take_photos_and_correct_a_series_without_scripts(visit: Visit) -> None:
    service, lens = visit.service, visit.event.photographer
    guest = service.guest(visit.event)
    number = service.get("/api/my-badge", guest, params={"event_id": visit.event.id}).json()["number"]
    first, second = (each["id"] for each in service.upload(visit.event, people(1), people(2))["uploaded_photos"])
    service.process_photos(visit.event)

    def send(path: str, chosen: str, **typed: str) -> str:
        token = form_token(visit.open(f"{path}?photos={chosen}").text)
        body = {"csrf_token": token, "chosen": chosen, **typed}
        answer = visit.client.post(path, headers=HTML, data=body)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def mine() -> list[int]:
        return sorted(each["id"] for each in service.my_photos(guest))

    for who, home in ((lens, "/studio"), (service.admin, "/admin/events")):
        visit.as_(who)
        path = f"{home}/{visit.event.id}/badges"
        assert "No badge of this event" in send(path, str(first), act="given", badge=guest.name)
        page = send(path, f"{first},{second}", act="given", badge=f" {number.lower()} ")
        assert "Given." in page
        assert guest.name not in page
        assert mine() == [first, second]
        assert "Taken away" in send(path, str(second), act="taken", badge=number)
        assert mine() == [first]
        assert "corrected from this photo" in send(path, str(first), act="series", badge=number)
        assert f"as staff said: {number}" in visit.open(f"{path}?photos={first}").text
        assert "ends before this photo" in send(path, str(first), act="ended")
        assert "undone" in send(path, str(first), act="unset")
        assert "must be a single one" in send(path, f"{first},{second}", act="ended")
        assert "Taken away" in send(path, str(first), act="taken", badge=number)
    # As the form of the admins' list of photos asks.
    picked = visit.open(f"/admin/events/{visit.event.id}/badges?photo={first}&photo={second}").text
    assert "Give these 2 photos" in picked
    visit.as_(lens)
    assert f"/studio/{visit.event.id}/badges" in visit.open(f"/studio/{visit.event.id}").text
    visit.client.cookies.clear()


def test_where_badges_are_switched_off_staff_only_take_photos_away(service: Service) -> None:
    visit = Visit(service, badges=True)
    guest = service.guest(visit.event)
    number = service.get("/api/my-badge", guest, params={"event_id": visit.event.id}).json()["number"]
    (photo,) = (each["id"] for each in service.upload(visit.event, people(1))["uploaded_photos"])
    given = service.post(f"/api/photos/{photo}/guests", visit.event.photographer, json={"badge": number})
    assert given.status_code == 200
    service.put(f"/api/admin/events/{visit.event.id}", service.admin, json={"badges": False})
    visit.as_(visit.event.photographer)
    path = f"/studio/{visit.event.id}/badges"
    page = visit.open(f"{path}?photos={photo}").text
    assert "what was given stays" in page
    assert "Give this photo" not in page
    body = {"csrf_token": form_token(page), "chosen": str(photo), "badge": number}
    for act, told in (("given", "what was given stays"), ("ended", "what was given stays"), ("taken", "Taken away")):
        answer = visit.client.post(path, headers=HTML, data={**body, "act": act})
        assert answer.status_code == 200
        assert told in answer.text
    assert service.my_photos(guest) == []
    visit.client.cookies.clear()

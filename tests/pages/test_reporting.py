"""The pages on which guests and visitors of a link report a photo, and staff answer: without a browser."""

import re
from typing import Any

import pytest

from api.sessions import SESSION_COOKIE
from keys import MAX_REPORT
from photos.reports import service as reports
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from testkit.forms import form_token

HTML = {"Accept": "text/html", "Accept-Language": "en"}


class Reporting:
    """An event whose guests see all photos, a guest, and a link of the guest's to one photo."""

    def __init__(self, service: Service) -> None:
        self.client = service.client
        self.service = service
        self.event: EventInfo = service.event(guests_see_all_photos=True)
        sent = service.upload(self.event, people(1), people(2), people(3))["uploaded_photos"]
        service.process_photos(self.event)
        self.photos = [each["id"] for each in sent]
        self.guest = service.guest(self.event)
        body = {"photo_ids": self.photos[:1]}
        made = service.post(f"/api/user/events/{self.event.id}/photo-links", self.guest, json=body)
        self.link = f"/shared/{made.json()['link'].rpartition('/')[2]}"

    def as_(self, who: Person | None) -> None:
        self.client.cookies.clear()
        if who is not None:
            self.client.cookies.set(SESSION_COOKIE, who.token)

    def page(self, path: str) -> Any:
        return self.client.get(path, headers=HTML)

    def send(self, path: str, **typed: str) -> Any:
        """Send the form of a page; return the page that follows."""
        token = form_token(self.page(path).text)
        return self.client.post(path, headers=HTML, data={"csrf_token": token, **typed})

    def open(self) -> list[tuple[int, str, str | None]]:
        found = [each.report for each in reports.open_in(self.event.id)]
        return [(each.photo_id or 0, each.reason, each.text) for each in found]


@pytest.fixture(scope="module")
def party(service: Service) -> Reporting:
    return Reporting(service)


def test_a_guest_reports_a_photo_and_is_told_what_was_decided(party: Reporting) -> None:
    party.as_(party.guest)
    photo = party.photos[0]
    path = f"/photos/{photo}/report"
    assert 'href="/photos?event=' in party.page(path).text
    answer = party.send(f"{path}?show=all&order=-uploaded_at", reason="me", text=" Not this\r\none ")
    assert (answer.url.path, *sorted(answer.url.params.items())) == (
        *("/photos", ("event", str(party.event.id))),
        *(("order", "-uploaded_at"), ("show", "all")),
    )
    assert "Thank you, your report is on its way" in answer.text
    assert party.open() == [(photo, "me", "Not this one")]
    again = party.page(path).text
    assert "already" in again
    assert "Not this one</textarea>" in again
    party.send(path, reason="child")
    ((_, reason, text),) = party.open()
    assert (reason, text) == ("child", None), "the second report replaces the first"
    assert "Waiting for an answer." in party.page("/account").text
    (found,) = reports.open_in(party.event.id)
    decided = {"decision": "keep"}
    path = f"/api/photographer/events/{party.event.id}/reports/{found.report.id}"
    party.service.put(path, party.event.photographer, json=decided)
    assert "The photo stays." in party.page("/account").text


def test_a_refused_form_says_why_and_keeps_what_was_typed(party: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    party.as_(party.guest)
    path = f"/photos/{party.photos[1]}/report"
    for typed, said in (
        ({"text": "My <words>"}, "Choose a reason first."),
        ({"reason": "boring", "text": "My <words>"}, "Choose a reason first."),
        ({"reason": "child", "text": "My <words> \x07"}, "has a character we can’t keep"),
        ({"reason": "child", "text": "My <words>" + "x" * MAX_REPORT}, "too long"),
    ):
        answer = party.send(path, **typed)
        assert answer.status_code == 200
        assert answer.url.path == path
        assert said in answer.text
        assert "My &lt;words&gt;" in answer.text
    assert re.search(r'value="child"\s+required checked', answer.text)
    monkeypatch.setattr(get_settings(), "rate_reports_hour", 1)
    party.send(path, reason="child", text="My words")
    answer = party.send(path, reason="child", text="My other words")
    assert "You’ve sent a lot of reports. Try again in 60 minutes" in answer.text
    assert "My other words</textarea>" in answer.text


def test_a_photo_that_is_gone_is_told_in_words(party: Reporting) -> None:
    stranger = party.service.guest(party.service.event())
    party.as_(stranger)
    path = f"/photos/{party.photos[0]}/report"
    for answer in (
        party.page(path),
        party.client.post(
            path, headers=HTML, data={"csrf_token": form_token(party.page("/account").text), "reason": "me"}
        ),
    ):
        assert answer.status_code == 404
        assert "There’s nothing left to report." in answer.text


def test_a_visitor_of_a_link_reports_without_an_account(party: Reporting) -> None:
    party.as_(None)
    path = f"{party.link}/photos/{party.photos[0]}/report"
    shown = party.page(party.link).text
    assert path in shown
    page = party.page(path)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "Choose a reason first." in party.send(path, text="hm").text
    before = len(party.open())
    answer = party.send(path, reason="private")
    assert answer.url.path == party.link
    assert "Thank you, your report is on its way" in answer.text
    assert len(party.open()) == before + 1
    assert party.page(f"{party.link}/photos/{party.photos[1]}/report").status_code == 404
    made_up = party.client.post(
        f"/shared/{'A' * 22}/photos/1/report", headers=HTML, data={"csrf_token": form_token(page.text)}
    )
    assert made_up.status_code == 404


def test_staff_are_told_on_their_page_why_an_answer_is_refused(party: Reporting) -> None:
    for who, path in (
        (party.event.photographer, f"/studio/{party.event.id}/requests"),
        (party.service.admin, f"/admin/events/{party.event.id}/requests"),
    ):
        party.as_(who)
        token = form_token(party.page("/account/security").text)
        sent = {"csrf_token": token, "act": "hide", "report": "909090"}
        answer = party.client.post(path, headers=HTML, data=sent)
        assert answer.status_code == 200
        assert answer.url.path == path
        assert "This photo or this report no longer exists." in answer.text


def test_an_admin_sees_and_decides_the_reports_of_all_events(party: Reporting) -> None:
    service = party.service
    told = service.post(f"/api/photos/{party.photos[2]}/report", party.guest, json={"reason": "offensive"})
    assert told.status_code == 200
    party.as_(service.admin)
    page = party.page("/admin/reports").text
    assert f'href="/admin/events/{party.event.id}/requests"' in page
    assert f'name="report" value="{told.json()["id"]}"' in " ".join(page.split())
    sent = {"csrf_token": form_token(page), "act": "keep", "report": str(told.json()["id"])}
    assert party.client.post(f"/admin/events/{party.event.id}/requests", headers=HTML, data=sent).status_code == 200
    assert f'value="{told.json()["id"]}"' not in party.page("/admin/reports").text


def test_a_photographer_approves_the_photos_ticked(service: Service) -> None:
    event = service.event(photos_need_approval=True)
    first, second, third = (each["id"] for each in service.upload(event, *map(people, (1, 2, 3)))["uploaded_photos"])
    service.client.cookies.clear()
    service.client.cookies.set(SESSION_COOKIE, event.photographer.token)
    path = f"/studio/{event.id}/requests"
    page = service.client.get(path, headers=HTML).text
    assert page.count('type="checkbox"') == 3
    sent = {"csrf_token": form_token(page), "act": "approve_chosen", "photos": [str(first), str(third)]}
    assert service.client.post(path, headers=HTML, data=sent).status_code == 200
    held = service.get(f"/api/photographer/events/{event.id}/held-photos", event.photographer).json()
    assert [each["id"] for each in held["approval"]["photos"]] == [second]
    # The studio marks what guests do not see, and what was reported.
    service.put(
        f"/api/photographer/events/{event.id}/held-photos",
        event.photographer,
        json={"action": "hide", "photo_ids": [third]},
    )
    guest = service.guest_found_as(event, 1)
    assert service.post(f"/api/photos/{first}/report", guest, json={"reason": "me"}).status_code == 200
    shots = service.client.get(f"/studio/{event.id}/photos", headers=HTML).text.split('id="photo-')[1:]
    marks = {int(each.partition('"')[0]): re.findall(r'class="lacking"[^>]*>([^<]*)<', each) for each in shots}
    assert marks == {first: ["reported"], second: ["to approve"], third: ["hidden"]}
    service.client.cookies.clear()


def test_hiding_too_often_is_told_on_the_account_page(party: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    party.as_(party.guest)
    sent = {"csrf_token": form_token(party.page("/account").text), "event_id": str(party.event.id)}
    monkeypatch.setattr(get_settings(), "rate_not_me_minute", 1)
    assert "no longer see the photos of you" in party.client.post("/account/hide", headers=HTML, data=sent).text
    answer = party.client.post("/account/show", headers=HTML, data=sent)
    assert (answer.status_code, answer.url.path) == (200, "/account")
    assert "Try again in 1 minute" in answer.text

"""The page of an event's sections, in two windows: nobody's change is lost without a word."""

from typing import Any

import pytest

from api.sessions import SESSION_COOKIE
from events.sections import service as sections
from keys import MAX_SECTIONS
from testkit.builders import EventInfo, Service
from testkit.forms import form_token
from tests.pages.html import forms_of

HTML = {"Accept": "text/html", "Accept-Language": "en"}
START = "2026-06-20T15:00"


@pytest.fixture(scope="module")
def event(service: Service) -> EventInfo:
    return service.event()


class Window:
    """The form as it was opened: by the photographer, or by an admin at an address of their own."""

    def __init__(self, service: Service, event: EventInfo, path: str, token: str) -> None:
        self.service, self.path, self.token = service, path, token
        self.seen = self._answer("GET")

    def save(self, *lines: tuple[str, str]) -> str:
        """Save these lines; return the page that follows."""
        (form,) = [each for each in forms_of(self.seen) if "version" in each.sent]
        body = {
            "csrf_token": form_token(self.seen),
            "version": form.sent["version"][0],
            "title": [title for title, _ in lines],
            "start": [start for _, start in lines],
        }
        self.seen = self._answer("POST", data=body)
        return self.seen

    def _answer(self, method: str, **sent: Any) -> str:
        client = self.service.client
        client.cookies.clear()
        client.cookies.set(SESSION_COOKIE, self.token)
        answer = client.request(method, self.path, headers=HTML, **sent)
        client.cookies.clear()
        return answer.text

    @property
    def lines(self) -> list[tuple[str, str]]:
        """What the form shows."""
        (form,) = [each for each in forms_of(self.seen) if "version" in each.sent]
        lines = zip(form.sent["title"], form.sent["start"], strict=True)
        return [line for line in lines if line[0]]


def windows(service: Service, event: EventInfo) -> tuple[Window, Window]:
    studio = Window(service, event, f"/studio/{event.id}/sections", event.photographer.token)
    return studio, Window(service, event, f"/admin/events/{event.id}/sections", service.admin.token)


@pytest.mark.parametrize("title", ["Dîner", "\N{HORSE}" * 60], ids=["in the cookie", "too much for it"])
def test_what_was_typed_stays_when_another_window_was_first(service: Service, event: EventInfo, title: str) -> None:
    sections.replace(event.id, [])
    studio, admin = windows(service, event)
    ours = [(title, f"2026-06-20T15:{minute:02}") for minute in range(MAX_SECTIONS)]
    assert "Saved." in studio.save(("Ceremony", START))
    told = admin.save(*ours)
    assert "Someone else has changed the parts in the meantime" in told
    assert "20 June 2026 at 15:00 · Ceremony" in told
    assert admin.lines == ours
    assert [each.title for each in sections.sections_of(event.id)] == ["Ceremony"]
    assert "Saved." in admin.save(*admin.lines)
    assert len(sections.sections_of(event.id)) == len(ours)


def test_a_form_with_a_mistake_overwrites_nothing(service: Service, event: EventInfo) -> None:
    sections.replace(event.id, [])
    studio, admin = windows(service, event)
    assert "A start is missing" in admin.save(("Dinner", ""))
    assert admin.lines == [("Dinner", "")]
    studio.save(("Ceremony", START))
    assert "Someone else has changed" in admin.save(("Dinner", START))
    assert admin.lines == [("Dinner", START)]


def test_a_form_that_was_emptied_stays_empty(service: Service, event: EventInfo) -> None:
    sections.replace(event.id, [])
    studio, admin = windows(service, event)
    studio.save(("Ceremony", START))
    assert "Someone else has changed" in admin.save()
    assert admin.lines == []

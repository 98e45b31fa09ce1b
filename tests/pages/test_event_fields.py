"""Every field of an event, one by one: through the API, through the admin's form, and on the page where guests join.

A field that is added to `EventChange` is tested here without a line of its own: see docs/adding-a-field.md.
"""

import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from api.events.fields import EventChange
from api.sessions import SESSION_COOKIE
from models import Event
from testkit.builders import Service
from tests.pages.html import HtmlForm, forms_of, written_at

# What is said in one language is said in the other: tests/pages/test_texts.py.
LANGUAGES = ("fr", pytest.param("en", marks=pytest.mark.long))
# The service sets these columns itself.
OWN_COLUMNS = {"id", "code_key", "loose_key", "active_engine_id", "version", "created_at"} | {
    "kept_at_least_until",
    "faces_ended_at",
    "photos_ended_at",
    "search_due_at",
    "badges_used",
    "key_id",
    "is_encrypted",
}
# Rows of another table.
RELATIONS = {"photographer_ids"}
# An older way to give one photographer.
ALIASES = {"photographer_id"}
# The kinds of fields with options, of which one is always chosen.
CHOSEN = ("boolean", "choice")
FIELDS = sorted(EventChange.model_fields.keys() - ALIASES)
# What guests read of an event before they join, and what they do not. A new field belongs to one of the two.
GUESTS_READ = {"name", "date"}
GUESTS_DO_NOT_READ = {
    "event_code",
    "timezone",
    "expires_at",
    "guests_see_all_photos",
    "guests_may_share",
    "keep_capture_details",
    "selfie_is_consent",
    "photos_until",
    "faces_until",
    "photos_need_approval",
    "bystanders",
    "bystander_days",
    "badges",
    "badge_seconds",
    "photographer_ids",
}
_numbers = itertools.count(1)


def kind_of(name: str) -> str:
    """Return the JSON type of a field, or its format."""
    schema = EventChange.model_json_schema()["properties"][name]
    kinds = [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]
    return "choice" if "enum" in kinds[0] else str(kinds[0].get("format", kinds[0]["type"]))


def samples(name: str, service: Service) -> tuple[Any, Any, Any]:
    """Return three values of a field as the API takes them; of a yes or no, the third is the first."""
    if name == "timezone":
        return "Europe/Paris", "Asia/Tokyo", "America/Lima"
    if name == "event_code":
        return f"CODE-{next(_numbers)}", f"CODE-{next(_numbers)}", f"CODE-{next(_numbers)}"
    values: dict[str, tuple[Any, Any, Any]] = {
        "string": ("Le premier", "Le <b>second</b> & Co", "Le troisième"),
        "date": ("2030-06-20", "2030-06-21", "2030-06-22"),
        "date-time": ("2031-07-01T10:30:00.000000Z", "2031-07-02T10:30:00.000000Z", "2031-07-03T10:30:00.000000Z"),
        "boolean": (False, True, False),
        "choice": ("keep", "until_expiry", "none"),
        "integer": (90, 60, 120),
    }
    if kind_of(name) == "array":
        first, second, third = (service.photographer().id for _ in range(3))
        return [first], [first, second], [third]
    return values[kind_of(name)]


def invalid(name: str) -> str:
    """Return what no form accepts in a field."""
    return {"array": "999999999", "boolean": ""}.get(kind_of(name), "x" * 5000)


def can_be_empty(name: str) -> bool:
    """Tell whether an event can be without a value of this field."""
    return name in RELATIONS or bool(Event.__table__.c[name].nullable)


@dataclass
class Desk:
    """An event, its page in the administration, and the API's calls about it."""

    service: Service
    event_id: int

    @property
    def page(self) -> str:
        return f"/admin/events/{self.event_id}"

    def saved(self, name: str) -> Any:
        """Return a field's value as the API shows it."""
        answer = self.service.get(f"/api{self.page}", self.service.admin).json()
        return [each["id"] for each in answer["photographers"]] if name == "photographer_ids" else answer[name]

    def change(self, name: str, value: Any) -> None:
        """Change a field through the API."""
        answer = self.service.put(f"/api{self.page}", self.service.admin, json={name: value})
        assert answer.status_code == 200, answer.text

    def open(self, language: str = "fr", path: str | None = None) -> str:
        """Return the HTML of a page."""
        answer = self.service.get(path or self.page, headers={"Accept": "text/html", "Accept-Language": language})
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def form(self, name: str, path: str | None = None) -> HtmlForm:
        """Return the form that has this field."""
        found = [each for each in forms_of(self.open(path=path)) if name in each.attributes]
        assert found, f"no form has the field {name}"
        return found[0]

    def send(self, form: HtmlForm, name: str, value: str | list[str], language: str = "fr") -> str:
        """Send a form with one field changed, and return the page that follows."""
        headers = {"Accept": "text/html", "Accept-Language": language}
        answer = self.service.post(form.action, data=form.with_value(name, value), headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.text)


@pytest.fixture
def desk(service: Service) -> Iterator[Desk]:
    """An event with a day, in the browser of an administrator."""
    service.client.cookies.clear()
    service.client.cookies.set(SESSION_COOKIE, service.admin.token)
    yield Desk(service, service.event(name="Avant", date="2030-06-19").id)
    service.client.cookies.clear()


def as_typed(desk: Desk, name: str, value: Any) -> list[str]:
    """Return what the form sends for a value of the API: what it shows once that value is saved."""
    desk.change(name, value)
    form = desk.form(name)
    return [value] if name == "event_code" else form.sent[name]


def test_every_column_is_changed_by_admins_or_by_the_service_itself() -> None:
    assert {*Event.__table__.columns.keys()} - OWN_COLUMNS == {*FIELDS} - RELATIONS


@pytest.mark.parametrize("name", FIELDS)
def test_the_api_sets_changes_and_clears_it(desk: Desk, name: str) -> None:
    service, (first, second, _) = desk.service, samples(name, desk.service)
    body = {"name": "Par l’API", name: first}
    made = service.post("/api/admin/create-event", service.admin, json=body).json()
    desk = Desk(service, made["event_id"])
    assert desk.saved(name) == first
    desk.change(name, second)
    assert desk.saved(name) == second
    desk.change(name, None)
    cleared = can_be_empty(name) and name not in RELATIONS
    assert desk.saved(name) == (None if cleared else second), (
        "null clears what can be empty, and else changes nothing"
    )


@pytest.mark.parametrize("name", FIELDS)
def test_the_form_makes_an_event_with_it(desk: Desk, name: str) -> None:
    value = samples(name, desk.service)[1]
    typed = [value] if name == "event_code" else as_typed(desk, name, value)
    form = desk.form(name, "/admin/events/new")
    form.sent["name"] = ["Par le formulaire"]
    headers = {"Accept": "text/html"}
    answer = desk.service.post(form.action, data=form.with_value(name, typed), headers=headers)
    made = re.fullmatch(r".*/admin/events/(\d+)", str(answer.url))
    assert made, answer.text
    assert Desk(desk.service, int(made[1])).saved(name) == value


@pytest.mark.parametrize("name", FIELDS)
def test_the_form_changes_it(desk: Desk, name: str) -> None:
    first, second, _ = samples(name, desk.service)
    typed = as_typed(desk, name, second)
    desk.change(name, first)
    desk.send(desk.form(name), name, typed)
    assert desk.saved(name) == second


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "event_code" and kind_of(name) not in CHOSEN])
def test_the_form_clears_it_or_keeps_it(desk: Desk, name: str) -> None:
    first = samples(name, desk.service)[0]
    desk.change(name, first)
    desk.send(desk.form(name), name, [] if name in RELATIONS else "")
    empty: Any = [] if name in RELATIONS else None
    assert desk.saved(name) == (empty if can_be_empty(name) else first)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in FIELDS if kind_of(name) not in CHOSEN])
def test_what_is_not_valid_is_told_at_the_field_and_kept_to_correct(desk: Desk, name: str, language: str) -> None:
    before, hint = desk.saved(name), written_at(desk.open(language), f"{name}-about")
    page = desk.send(desk.form(name), name, invalid(name), language)
    assert written_at(page, f"{name}-about") not in ("", hint), f"the form says nothing about {name}"
    assert desk.saved(name) == before


@pytest.mark.parametrize("language", LANGUAGES)
# A yes or no that two admins change is changed to the same.
@pytest.mark.parametrize("name", [name for name in FIELDS if name != "event_code" and kind_of(name) != "boolean"])
def test_a_change_by_another_admin_is_shown_before_it_is_overwritten(desk: Desk, name: str, language: str) -> None:
    first, second, third = samples(name, desk.service)
    typed = as_typed(desk, name, third)
    desk.change(name, first)
    form = desk.form(name)
    desk.change(name, second)
    page = desk.send(form, name, typed, language)
    assert desk.saved(name) == second
    shown = dict(
        re.findall(r"<dt>\s*(.*?)\s*</dt>\s*<dd>\s*(.*?)\s*</dd>", page.split('class="overtaken"')[-1], re.DOTALL)
    )
    (again,) = [each for each in forms_of(page) if each.action == form.action]
    assert again.labels[name] in map(html.unescape, shown), "it is called as in the form"
    if kind_of(name) == "string":
        assert html.unescape(shown[html.escape(again.labels[name], quote=False)]) == second
    assert again.sent[name] == typed
    desk.send(again, name, typed)
    assert desk.saved(name) == third


def test_it_is_decided_for_every_field_whether_guests_read_it() -> None:
    assert ({*FIELDS}, set()) == (GUESTS_READ | GUESTS_DO_NOT_READ, GUESTS_READ & GUESTS_DO_NOT_READ)


@pytest.mark.parametrize("name", sorted(GUESTS_READ))
def test_guests_read_it_where_they_join(desk: Desk, name: str) -> None:
    event = desk.service.event(name="Fête", date="2030-06-19")
    desk.service.client.cookies.clear()
    pages = []
    for value in samples(name, desk.service)[:2]:
        Desk(desk.service, event.id).change(name, value)
        page = desk.open(path=f"/join?event_code={event.code}")
        pages.append(page.split("<h1")[1].split("<form")[0])
        assert kind_of(name) != "string" or html.escape(value, quote=False) in pages[-1]
    assert pages[0] != pages[1]

"""Lists and photos in the pages of admins, without scripts: sorted by links, filtered, deleted after a question."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from api.sessions import SESSION_COOKIE
from audit.log import Action, record
from database import transaction
from models import FAILED, Photo
from testkit.builders import EventInfo, Service, people
from tests.pages.html import forms_of

SORTED = re.compile(r'<th scope="col"[^>]*aria-sort="(\w+)"[^>]*>\s*<a class="sort"\s+href="([^"]+)"')


class Browser:
    """An administrator's browser that runs no scripts."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def open(self, path: str, language: str = "fr") -> str:
        """Return a page."""
        answer = self.service.get(path, headers={"Accept": "text/html", "Accept-Language": language})
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    def send(self, page: str, action: str, **values: list[str]) -> str:
        """Send a form of a page, and return the page it leads to."""
        form = next(each for each in forms_of(page) if each.action == action)
        answer = self.service.post(action, data={**form.sent, **values}, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)


@pytest.fixture
def browser(service: Service) -> Iterator[Browser]:
    service.client.cookies.clear()
    service.client.cookies.set(SESSION_COOKIE, service.admin.token)
    yield Browser(service)
    service.client.cookies.clear()


def rows(page: str) -> list[str]:
    """Return the first text of each row heading."""
    found = re.findall(r'<th scope="row"[^>]*>\s*(?:<a[^>]*>)?(?:<bdi>)?([^<]*)', page)
    return [each.strip() for each in found]


def sort_link(page: str, label: str) -> str:
    """Return the address behind the heading of a column."""
    found = re.search(rf'<a class="sort"\s+href="([^"]+)">{label}</a>', page)
    assert found, label
    return found[1].partition("#")[0]


def test_every_list_sorts_by_links_that_keep_the_filter(service: Service, browser: Browser) -> None:
    event = service.event(name="Tri des listes")
    for name in ("tri-b", "tri-a", "tri-c"):
        service.guest(event, name)
        service.photographer(f"photo-{name}")
    guests = browser.open(f"/admin/events/{event.id}?q=tri&show=no_portrait")
    assert [name for name in rows(guests) if name.startswith("tri")] == ["tri-c", "tri-a", "tri-b"]
    link = sort_link(guests, "Nom")
    assert "q=tri" in link
    assert "show=no_portrait" in link
    guests = browser.open(link)
    assert [name for name in rows(guests) if name.startswith("tri")] == ["tri-a", "tri-b", "tri-c"]
    assert SORTED.findall(guests)[0][0] == "ascending"
    people_page = browser.open("/admin/photographers?q=PHOTO-TRI&state=open")
    assert rows(people_page) == ["photo-tri-a", "photo-tri-b", "photo-tri-c"]
    people_page = browser.open(sort_link(people_page, "Nom"))
    assert rows(people_page) == ["photo-tri-c", "photo-tri-b", "photo-tri-a"]
    assert browser.open("/admin/photographers?q=photo-tri&state=closed").count("<tbody>") == 0
    newest = browser.open("/admin/audit?kind=event")
    oldest = browser.open(sort_link(newest, "Quand"))
    times = [re.findall(r'datetime="([^"]+)"', each) for each in (newest, oldest)]
    assert times[0] == sorted(times[0], reverse=True)
    assert times[1] == sorted(times[1])


def test_odd_addresses_of_lists_are_pages_all_the_same(service: Service, browser: Browser) -> None:
    event = service.event()
    odd = "sort=%00&direction=x&page=99999999999&show=x&photos=x&kind=x&state=x&about=%00&before=x&q=%F0%9F%8E%89"
    for path in (f"/admin/events/{event.id}", "/admin/events", "/admin/photographers", "/admin/jobs", "/admin/audit"):
        browser.open(f"{path}?{odd}")


def with_photos(service: Service) -> tuple[EventInfo, list[int]]:
    """Return an event with a failed, an incomplete and a good photo."""
    event = service.event()
    names = ["failed.jpg", "incomplete.jpg", "good.jpg"]
    service.upload(event, people(1), people(2), people(3, 4), names=names)
    found = {photo["original_filename"]: photo["id"] for photo in service.process_photos(event)}
    ids = [found[name] for name in names]
    with transaction() as session:
        failed = session.get_one(Photo, ids[0])
        failed.status, failed.attempts, failed.error = FAILED, 5, "DamagedImage: the file ends too soon"
        session.get_one(Photo, ids[1]).warning = "incomplete"
    return event, ids


def test_an_events_page_shows_its_photos_by_state_and_deletes_the_chosen(service: Service, browser: Browser) -> None:
    event, (failed, incomplete, good) = with_photos(service)
    home = f"/admin/events/{event.id}"
    page = browser.open(home)
    assert page.count('class="proof"') == 3
    assert f'src="/api/photo/{good}?size=thumb"' in page
    assert f'src="/api/photo/{failed}?size=thumb"' not in page
    assert "Le fichier image est endommagé ou incomplet." in page
    assert "2 visages" in page
    assert page.count('<strong class="bad-text">incomplète</strong>') == 1
    for state, photo in (("failed", failed), ("incomplete", incomplete)):
        page = browser.open(f"{home}?photos={state}")
        assert re.findall(r'name="photo"\s+value="(\d+)"', page) == [str(photo)]
    stranger = with_photos(service)[1][2]
    asked = browser.open(f"{home}/photos/delete?photo={failed}&photo={good}&photo={stranger}")
    assert "Supprimer ces 2 photos" in asked
    page = browser.send(asked, f"{home}/photos/delete", photo=[str(failed), str(good), str(stranger)])
    assert "2 photos sont supprimées." in page
    assert re.findall(r'name="photo"\s+value="(\d+)"', page) == [str(incomplete)]
    assert service.get(f"/api/photo/{stranger}?size=thumb", service.admin).status_code == 200


def test_people_and_their_appearances_are_counted_apart(service: Service, browser: Browser) -> None:
    event = service.event()
    service.upload(event, *(people(1, 10 + each) for each in range(3)))
    guest = service.guest(event)
    service.send_selfie(guest, people(1))
    service.settle(guest)
    service.process_photos(event)
    page = browser.open(f"/admin/events/{event.id}", "en")
    figures = dict(re.findall(r"<dt>([^<]*)</dt>\s*<dd[^>]*>\s*([\d,]+)", page))
    assert (figures["People recognised"], figures["Their appearances in photos"]) == ("1", "3")
    statistics = service.get("/api/stats", service.admin).json()
    assert 0 < statistics["guests_matched"] < statistics["face_matches"]


def test_codes_that_read_alike_are_pointed_out(service: Service, browser: Browser) -> None:
    first = service.event(name="La première", event_code="ALIKE-O1")
    made = service.post(
        "/api/admin/create-event", service.admin, json={"name": "La seconde", "event_code": "ALIKE01"}
    ).json()
    assert made["reads_like"] == first.code
    page = browser.open(f"/admin/events/{made['event_id']}")
    assert "Ce code se lit comme ALIKE-O1, celui de «\u00a0La première\u00a0»" in page
    answer = service.get("/api/admin/event-qr/alike%2001", service.admin)
    assert answer.status_code == 200
    answer = service.get("/api/admin/event-qr/A-LIKE-0-1", service.admin)
    assert (answer.status_code, answer.json()["error"]) == (404, "AmbiguousEventCode")


def test_the_dashboard_says_in_words_what_it_cannot_draw(service: Service, browser: Browser) -> None:
    for language, words in (("fr", "Rien à dessiner pour l’instant"), ("en", "Nothing to draw yet")):
        page = browser.open("/admin", language)
        assert words in page
        # A curve is drawn only where there is something to see; the others are named.
        named = page.count("<dt>", page.index('class="blank"'))
        assert page.count('<svg viewBox="0 0 1000 200"') + named == 7


def test_the_audit_log_tells_how_far_a_clock_was_shifted(service: Service, browser: Browser) -> None:
    event = service.event(name="Horloges")
    with transaction() as session:
        # The text is that of earlier releases.
        for shift in (2820, "-3600 s"):
            record(session, Action.CAMERA_SHIFTED, event_id=event.id, camera="Canon", shift=shift, photos=3)
    page = browser.open("/admin/audit")
    assert "+47 min" in page.replace("\u202f", " ").replace("\xa0", " ")
    assert "−1 h" in page.replace("\u202f", " ").replace("\xa0", " ")

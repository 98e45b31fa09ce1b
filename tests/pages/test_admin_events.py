"""The administrator's pages of events: create, change, print, search, delete; on phones and desktops."""

import re
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from faces.fake import fake_colour, fake_photo
from testkit.servers import Api, wait_until
from tests.pages.stage import Event, Stage, as_admin, axe, read_shown_qr, shoot

WORDS = {
    "fr": {"made": "L’événement est créé.", "saved": "C’est enregistré.", "over": "Terminé", "join": "Le code"},
    "en": {"made": "The event is created.", "saved": "Saved.", "over": "Over", "join": "The code"},
}


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def event_id(page: Page) -> int:
    found = re.search(r"/admin/events/(\d+)", page.url)
    assert found, page.url
    return int(found[1])


@pytest.fixture(scope="module")
def event(stage: Stage) -> Event:
    """An event with a guest who was found, one without a selfie, and photos."""
    event = stage.event(date="2030-06-20")
    photographer = stage.as_photographer(event)
    files = [("files", (f"photo{i}.jpg", fake_photo([fake_colour(1), fake_colour(10 + i)]))) for i in range(3)]
    photographer.call("POST", f"/api/photographer/events/{event.id}/upload-photos", files=files)
    found = stage.as_guest(event, stage.guest(event, "nora.lindqvist"))
    found.call("POST", "/api/upload-selfie", files={"file": ("me.jpg", fake_photo([fake_colour(1)]), "image/jpeg")})
    stage.guest(event, "milo")
    calls = stage.admin()
    wait_until(lambda: calls.call("GET", f"/api/admin/events/{event.id}")["matches"] == 3, 20, "the matches")
    return event


@pytest.mark.parametrize(
    ("size", "language"), [("phone", "fr"), pytest.param("desktop", "en", marks=pytest.mark.long)]
)
@pytest.mark.long
def test_an_event_is_made_and_its_qr_code_leads_guests_to_it(stage: Stage, size: str, language: str) -> None:
    photographer = stage.event("Ailleurs").photographer
    with stage.page(size, language) as page:
        as_admin(stage, page, "/admin/events")
        with page.expect_navigation():
            page.locator(".heading .button.main").click()
        assert axe(page) == []
        assert fits(page)
        shoot(page, f"admin-event-new-{size}-{language}")
        page.fill("#name", "<script>alert(1)</script> & Co")
        page.fill("#date", "2030-06-20")
        drawn = page.locator("#event_code").input_value()
        assert len(drawn) == 8
        page.get_by_label(photographer).check()
        page.dblclick("main button.main")
        expect(page.get_by_role("status").first).to_have_text(WORDS[language]["made"])
        expect(page.locator("h1")).to_have_text("<script>alert(1)</script> & Co")
        assert page.locator(".big-code").inner_text() == drawn
        assert page.get_by_label(photographer).is_checked()
        link = read_shown_qr(page.locator(".code-card .qr"))
        assert link == page.locator(".code-card a").get_attribute("href")
        assert urlsplit(link).query == f"event_code={drawn}"
        with page.expect_navigation():
            page.locator(".heading .button.main").click()
        page.goto(f"{page.url}?words=both")
        assert read_shown_qr(page.locator("img.sheet")) == link
        page.goto(link)
        assert page.url.startswith(link)
        expect(page.locator("#start input[name=event_code]")).to_have_value(drawn)
        page.goto(f"{stage.server.url}/admin/events?q={drawn.lower()}")
        expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.long
def test_the_page_of_an_event_shows_all_of_it(stage: Stage, event: Event) -> None:
    for size, language, scheme in (("phone", "fr", "dark"), ("desktop", "en", "light")):
        with stage.page(size, language, color_scheme=scheme) as page:
            as_admin(stage, page, f"/admin/events/{event.id}")
            row = page.get_by_role("row", name="nora.lindqvist")
            expect(row.locator("td.number")).to_have_text("3")
            assert page.locator("#progress dd").first.inner_text() == "3"
            assert page.locator("#guest-list tbody tr").count() == 2
            assert axe(page) == []
            assert fits(page)
            shoot(page, f"admin-event-{size}-{language}-{scheme}")
            page.fill("#q", "NORA")
            expect(page.locator("#guest-list tbody tr")).to_have_count(1)
            assert "q=NORA" in page.url
            page.fill("#q", "nobody of that name")
            expect(page.locator("#guest-list table")).to_have_count(0)


def test_deleted_photos_can_be_brought_back_for_ten_seconds(stage: Stage) -> None:
    event = stage.event()
    photographer = stage.as_photographer(event)
    files = [("files", (f"photo{i}.jpg", fake_photo([fake_colour(i)]))) for i in range(3)]
    photographer.call("POST", f"/api/photographer/events/{event.id}/upload-photos", files=files)
    calls = stage.admin()
    wait_until(lambda: calls.call("GET", f"/api/admin/events/{event.id}")["done"] == 3, 20, "the photos")
    with stage.page("phone") as page:
        page.set_viewport_size({"width": 360, "height": 640})
        as_admin(stage, page, f"/admin/events/{event.id}")
        assert page.evaluate("[...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= e.clientWidth)")
        shown, delete = page.locator(".proof:visible"), page.get_by_role("button", name="Supprimer les photos")
        delete.click()
        expect(page.locator("#toasts")).to_contain_text("Choisissez d’abord des photos")
        for name, then in (("photo0.jpg", "Annuler"), ("photo1.jpg", "Fermer")):
            page.get_by_label(f"Choisir {name}").check()
            delete.click()
            expect(shown).to_have_count(2)
            toast = page.locator(".toast", has_text="1 photo supprimée.")
            with page.expect_response("**/api/photos?*") if then == "Fermer" else nullcontext():
                toast.get_by_role("button", name=then).click()
        page.reload()
        expect(shown).to_have_count(2)
        expect(page.get_by_label("Choisir photo0.jpg")).to_have_count(1)
    assert calls.call("GET", f"/api/admin/events/{event.id}")["received"] == 2


def test_a_change_shows_at_once_and_leaves_others_changes_alone(stage: Stage) -> None:
    event = stage.event("Avant", date="2030-06-20")
    path = f"/admin/events/{event.id}"
    with stage.page("desktop") as one, stage.page("phone", "en") as other:
        for page in (one, other):
            as_admin(stage, page, path)
        one.fill("#name", "Après")
        one.get_by_label("Toutes les photos").check()
        one.get_by_role("button", name="Enregistrer").click()
        expect(one.get_by_role("status").first).to_have_text("C’est enregistré.")
        other.fill("#expires_at", "2030-06-22T23:30")
        other.get_by_role("button", name="Save").click()
        expect(other.locator("h1")).to_have_text("Après")
        expect(other.locator(".heading")).to_contain_text("22 June 2030 at 23:30")
        assert other.get_by_label("All the photos").is_checked()
        other.go_back()
        expect(other.locator("h1")).to_have_text("Après")
        yesterday = datetime.now(UTC) - timedelta(days=1)
        other.fill("#date", "")
        other.fill("#expires_at", yesterday.strftime("%Y-%m-%dT%H:%M"))
        other.get_by_role("button", name="Save").click()
        expect(other.locator(".heading .badge")).to_have_text("Over")
    valid = Api(stage.server).call("POST", "/api/check-event-code", json={"event_code": event.code})
    assert valid == {"valid": False}


@pytest.mark.long
def test_who_changes_what_another_changed_meanwhile_sees_it_first(stage: Stage) -> None:
    event = stage.event("Avant", date="2030-06-20")
    path = f"/admin/events/{event.id}"
    with stage.page("desktop") as one, stage.page("phone", "en") as other:
        for page in (one, other):
            as_admin(stage, page, path)
        one.fill("#name", "Celui de Léa")
        one.fill("#date", "2030-06-21")
        one.get_by_role("button", name="Enregistrer").click()
        expect(one.locator("h1")).to_have_text("Celui de Léa")
        other.fill("#name", "Tom's")
        other.get_by_label("All the photos").check()
        other.fill("#timezone", "Europe/Atlantis")
        other.get_by_role("button", name="Save").click()
        expect(other.get_by_role("alert")).to_contain_text("Someone else has changed this in the meantime")
        expect(other.get_by_role("alert")).to_be_in_viewport()
        expect(other.locator(".overtaken dt")).to_have_text(["Name of the event"])
        expect(other.locator(".overtaken dd")).to_have_text(["Celui de Léa"])
        shoot(other, "admin-event-overtaken")
        assert axe(other) == []
        expect(other.locator("h1")).to_have_text("Celui de Léa")
        expect(other.locator("#name")).to_have_value("Tom's")
        expect(other.locator("#timezone-about")).to_contain_text("We don’t know this time zone")
        other.fill("#timezone", "Europe/Paris")
        other.get_by_role("button", name="Save").click()
        expect(other.locator("h1")).to_have_text("Tom's")
        expect(other.locator("#date")).to_have_value("2030-06-21")
        assert other.get_by_label("All the photos").is_checked()


def test_a_new_code_works_at_once_and_the_old_one_can_be_taken_back(stage: Stage) -> None:
    event = stage.event()
    with stage.page() as page:
        as_admin(stage, page, f"/admin/events/{event.id}")
        page.fill("#event_code", "Fête-2030")
        page.get_by_role("button", name="Changer le code").click()
        expect(page.locator(".big-code")).to_have_text("Fête-2030")
        assert read_shown_qr(page.locator(".code-card .qr")).endswith("event_code=F%C3%AAte-2030")
        page.get_by_role("button", name=f"Reprendre le code {event.code}").click()
        expect(page.locator(".big-code")).to_have_text(event.code)
        page.get_by_role("button", name="Tirer un code au sort").click()
        expect(page.locator(".big-code")).not_to_have_text(event.code)
        drawn = page.locator(".big-code").inner_text()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copier le lien").click()
        expect(page.locator("#toasts")).to_contain_text("Le lien est copié.")
        assert page.evaluate("navigator.clipboard.readText()").endswith(drawn)
    codes = {
        code: Api(stage.server).call("POST", "/api/check-event-code", json={"event_code": code})["valid"]
        for code in (event.code, drawn)
    }
    assert codes == {event.code: False, drawn: True}


@pytest.mark.long
def test_what_cannot_be_is_refused_in_words_and_what_was_typed_stays(stage: Stage) -> None:
    taken = stage.event()
    with stage.page("desktop", java_script_enabled=False) as page:
        as_admin(stage, page, "/admin/events/new")
        # The browser's own checks would come first.
        for name in ("name", "date", "expires_at"):
            page.locator(f"#{name}").evaluate("e => { e.required = false; e.form.noValidate = true; }")
        page.fill("#name", "Bal des pompiers")
        page.fill("#date", "2030-06-20")
        page.fill("#timezone", "Europe/Atlantis")
        page.fill("#event_code", taken.code)
        page.check("input[value=all]")
        page.click("main button.main")
        expect(page.locator("#timezone-about")).to_have_text(
            "Nous ne connaissons pas ce fuseau. Écrivez-le comme Europe/Paris."
        )
        page.fill("#timezone", "Europe/Paris")
        page.fill("#expires_at", "2030-06-19T12:00")
        page.click("main button.main")
        expect(page.locator("#expires_at-about")).to_contain_text("finiraient avant l’événement")
        page.fill("#expires_at", "")
        page.click("main button.main")
        expect(page.locator("#event_code-about")).to_contain_text("Un autre événement a déjà ce code")
        shoot(page, "admin-event-refused")
        page.fill("#event_code", "BAL DES POMPIERS")
        page.click("main button.main")
        expect(page.locator("#event_code-about")).to_contain_text("Un code n’a pas d’espace")
        assert page.locator("#name").input_value() == "Bal des pompiers"
        assert page.locator("input[value=all]").is_checked()
        page.fill("#event_code", f"  BAL-{taken.id}  ")
        page.click("main button.main")
        expect(page.locator(".big-code")).to_have_text(f"BAL-{taken.id}")
        page.fill("#event_code", taken.code.lower())
        page.get_by_role("button", name="Changer le code").click()
        expect(page.locator("#event_code-about")).to_contain_text("Un autre événement a déjà ce code")
        assert page.locator("#event_code").input_value() == taken.code.lower()


def test_the_same_form_sent_twice_makes_one_event(stage: Stage) -> None:
    with stage.page("desktop", java_script_enabled=False) as page:
        as_admin(stage, page, "/admin/events/new")
        page.fill("#name", "Une seule fois")
        code = page.locator("#event_code").input_value()
        sent = page.locator("main form").evaluate("f => new URLSearchParams(new FormData(f)).toString()")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answers = [page.request.post("/admin/events", data=sent, headers=headers) for _ in range(2)]
        assert len({answer.url for answer in answers}) == 1
        page.goto(f"/admin/events?q={code}")
        expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.long
def test_the_list_sorts_and_filters_with_and_without_scripts(stage: Stage) -> None:
    mark = f"Tri{stage.event().id}"
    past = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    for name, fields in (("b", {}), ("A", {"expires_at": past}), ("c", {"date": "2031-01-01"})):
        stage.event(f"{mark} {name}", **fields)
    names = [f"{mark} A", f"{mark} b", f"{mark} c"]
    for scripts in (True, False):
        with stage.page("desktop", java_script_enabled=scripts) as page:
            as_admin(stage, page, "/admin/events")
            page.fill("#q", mark.lower())
            if not scripts:
                page.get_by_role("button", name="Filtrer").click()
            rows = page.locator("tbody th a")
            expect(rows).to_have_text([names[2], names[0], names[1]])
            page.get_by_role("link", name="Nom", exact=True).click()
            expect(rows).to_have_text(names)
            expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
            if scripts:
                page.get_by_role("link", name="Nom", exact=True).click()
                expect(rows).to_have_text(names[::-1])
                page.go_back()
                expect(rows).to_have_text(names)
            page.select_option("#state", "over")
            if not scripts:
                page.get_by_role("button", name="Filtrer").click()
            expect(rows).to_have_text([names[0]])
            page.goto("/admin/events?q=nothing-of-the-sort")
            expect(page.locator("main")).to_contain_text("Aucun événement ne correspond.")
    for size, language in (("phone", "en"), ("desktop", "fr")):
        with stage.page(size, language) as page:
            as_admin(stage, page, "/admin/events")
            assert axe(page) == []
            assert fits(page)
            shoot(page, f"admin-events-{size}-{language}")


def test_deleting_tells_what_goes_and_wants_the_name(stage: Stage) -> None:
    event, elsewhere = stage.event("À effacer"), stage.event("À garder")
    photographer = stage.as_photographer(event)
    files = [("files", ("photo.jpg", fake_photo([fake_colour(3)])))]
    photographer.call("POST", f"/api/photographer/events/{event.id}/upload-photos", files=files)
    stage.guest(event)
    stayer = stage.as_guest(event, stage.guest(event))
    stayer.call("POST", "/api/join-event", json={"event_code": elsewhere.code})
    with stage.page() as page:
        as_admin(stage, page, f"/admin/events/{event.id}")
        with page.expect_navigation():
            page.get_by_role("link", name="Supprimer l’événement…").click()
        figures = page.locator(".figures > div").all_inner_texts()
        assert [re.sub(r"\D", "", figure) for figure in (figures[0], figures[4])] == ["1", "1"]
        expect(page.locator("main")).to_contain_text("1 invité inscrit aussi ailleurs garde son compte")
        assert axe(page) == []
        shoot(page, "admin-event-delete")
        page.fill("#name", "autre chose")
        page.get_by_role("button", name="Tout effacer").click()
        expect(page.locator("#name-about")).to_contain_text("Rien n’a été effacé")
        page.fill("#name", "à EFFACER ")
        page.get_by_role("button", name="Tout effacer").click()
        expect(page.get_by_role("status").first).to_have_text("L’événement est supprimé.")
        page.go_back()
        expect(page.locator("h1")).to_have_text("Cet événement n’existe pas")
        page.goto(f"/admin/events?q={event.code}")
        expect(page.locator("main")).to_contain_text("Aucun événement ne correspond.")
    assert stayer.call("GET", "/api/me")["event_id"] == elsewhere.id

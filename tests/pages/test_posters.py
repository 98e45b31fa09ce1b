"""The page of an event's poster: choosing, looking, and the files that it gives."""

import io
from urllib.parse import urlencode

import cv2
import numpy as np
import pypdfium2
import pytest
import zxingcpp
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from api.sessions import SESSION_COOKIE
from faces.fake import fake_colour, fake_photo
from testkit.event_photos import send_cover
from testkit.pictures import read_qr
from tests.pages.stage import Event, Stage, admin_token, as_admin, axe, read_shown_qr, shoot, wait_for_picture

# No font of the posters has these letters.
THAI = "งานแต่งงานของสมชายและสมหญิง"
DESIGNS = ("quiet", "bold", "photo")


@pytest.fixture(scope="module")
def event(stage: Stage) -> Event:
    """An event with a cover that is large enough for A4."""
    event = stage.event("Mariage de Léa et Tom", date="2030-06-20")
    stage.as_photographer(event)
    send_cover(stage.as_photographer(event), event.id, scene())
    return event


def scene() -> bytes:
    """Return a photo of 1,500 x 1,050 pixels, of hills and a sun."""
    rows, columns = np.mgrid[0:1050, 0:1500]
    sky = np.stack([240 - rows // 8, 205 - rows // 10, 150 + rows // 12], axis=2).astype(np.uint8)
    for height, colour in ((620, (120, 140, 90)), (760, (80, 110, 60)), (900, (50, 70, 40))):
        sky[rows > height + 60 * np.sin(columns / (height / 3))] = colour
    cv2.circle(sky, (1080, 330), 90, (200, 235, 255), -1)
    return bytes(cv2.imencode(".jpg", sky)[1].tobytes())


def downloaded(page: Page) -> bytes:
    with page.expect_download() as download:
        page.locator("main button.main").click()
    assert download.value.suggested_filename.startswith("poster-")
    return download.value.path().read_bytes()


@pytest.mark.long
def test_a_poster_is_chosen_seen_and_downloaded(stage: Stage, event: Event) -> None:
    for scripts in (True, False):
        with stage.page("desktop", java_script_enabled=scripts) as page:
            as_admin(stage, page, f"/admin/events/{event.id}")
            page.locator("main a.button.main").click()
            wait_for_picture(page.locator("img.sheet"))
            page.get_by_role("link", name="Vif", exact=True).click()
            page.get_by_role("link", name="A6", exact=True).click()
            page.get_by_role("link", name="Les deux", exact=True).click()
            expect(page.locator("main [aria-current=true]")).to_have_text(["Vif", "A6", "Les deux"])
            assert read_shown_qr(page.locator("img.sheet")).endswith(f"event_code={event.code}")
            page.get_by_text("Ajouter le Wi-Fi du lieu").click()
            page.fill("#wifi_name", "Salle; des fêtes")
            page.fill("#wifi_password", "bienvenue2030")
            page.check("[name=marks]")
            data = downloaded(page)
        drawn = pypdfium2.PdfDocument(data)[0].render(scale=3).to_numpy()
        texts = {code.text for code in zxingcpp.read_barcodes(drawn)}
        assert "WIFI:T:WPA;S:Salle\\; des fêtes;P:bienvenue2030;;" in texts
        assert [round(float(each) / 72 * 25.4) for each in PdfReader(io.BytesIO(data)).pages[0].trimbox][:2] == [
            10,
            10,
        ]


@pytest.mark.parametrize(("size", "language"), [("phone", "fr"), ("desktop", "en")])
@pytest.mark.long
def test_the_page_fits_and_can_be_read_by_all(stage: Stage, event: Event, size: str, language: str) -> None:
    with stage.page(size, language, color_scheme="dark" if size == "phone" else "light") as page:
        for design in DESIGNS:
            as_admin(stage, page, f"/admin/events/{event.id}/poster?design={design}&format=a5")
            wait_for_picture(page.locator("img.sheet"))
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            shoot(page, f"poster-{design}-{size}-{language}")
        assert axe(page) == []


def test_photographers_have_it_for_their_own_events(stage: Stage, event: Event) -> None:
    with stage.page("phone") as page:
        stage.log_in(page, event.photographer)
        page.goto(f"/studio/{event.id}")
        page.get_by_role("link", name="Affiche et carte de table").click()
        assert PdfReader(io.BytesIO(downloaded(page))).pages
        for kind in ("svg", "png"):
            with page.expect_download() as download:
                page.locator(f"a[href$='qr.{kind}']").click()
            assert download.value.suggested_filename == f"qr-{event.id}.{kind}"
        assert read_qr(download.value.path().read_bytes()).endswith(f"event_code={event.code}")


def test_what_cannot_be_printed_is_said_in_words(stage: Stage, event: Event) -> None:
    bare, small = stage.event("Sans photo 𐎀"), stage.event("Petite photo")
    send_cover(stage.as_photographer(small), small.id, fake_photo([fake_colour(1), fake_colour(2)]))
    with stage.page() as page:
        as_admin(stage, page, f"/admin/events/{bare.id}/poster?design=photo")
        expect(page.get_by_role("alert").filter(has_text="𐎀")).to_be_visible()
        expect(page.get_by_role("alert").filter(has_text="pas encore de photo de couverture")).to_have_count(1)
        expect(page.locator("main button.main")).to_have_count(0)
        page.get_by_text("Ajouter le Wi-Fi du lieu").click()
        page.fill("#wifi_name", "Salle")
        page.fill("#wifi_password", "bienvenue2030")
        page.get_by_role("link", name="Vif", exact=True).click()
        expect(page.locator("main button.main")).to_be_visible()
        assert [page.input_value(f"#wifi_{each}") for each in ("name", "password")] == ["Salle", "bienvenue2030"]
        assert "design=bold" in page.url
        page.go_back()
        expect(page.locator("main button.main")).to_have_count(0)
        assert page.input_value("#wifi_name") == "Salle"
        page.goto(f"/admin/events/{event.id}/poster?format=a6")
        page.get_by_text("Ajouter le Wi-Fi du lieu").click()
        page.fill("#wifi_name", "Salle")
        page.fill("#wifi_password", "court")
        page.locator("main button.main").click()
        expect(page.get_by_role("alert").last).to_contain_text("Ces indications de Wi-Fi ne conviennent pas")
        assert page.url.endswith("format=a6")
        assert [page.input_value(f"#wifi_{each}") for each in ("name", "password")] == ["Salle", "court"]
        page.goto(f"/admin/events/{small.id}/poster?design=photo&format=a4")
        page.locator("main button.main").click()
        expect(page.get_by_role("alert").last).to_contain_text("trop peu de pixels")
        for query, status in (
            ("design=loud", 422),
            ("format=a0", 422),
            ("language=de", 422),
            ("design=photo&format=a4", 200),
            ("", 200),
        ):
            answer = page.request.get(f"/admin/events/{event.id}/poster.pdf?{query}", headers={"Accept": "text/html"})
            assert (query, answer.status) == (query, status)
        for path in (f"{bare.id}/poster.svg?design=photo", f"{small.id}/poster.pdf?design=photo&format=a5"):
            answer = page.request.get(f"/admin/events/{path}", headers={"Accept": "text/html"})
            assert (answer.status, "<h1" in answer.text()) == (409, True)


def test_older_links_and_odd_ones_lead_to_the_page(stage: Stage, event: Event) -> None:
    with stage.page() as page:
        for query, current in (({"words": "en"}, "English"), ({"words": "nonsense", "design": "loud"}, "Français")):
            as_admin(stage, page, f"/admin/events/{event.id}/poster?{urlencode(query)}")
            expect(page.locator("main [aria-current=true]").last).to_have_text(current)


@pytest.mark.parametrize(
    "name",
    ["w" * 200, ("👩🏽‍❤️‍👨🏻 " * 25)[:200], "حفل زفاف ليلى " * 12, "佐藤" * 90, "\u202eevil\u202c <b>&amp;", THAI],
)
def test_no_name_is_too_much_for_a_poster(stage: Stage, name: str) -> None:
    odd = stage.event(name)
    with stage.page() as page:
        page.context.add_cookies(
            [{"name": SESSION_COOKIE, "value": admin_token(stage.server), "url": stage.server.url}]
        )
        for path in (
            "poster",
            "poster.svg?design=bold",
            "poster.pdf?format=tent&language=both",
            "poster.pdf?design=bold",
        ):
            assert page.request.get(f"/admin/events/{odd.id}/{path}").ok


def test_a_cover_can_be_a_photo_that_is_not_processed_yet(stage: Stage) -> None:
    fresh = stage.event("Tout juste arrivée")
    send_cover(stage.as_photographer(fresh), fresh.id, fake_photo([fake_colour(1)], block=900))
    with stage.page() as page:
        page.context.add_cookies(
            [{"name": SESSION_COOKIE, "value": admin_token(stage.server), "url": stage.server.url}]
        )
        assert page.request.get(f"/admin/events/{fresh.id}/poster.pdf?design=photo&format=a6").ok

"""The gallery by the time of capture: headings, sections, sharp pictures, the cover, the ring of the focus."""

import io
import re
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from testkit.builders import OPEN
from testkit.event_photos import give_cover
from testkit.metadata import MAKE, MODEL, ORIGINAL, exif_of, with_segments
from testkit.pictures import saved
from tests.pages.guests import guest_found_as, scene, send_photos
from tests.pages.stage import Event, Stage, as_admin, axe, shoot, wait_for_picture

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

CAMERA = {MAKE: "Canon", MODEL: "Canon EOS R5"}
# In the order in which they are sent: the evening of one day, the night after, and the next day; one without a time.
TAKEN = ("20 18:05", "20 15:10", "21 00:30", None, "20 18:40", "21 11:00")
IN_ORDER = (1, 0, 4, 2, 5, 3)


def shot(number: int, taken: str | None, *persons: int) -> bytes:
    photo = scene(number, *persons)
    return with_segments(photo, exif_of({**CAMERA, ORIGINAL: f"2026:06:{taken}:00"})) if taken else photo


@pytest.fixture(scope="module")
def weekend(stage: Stage) -> tuple[Event, str, list[int]]:
    """An event of two days with a cover, whose guest is in all its photos; their ids in the order of capture."""
    event = stage.event("Deux jours", guests_see_all_photos=True, **OPEN)
    guest = guest_found_as(stage, event, 1)
    ids = send_photos(stage, event, [shot(number, taken, 1) for number, taken in enumerate(TAKEN)])
    give_cover(stage.as_photographer(event), event.id, ids[0])
    return event, guest, [ids[place] for place in IN_ORDER]


def headings(page: Page) -> list[str]:
    """Return what lies in the rows, in its order: headings with their level, and the ids of photos."""
    found = page.locator("#rows :is(h2, h3, .tile)").evaluate_all(
        "all => all.map((each) => each.dataset.id ?? `${each.tagName} ${each.textContent}`)"
    )
    return [str(each) for each in found]


@pytest.mark.long
def test_photos_lie_under_days_sections_and_hours_in_the_order_of_capture(
    stage: Stage, weekend: tuple[Event, str, list[int]]
) -> None:
    event, guest, ids = weekend
    first, second, third, night, morning, undated = map(str, ids)
    with stage.page("phone", timezone_id="America/New_York") as page:
        stage.log_in(page, guest)
        expect(page.locator(".tile img.there")).to_have_count(len(ids))
        assert headings(page) == [
            *("H2 20 juin 2026", "H3 15 h", first, "H3 18 h", second, third, "H3 0 h", night),
            *("H2 21 juin 2026", "H3 11 h", morning, "H3 Sans heure", undated),
        ]
        expect(page.locator(f".tile[data-id='{undated}'] img")).to_have_attribute("alt", "Photo 6 sur 6")
        assert axe(page) == []
    with stage.page("desktop") as page:
        stage.log_in(page, event.photographer)
        page.goto(f"/studio/{event.id}")
        page.get_by_role("link", name="Moments de l’événement").click()
        for place, (title, start) in enumerate((("Dîner", "2026-06-20T18:30"), ("Cérémonie", "2026-06-20T15:00"))):
            page.get_by_label("Titre").nth(place).fill(title)
            page.get_by_label("Début").nth(place).fill(start)
        page.get_by_role("button", name="Enregistrer").click()
        expect(page.locator(".notice.good")).to_be_visible()
        expect(page.get_by_label("Titre").first).to_have_value("Cérémonie")
        shoot(page, "studio-sections")
        assert axe(page) == []
        page.get_by_label("Début").nth(2).fill("2026-06-20T20:00")
        page.get_by_label("Titre").nth(2).fill("Bal")
        page.get_by_label("Début").nth(1).fill("2026-06-20T15:00")
        page.get_by_role("button", name="Enregistrer").click()
        expect(page.locator(".notice")).to_contain_text("commencent à la même heure")
        expect(page.get_by_label("Titre").nth(2)).to_have_value("Bal")
    with stage.page("phone", "en") as page:
        stage.log_in(page, guest)
        # The dinner lasts into the night, and not into the next day.
        expect(page.locator("#rows h3")).to_have_text(["Cérémonie", "Dîner", "11 am", "No time known"])
        assert [each for each in headings(page) if each.isdigit()] == [*map(str, ids)]
        shoot(page, "guest-gallery-headings-en")
        page.get_by_role("link", name="Newest").click()
        expect(page.locator("#rows h2, #rows h3")).to_have_count(0)
        expect(page.locator(".tile")).to_have_count(len(ids))
    with stage.page("phone", java_script_enabled=False) as page:
        stage.log_in(page, guest)
        expect(page.locator("noscript h3")).to_have_text(["Cérémonie", "Dîner", "11 h", "Sans heure"])
        expect(page.locator("noscript h2")).to_have_text(["20 juin 2026", "21 juin 2026"])
    with stage.page("desktop", "en") as page:
        as_admin(stage, page, f"/admin/events/{event.id}/sections")
        page.get_by_label("Title").nth(1).fill("")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Title").first).to_have_value("Cérémonie")
        expect(page.get_by_label("Title").nth(1)).to_have_value("")


@pytest.mark.long
def test_a_photo_that_arrives_takes_its_place_and_the_others_are_not_made_again(
    stage: Stage, weekend: tuple[Event, str, list[int]]
) -> None:
    event, guest, ids = weekend
    with stage.page("phone") as page:
        page.clock.install(time=datetime.now(UTC))
        stage.log_in(page, guest)
        expect(page.locator(".tile img.there")).to_have_count(len(ids))
        last = page.locator(".tile").last.element_handle()
        tools = page.locator("#zip").bounding_box()
        (new,) = send_photos(stage, event, [shot(9, "20 20:15", 1)])
        page.clock.run_for(9000)
        expect(page.locator(".tile")).to_have_count(len(ids) + 1)
        shown = [each for each in headings(page) if each.isdigit()]
        assert shown.index(str(new)) == 3
        assert last.evaluate("tile => tile.isConnected"), "a line that only moves down is not made again"
        expect(page.locator(".tile").last.locator("img")).to_have_attribute("alt", "Photo 7 sur 7")
        expect(page.locator("#weight")).to_contain_text("7 photos")
        assert page.locator("#zip").bounding_box() == tools, "the button keeps its place"


@pytest.mark.long
def test_the_first_screen_comes_small_and_then_as_sharp_as_the_screen(
    stage: Stage, weekend: tuple[Event, str, list[int]]
) -> None:
    asked: list[str] = []
    with stage.page("phone", device_scale_factor=3) as page:
        stage.log_in(page, weekend[1])
        page.on("request", lambda sent: asked.append(sent.url) if "/api/photo/" in sent.url else None)
        page.reload()
        tile = page.locator(".tile img").first
        expect(tile).to_have_js_property("currentSrc", f"{stage.server.url}/api/photo/{weekend[2][0]}?size=medium")
        sizes = [url.partition("size=")[2] for url in asked if f"/photo/{weekend[2][0]}?" in url]
        assert sizes == ["thumb", "medium"]
        wait_for_picture(page.locator("img.cover"))
    with stage.page("desktop") as page:
        page.add_init_script("Object.defineProperty(navigator, 'connection', { value: { effectiveType: '3g' } })")
        stage.log_in(page, weekend[1])
        expect(page.locator(".tile img.there").first).to_be_visible()
        assert not page.locator(".tile img[srcset]").count()


@pytest.mark.long
def test_the_reveal_happens_once(stage: Stage, weekend: tuple[Event, str, list[int]]) -> None:
    with stage.page("phone", reduced_motion="no-preference") as page:
        stage.log_in(page, weekend[1])
        expect(page.locator("#standing")).to_contain_text("Vous voilà !")
        style = "each => [getComputedStyle(each).animationName, getComputedStyle(each).animationDuration]"
        assert page.locator("#standing").evaluate(style) == ["met", "0.18s"]
        page.emulate_media(reduced_motion="reduce")
        assert page.locator("#standing").evaluate(style)[0] == "none"
        page.reload()
        expect(page.locator("#standing")).to_contain_text("photos de vous")
        expect(page.locator("#standing")).not_to_contain_text("Vous voilà")


def ring(page: Page, theme: Theme, colour: str) -> set[str]:
    """Return which colours the edge of a tile with the focus has, over a photo of one colour."""
    page.emulate_media(color_scheme=theme)
    picture = saved(Image.new("RGB", (720, 480), colour), "JPEG")
    page.route("**/api/photo/*?size=*", lambda route: route.fulfill(body=picture, content_type="image/jpeg"))
    page.reload()
    expect(page.locator(".tile img.there").first).to_be_visible()
    page.locator(".tile a").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    box = page.locator(".tile").first.bounding_box()
    assert box
    clip: Any = {"x": box["x"], "y": box["y"] + box["height"] / 2, "width": 12, "height": 1}
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L"))
    return {name for name, seen in (("dark", pixels < 60), ("light", pixels > 200)) if np.count_nonzero(seen) >= 3}


@pytest.mark.parametrize("colour", ["white", "black"])
@pytest.mark.long
def test_the_ring_of_the_focus_is_seen_on_any_photo_and_in_both_themes(
    stage: Stage, weekend: tuple[Event, str, list[int]], colour: str
) -> None:
    with stage.page("desktop") as page:
        stage.log_in(page, weekend[1])
        for theme in THEMES:
            assert ring(page, theme, colour) == {"dark", "light"}
            shoot(page, f"guest-ring-{colour}-{theme}", full_page=False)


@pytest.mark.long
def test_who_is_not_found_is_told_what_may_still_happen_and_can_try_another_portrait(stage: Stage) -> None:
    event = stage.event("Course du lac", guests_see_all_photos=True, **OPEN)
    guest = guest_found_as(stage, event, 7)
    send_photos(stage, event, [scene(3, 8), scene(4, 8)])
    with stage.page("phone") as page:
        stage.log_in(page, guest)
        expect(page.locator("#standing")).to_have_text(re.compile("les photos arrivent encore. 2 photos reçues"))
        expect(page.get_by_role("link", name="Essayer un autre portrait")).to_be_visible()
        shoot(page, "guest-not-found")
        assert axe(page) == []
        stage.as_guest(event, guest).call("DELETE", f"/api/my-consents/{event.id}")
        page.goto(f"/photos?event={event.id}")
        expect(page.get_by_role("link", name="Retrouver mes photos avec mon visage")).to_be_visible()
        # What the event shows to all is shown first.
        expect(page.locator(".tile")).to_have_count(2)
        shoot(page, "guest-withdrawn")
        stage.admin().call("PUT", f"/api/admin/events/{event.id}", json={"expires_at": "2026-01-01T00:00:00Z"})
        stage.as_guest(event, guest).call("POST", "/api/consent", json={"event_id": event.id, "version": "2026-11"})
        page.goto(f"/photos?event={event.id}")
        expect(page.locator("#standing")).to_contain_text("Cet événement est terminé")
        expect(page.get_by_role("link", name="Essayer un autre portrait")).to_be_hidden()

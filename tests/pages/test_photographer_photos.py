"""Photographers look through an event's photos, select, delete and restore them, and find their events."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from testkit.builders import people
from tests.conftest import wait_until
from tests.pages.guests import remove_photo
from tests.pages.stage import Event, Stage, axe, shoot

NUMBER = 14


@pytest.fixture
def event(stage: Stage, tmp_path: Path) -> Event:
    """An event with photos of one, two or three people, some upright, all processed."""
    event = stage.event()
    paths = []
    for each in range(NUMBER):
        path = tmp_path / f"IMG_{each:02}.JPG"
        shown = [1 + (each + more) % 9 for more in range(1 + each % 3)]
        path.write_bytes(people(*shown) + bytes([each]))
        paths.append(path)
    calls = stage.as_photographer(event)
    calls.upload(event.id, paths)
    wait_until(lambda: calls.call("GET", f"/api/photographer/events/{event.id}/progress")["done"] == NUMBER)
    return event


def number_of_photos(stage: Stage, event: Event) -> int:
    return len(stage.as_photographer(event).call("GET", f"/api/photographer/events/{event.id}/photos"))


def opened(stage: Stage, page: Page, event: Event) -> None:
    stage.log_in(page, event.photographer)
    page.goto(f"/studio/{event.id}")
    expect(page.locator(".shot:visible")).to_have_count(NUMBER)


@pytest.mark.parametrize(
    ("size", "language", "theme"),
    [("phone", "fr", "dark"), pytest.param("desktop", "en", "light", marks=pytest.mark.long)],
)
@pytest.mark.long
def test_photos_are_chosen_deleted_and_brought_back(
    stage: Stage, event: Event, size: str, language: str, theme: str
) -> None:
    with stage.page(size, language, color_scheme=theme) as page:
        opened(stage, page, event)
        expect(page.locator(".shot img[src]").first).to_be_visible()
        assert axe(page) == []
        shoot(page, f"studio-photos-{size}-{language}")
        page.locator(".shot .pick").nth(1).click()
        page.locator(".shot").nth(4).click(modifiers=["Shift"])
        expect(page.locator("#chosen")).to_contain_text("4 photos")
        assert axe(page) == []
        shoot(page, f"studio-chosen-{size}-{language}")
        page.click("#delete")
        expect(page.locator(".shot:visible")).to_have_count(NUMBER - 4)
        page.locator(".toast button").first.click()
        expect(page.locator(".shot:visible")).to_have_count(NUMBER)
        assert number_of_photos(stage, event) == NUMBER
        page.locator(".shot .pick").nth(0).click()
        page.keyboard.press("Delete")
        expect(page.locator(".shot:visible")).to_have_count(NUMBER - 1)
        # Leaving the page ends the time to undo.
        with page.expect_response(lambda answer: answer.request.method == "DELETE"):
            page.locator(".toast button").last.click()
        expect(page.locator(".shot")).to_have_count(NUMBER - 1)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert number_of_photos(stage, event) == NUMBER - 1


@pytest.mark.long
def test_leaving_the_page_ends_the_time_to_think(stage: Stage, event: Event) -> None:
    with stage.page("desktop") as page:
        opened(stage, page, event)
        page.locator(".shot .pick").nth(2).click()
        page.click("#delete")
        page.goto("/studio")
        wait_until(lambda: number_of_photos(stage, event) == NUMBER - 1)


@pytest.mark.long
def test_what_another_window_deleted_keeps_nothing_from_being_deleted(stage: Stage, event: Event) -> None:
    with stage.page("desktop") as page:
        opened(stage, page, event)
        remove_photo(stage, event, int(page.locator(".shot").nth(1).get_attribute("data-id") or 0))
        page.locator(".shot .pick").nth(0).click()
        page.locator(".shot .pick").nth(1).click()
        page.click("#delete")
        page.locator(".toast button").last.click()
        expect(page.locator(".shot")).to_have_count(NUMBER - 2)
        expect(page.locator(".toast")).to_have_count(0)
    assert number_of_photos(stage, event) == NUMBER - 2


@pytest.mark.long
def test_everything_can_be_done_from_the_keyboard(stage: Stage, event: Event) -> None:
    with stage.page("desktop") as page:
        opened(stage, page, event)
        page.locator(".shot").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        below, above = (
            page.evaluate("document.activeElement.offsetLeft"),
            page.locator("[aria-selected=true]").evaluate("shot => shot.offsetLeft"),
        )
        assert abs(below - above) < 200, "down leads to what is below"
        page.keyboard.press("ArrowUp")
        expect(page.locator(".shot:focus")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("End")
        page.keyboard.press("Shift+Space")
        expect(page.locator("[aria-selected=true]")).to_have_count(NUMBER - 1)
        page.keyboard.press("Escape")
        expect(page.locator("#chosen")).to_be_hidden()
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        expect(page.locator("#viewer img")).to_be_visible()
        page.wait_for_function("() => document.querySelector('#viewer img').naturalWidth > 0")
        assert axe(page) == []
        shoot(page, "studio-viewer")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#viewer p")).to_contain_text("IMG_12.JPG · ")
        page.keyboard.press("Escape")
        expect(page.locator(".shot:focus")).to_have_attribute("data-name", "IMG_12.JPG")
        page.keyboard.press("Control+a")
        expect(page.locator("[aria-selected=true]")).to_have_count(NUMBER)


@pytest.mark.long
def test_the_keys_of_the_list_work_on_the_open_photo_and_each_deletion_is_undone(stage: Stage, event: Event) -> None:
    with stage.page("desktop") as page:
        opened(stage, page, event)
        caption = page.locator("#viewer > p")
        page.locator(".shot").nth(2).click()
        expect(caption).to_contain_text("IMG_11.JPG")
        page.keyboard.press("End")
        expect(caption).to_contain_text("IMG_00.JPG")
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        expect(page.locator("#viewer .choose")).to_have_attribute("aria-pressed", "true")
        for name in ("IMG_11.JPG", "IMG_10.JPG"):
            page.keyboard.press("Delete")
            expect(caption).to_contain_text(name)
        page.locator("#viewer .delete").click()
        expect(caption).to_contain_text("IMG_09.JPG")
        # One thing to undo is seen at a time, and it covers nothing that can be done with the photo.
        expect(page.locator(".toast:visible")).to_have_count(1)
        toast, ways = page.locator(".toast:visible").bounding_box(), caption.bounding_box()
        assert toast
        assert ways
        assert toast["y"] + toast["height"] <= ways["y"]
        shoot(page, "studio-viewer-deleted")
        assert axe(page) == []
        for name in ("IMG_10.JPG", "IMG_11.JPG", "IMG_12.JPG"):
            page.locator(".toast:visible").get_by_role("button", name="Annuler").click()
            expect(caption).to_contain_text(name)
        expect(page.locator(".toast")).to_have_count(0)
        page.keyboard.press("?")
        expect(page.locator("#help")).to_contain_text("dix secondes pour annuler")
        assert axe(page) == []
        shoot(page, "studio-keys")
        page.keyboard.press("Escape")
        expect(page.locator("#help")).to_be_hidden()
        page.keyboard.press("Enter")
        expect(page.locator("#viewer")).to_be_hidden()
        expect(page.locator(".shot:visible")).to_have_count(NUMBER)
        # The list is asked for anew while a photo waits to be deleted: the photo does not come back.
        page.keyboard.press("Space")
        page.keyboard.press("Delete")
        with page.expect_response(lambda answer: "/photos?" in answer.url):
            page.get_by_role("link", name="Heure de prise").click()
        page.wait_for_function("number => document.querySelectorAll('.shot').length === number", arg=NUMBER)
        expect(page.locator(".shot:visible")).to_have_count(NUMBER - 1)
        page.locator(".toast:visible button").last.click()
        expect(page.locator(".shot")).to_have_count(NUMBER - 1)
    assert number_of_photos(stage, event) == NUMBER - 1


@pytest.mark.long
def test_files_over_the_window_are_seen_from_everywhere(stage: Stage, event: Event, tmp_path: Path) -> None:
    file = tmp_path / "late.jpg"
    file.write_bytes(people(9))
    with stage.page("desktop") as page:
        page.set_viewport_size({"width": 800, "height": 300})
        opened(stage, page, event)
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        line, over = page.context.new_cdp_session(page), page.locator("#dropping")

        def drag(kind: str, **data: list[object]) -> None:
            whole = {"items": [], "dragOperationsMask": 1, **data}
            line.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 100, "data": whole})

        words: list[object] = [{"mimeType": "text/plain", "data": "words"}]
        drag("dragEnter", items=words)
        drag("dragOver", items=words)
        page.wait_for_timeout(100)
        expect(over).to_be_hidden()
        drag("dragEnter", files=[str(file)])
        drag("dragOver", files=[str(file)])
        expect(over).to_be_in_viewport()
        expect(over).to_have_text("Lâchez vos photos ici : elles partent pour « Mariage de Léa et Tom ».")
        shoot(page, "studio-dropping", full_page=False)
        # The browser's protocol cannot leave the window.
        page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', { bubbles: true }))")
        expect(over).to_be_hidden()
        drag("dragOver", files=[str(file)])
        expect(over).to_be_visible()
        page.mouse.move(310, 110)
        expect(over).to_be_hidden()
        # Above an open photo too.
        page.locator(".shot:visible").last.click()
        drag("dragEnter", files=[str(file)])
        drag("dragOver", files=[str(file)])
        expect(over).to_be_visible()
        drag("drop", files=[str(file)])
        expect(over).to_be_hidden()
        expect(page.locator("#sent")).to_have_text("1 photo envoyée")


def test_the_back_button_closes_the_viewer_and_an_undo_stays_in_reach(stage: Stage, event: Event) -> None:
    with stage.page("desktop") as page:
        opened(stage, page, event)
        page.locator(".shot .pick").nth(0).click()
        page.click("#delete")
        page.locator(".shot:visible").nth(1).click()
        expect(page.locator("#viewer img")).to_be_visible()
        page.locator(".toast button").first.click()
        expect(page.locator(".toast")).to_have_count(0)
        page.get_by_role("button", name="Photo suivante").click()
        name = page.locator("#viewer p").inner_text().split(" · ")[0]
        page.go_back()
        expect(page.locator("#viewer")).to_be_hidden()
        assert page.url.endswith(f"/studio/{event.id}")
        expect(page.locator(".shot:focus")).to_have_attribute("data-name", name)
        expect(page.locator(".shot:visible")).to_have_count(NUMBER)


@pytest.mark.long
def test_a_cover_stands_for_the_event(stage: Stage, event: Event) -> None:
    with stage.page("desktop") as page:
        opened(stage, page, event)
        page.locator(".shot .pick").nth(3).click()
        page.click("#cover")
        expect(page.locator(".toast")).to_contain_text("la photo de couverture")
        expect(page.locator(".is-cover")).to_have_attribute("data-name", "IMG_10.JPG")
        page.goto("/studio")
        page.wait_for_function("() => document.querySelector('img.cover').naturalWidth > 0")
        expect(page.locator(".card")).to_contain_text("14 photos · 0 invité")
        assert axe(page) == []
        shoot(page, "studio")


@pytest.mark.long
def test_photos_that_come_meanwhile_wait_to_be_asked_for(stage: Stage, event: Event, tmp_path: Path) -> None:
    with stage.page("desktop") as page:
        opened(stage, page, event)
        late = tmp_path / "late.jpg"
        late.write_bytes(people(9))
        stage.as_photographer(event).upload(event.id, [late])
        expect(page.locator("#fresh")).to_have_text("1 nouvelle photo : l’afficher")
        expect(page.locator(".shot")).to_have_count(NUMBER)
        page.click("#fresh")
        expect(page.locator(".shot").first).to_have_attribute("data-name", "late.jpg")


@pytest.mark.long
def test_an_event_without_photos_and_a_photographer_without_events(stage: Stage) -> None:
    empty = stage.event("Course de la ville")
    with stage.page("phone", "fr") as page:
        stage.log_in(page, empty.photographer)
        page.click(".card")
        expect(page.locator("#nothing")).to_have_text("Les photos apparaîtront ici dès qu’elles arrivent.")
        assert axe(page) == []
        shoot(page, "studio-empty-phone")
        answer = page.goto("/studio/999999")
        assert answer is not None
        assert answer.status == 404
        stage.admin().call("DELETE", f"/api/admin/events/{empty.id}")
        page.goto("/studio")
        expect(page.locator("main")).to_contain_text("Aucun événement ne vous est confié pour le moment.")


@pytest.mark.parametrize("with_pictures", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.long
def test_photos_come_as_one_scrolls_and_only_pictures_near_the_screen_exist(
    stage: Stage, tmp_path: Path, with_pictures: bool
) -> None:
    event, number = stage.event(), 220
    paths = [tmp_path / f"{each:03}.JPG" for each in range(number)]
    for each, path in enumerate(paths):
        path.write_bytes(people(1 + each % 5) + str(each).encode())
    stage.as_photographer(event).upload(event.id, paths)
    # The order is that of upload, whether processed or not.
    with stage.page("phone") as page:
        stage.log_in(page, event.photographer)
        page.goto(f"/studio/{event.id}")
        expect(page.locator(".shot")).not_to_have_count(number)
        for _ in range(40):
            page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
            page.wait_for_timeout(100)
            if page.locator(".shot").count() == number:
                break
        names = page.locator(".shot").evaluate_all("shots => shots.map((shot) => shot.dataset.name)")
        assert names == [path.name for path in reversed(paths)]
        if not with_pictures:
            # With it go the photos that are still to be processed.
            stage.admin().call("DELETE", f"/api/admin/events/{event.id}")
            return
        # The first uploads are processed first; their pictures appear in place.
        page.wait_for_function("() => document.querySelectorAll('.shot img').length > 150", timeout=90_000)
        page.wait_for_function("() => document.querySelector('.shot img[src]')")
        assert page.locator(".shot img[src]").count() < 100

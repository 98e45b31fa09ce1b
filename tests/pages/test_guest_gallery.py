"""The gallery and its viewer, on phones and desktops, with the fake engine."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from testkit.builders import OPEN, people
from testkit.passwords import PASSWORD
from tests.pages.guests import guest_found_as, remove_photo, scene, send_photos, send_portrait
from tests.pages.stage import Event, Stage, axe, shoot

DESCRIBED = re.compile(r"^Photo (\d+) sur")


@pytest.fixture(scope="module")
def party(stage: Stage) -> tuple[Event, str]:
    """An event whose guests see all photos, with a guest who is in 24 of 30."""
    event = stage.event("Fête d’été", guests_see_all_photos=True, **OPEN)
    guest = guest_found_as(stage, event, 5)
    mine = [scene(number, 5, *([9] if number % 3 else []), tall=number % 4 == 0) for number in range(24)]
    others = [scene(30 + number, 17) for number in range(6)]
    send_photos(stage, event, mine + others)
    return event, guest


def current(page: Page) -> int:
    """Return the position of the photo in the viewer."""
    found = DESCRIBED.match(page.locator(".viewer .place").inner_text())
    assert found
    return int(found[1])


def overlaps(page: Page) -> list[str]:
    """Return tiles that overlap, leave the screen or do not have the shape of their picture."""
    found: list[str] = page.evaluate(
        """() => {
            const tiles = [...document.querySelectorAll('.tile')].map((tile) => [tile, tile.getBoundingClientRect()]);
            const wrong = [];
            for (const [tile, box] of tiles) {
                if (box.left < 0 || box.right > innerWidth + 0.5) wrong.push('outside ' + tile.dataset.id);
                const image = tile.querySelector('img');
                const [has, wants] = [box.width / box.height, image.naturalWidth / image.naturalHeight];
                if (wants && Math.abs(has / wants - 1) > 0.02) wrong.push('cropped ' + tile.dataset.id);
                for (const [other, area] of tiles)
                    if (other !== tile && box.left < area.right - 1 && area.left < box.right - 1 &&
                        box.top < area.bottom - 1 && area.top < box.bottom - 1)
                        wrong.push('on another ' + tile.dataset.id);
            }
            return wrong;
        }"""
    )
    return found


@pytest.mark.parametrize(
    ("size", "theme"), [("phone", "dark"), pytest.param("desktop", "light", marks=pytest.mark.long)]
)
def test_photos_lie_in_rows_without_cropping_and_nothing_moves(
    stage: Stage, party: tuple[Event, str], size: str, theme: str
) -> None:
    with stage.page(size, color_scheme=theme) as page:
        stage.log_in(page, party[1])
        page.evaluate(
            """() => new PerformanceObserver((list) => {
                window.moved = (window.moved ?? 0) + list.getEntries().reduce((sum, each) => sum + each.value, 0);
            }).observe({ type: 'layout-shift', buffered: true })"""
        )
        expect(page.locator("#standing")).to_contain_text("24 photos de vous")
        expect(page.locator(".tile img.there").nth(5)).to_be_visible()
        assert overlaps(page) == []
        shoot(page, f"guest-gallery-{size}")
        assert axe(page) == []
        page.set_viewport_size({"width": 700, "height": 500})
        page.wait_for_timeout(100)
        assert overlaps(page) == []
        page.get_by_role("link", name="Toutes 30").click()
        expect(page.locator(".tabs [aria-current]")).to_have_text("Toutes 30")
        expect(page.locator(".tile").first).to_be_visible()
        assert page.evaluate("window.moved ?? 0") < 0.02


@pytest.mark.long
def test_the_viewer_by_keyboard_finger_and_back_button(stage: Stage, party: tuple[Event, str]) -> None:
    with stage.page() as page:
        stage.log_in(page, party[1])
        page.locator(".tile a").nth(1).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        assert current(page) == 2
        for _ in range(12):
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            )
        page.keyboard.press("ArrowRight")
        assert current(page) == 3
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert current(page) == 1
        swipe(page, -180)
        assert current(page) == 2
        swipe(page, 40, slowly=True)
        assert current(page) == 2, "a small move is no swipe"
        page.locator(".stage").dblclick(position={"x": 195, "y": 380})
        assert "scale(2.5)" in str(page.locator(".slide:not([inert]) .picture").get_attribute("style"))
        expect(dialog.locator(".slide:not([inert]) img.there")).to_be_visible()
        assert axe(page) == []
        page.reload()
        expect(dialog).to_be_visible()
        assert current(page) == 2
        page.go_back()
        expect(dialog).to_be_hidden()
        assert page.url.endswith("/photos")


def swipe(page: Page, distance: int, *, slowly: bool = False) -> None:
    page.mouse.move(200, 400)
    page.mouse.down()
    page.mouse.move(200 + distance // 2, 402)
    if slowly:
        page.wait_for_timeout(300)
    page.mouse.move(200 + distance, 402)
    page.mouse.up()


def test_sharing_hands_over_the_picture_and_else_keeps_it(stage: Stage, party: tuple[Event, str]) -> None:
    with stage.page() as page:
        page.add_init_script(
            "navigator.canShare = () => true;"
            " navigator.share = async ({ files: [file] }) => { window.shared = [file.name, file.type, file.size]; }"
        )
        stage.log_in(page, party[1])
        page.locator(".tile a").first.click()
        page.get_by_role("button", name="Partager").click()
        page.wait_for_function("() => window.shared")
        name, kind, length = page.evaluate("window.shared")
        assert (name[-4:], kind) == (".jpg", "image/jpeg")
        assert length > 1000
        page.evaluate("navigator.canShare = () => false")
        with page.expect_download():
            page.get_by_role("button", name="Partager").click()


@pytest.mark.long
def test_a_photo_deleted_while_it_is_shown_is_told_in_words(stage: Stage) -> None:
    event = stage.event(**OPEN)
    guest = guest_found_as(stage, event, 3)
    ids = send_photos(stage, event, [scene(number, 3) for number in range(3)])
    with stage.page() as page:
        stage.log_in(page, guest)
        page.locator(".tile a").first.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".slide:not([inert]) img.there")).to_be_visible()
        remove_photo(stage, event, ids[0])
        dialog.get_by_role("button", name="Favori").click()
        expect(dialog.get_by_role("alert")).to_contain_text("vient d’être retirée")
        shoot(page, "guest-viewer-gone", full_page=False)
        assert axe(page) == []
        page.keyboard.press("ArrowRight")
        expect(dialog.locator(".slide:not([inert]) img.there")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".tile")).to_have_count(2)
        expect(page.locator("#standing")).to_contain_text("2 photos de vous")


def test_photos_appear_by_themselves_from_none_to_many(stage: Stage) -> None:
    event = stage.event(**OPEN)
    guest = stage.guest(event)
    with stage.page() as page:
        page.clock.install(time=datetime.now(UTC))
        stage.log_in(page, guest)
        expect(page.locator("#standing")).to_have_text("Il nous manque votre portrait pour retrouver vos photos.")
        expect(page.get_by_role("link", name="Envoyer mon portrait")).to_be_visible()
        shoot(page, "guest-no-portrait")
        assert axe(page) == []
        send_portrait(stage, event, guest, people(7))
        page.clock.run_for(9000)
        expect(page.locator("#standing")).to_contain_text("Les photos ne sont pas encore arrivées")
        send_photos(stage, event, [scene(1, 8)])
        page.clock.run_for(9000)
        expect(page.locator("#standing")).to_contain_text("Pas encore de photo de vous")
        expect(page.locator("#standing")).to_contain_text("1 photo reçue")
        shoot(page, "guest-none-yet")
        send_photos(stage, event, [scene(10 + number, 7) for number in range(2)])
        page.clock.run_for(9000)
        expect(page.locator("#standing")).to_contain_text("Vous voilà ! 2 photos de vous.")
        expect(page.locator(".tile")).to_have_count(2)
        # The page is told of the first at once, and asks again only when all 18 are processed.
        page.clock.pause_at(datetime.fromtimestamp(page.evaluate("Date.now()") / 1000 + 1, UTC))
        send_photos(stage, event, [scene(20 + number, 7, 8) for number in range(18)])
        page.clock.run_for(9000)
        page.clock.resume()
        expect(page.locator("#toasts")).to_contain_text("nouvelle")
        expect(page.locator("#count-matched")).to_have_text("20")
        page.mouse.wheel(0, 900)
        page.wait_for_function("() => scrollY > 300")
        send_photos(stage, event, [scene(50, 7), scene(51, 7)])
        page.clock.run_for(9000)
        page.get_by_role("button", name="2 nouvelles photos").click()
        # By the time they were taken, new photos are not at the top: the first of them is brought to the screen.
        expect(page.locator(".tile a:focus img")).to_have_attribute("alt", "Photo 21 sur 22")
        expect(page.locator(".tile a:focus")).to_be_in_viewport()
        page.reload()
        expect(page.locator("#standing")).to_have_text("22 photos de vous.")


@pytest.mark.long
def test_a_session_that_ends_leads_to_the_login_and_back(stage: Stage, party: tuple[Event, str]) -> None:
    event, guest = party
    with stage.page() as page:
        page.clock.install(time=datetime.now(UTC))
        stage.log_in(page, guest)
        page.goto(f"/photos?event={event.id}&show=favourites")
        expect(page.locator("#empty")).to_contain_text("Touchez le cœur")
        page.context.clear_cookies(name="reperio_session")
        page.clock.run_for(9000)
        page.wait_for_url("**/login?next=*")
        page.fill("#username", guest)
        page.fill("#password", PASSWORD)
        page.click("main button.main")
        page.wait_for_url(f"**/photos?event={event.id}&show=favourites")
        page.go_back()
        page.wait_for_url("**/photos**")


@pytest.mark.long
def test_two_windows_of_one_guest_agree(stage: Stage, party: tuple[Event, str]) -> None:
    event, guest = party
    with stage.page() as page:
        page.clock.install(time=datetime.now(UTC) + timedelta(seconds=1))
        stage.log_in(page, guest)
        page.goto(f"/photos?event={event.id}&show=favourites")
        other = page.context.new_page()
        other.goto(f"/photos?event={event.id}")
        untouched = other.locator(".tile").last.element_handle()
        other.locator(".tile a").nth(3).click()
        keep = other.get_by_role("button", name="Favori")
        keep.click()
        expect(keep).to_have_attribute("aria-pressed", "true")
        other.wait_for_load_state("networkidle")
        page.clock.run_for(9000)
        expect(page.locator(".tile")).to_have_count(1)
        expect(page.locator("#count-favourites")).to_have_text("1")
        other.keyboard.press("Escape")
        expect(other.locator(".heart")).to_have_count(1)
        assert untouched
        assert untouched.evaluate("tile => tile.isConnected"), "what did not change is not made again"


@pytest.mark.long
def test_not_me_pressed_twice_refuses_one_photo(stage: Stage, party: tuple[Event, str]) -> None:
    event, guest = party
    refused: list[str] = []
    with stage.page("desktop") as page:
        stage.log_in(page, guest, code=event.code)
        page.on("request", lambda sent: refused.append(sent.url) if sent.url.endswith("/not-me") else None)
        page.locator(".tile a").nth(2).click()
        dialog = page.get_by_role("dialog")
        button = dialog.get_by_role("button", name="Pas moi")
        button.dblclick()
        expect(dialog.locator(".place")).to_contain_text("Photo 3 sur 23")
        button.click()
        page.wait_for_timeout(300)
        assert len(refused) == 1
        expect(page.locator(".toast")).to_have_count(1)
        page.get_by_role("button", name="Annuler").click()
        expect(dialog.locator(".place")).to_contain_text("Photo 3 sur 24")


@pytest.mark.long
def test_a_photo_taken_back_stays_while_the_list_is_slow_to_come(stage: Stage, party: tuple[Event, str]) -> None:
    event, guest = party
    held: list[Route] = []
    with stage.page("desktop") as page:
        stage.log_in(page, guest, code=event.code)
        first = page.locator(".tile").first
        photo = first.get_attribute("data-id")
        first.locator("a").click()
        dialog = page.get_by_role("dialog")
        with page.expect_response("**/photos/rows?*"):
            dialog.get_by_role("button", name="Pas moi").click()
        page.route("**/photos/rows?*", lambda route: held.append(route))
        page.get_by_role("button", name="Annuler").click()
        expect(dialog.locator(".place")).to_contain_text("Photo 1 sur 24")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.locator(f".tile[data-id='{photo}'] a")).to_be_focused()
        for route in held:
            route.continue_()
        page.unroute("**/photos/rows?*")
        expect(page.locator("#standing")).to_contain_text("24 photos")
        expect(page.locator(f".tile[data-id='{photo}'] a")).to_be_focused()


def test_events_are_kept_apart(stage: Stage, party: tuple[Event, str]) -> None:
    with stage.page() as page:
        stranger = stage.guest(stage.event("Course de la ville", **OPEN))
        stage.log_in(page, stranger)
        assert page.request.get(f"/photos?event={party[0].id}").status == 403
        for part in ("rows", "standing", "weight"):
            assert page.request.get(f"/photos/{part}?event={party[0].id}").status == 403
        assert page.request.get("/photos/weight?event=1&show=nothing").status == 422

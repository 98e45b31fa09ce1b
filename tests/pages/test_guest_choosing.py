"""Choosing several photos in the gallery: by touch, by mouse, by keys; and what is done with them."""

import zipfile

import pytest
from playwright.sync_api import Page, expect

from testkit.builders import OPEN
from tests.pages.guests import guest_found_as, remove_photo, scene, send_photos
from tests.pages.stage import Event, Stage, axe, shoot

pytestmark = pytest.mark.long

Party = tuple[Event, str, list[int]]
BAR = "[data-choosing=bar]"
SAID = "[data-choosing=said]"


@pytest.fixture(scope="module")
def party(stage: Stage) -> Party:
    """An event with a guest who is in 24 photos."""
    return gathered(stage, "Camille", 24)


def gathered(stage: Stage, name: str, number: int) -> Party:
    event = stage.event("Fête d’été", **OPEN)
    guest = guest_found_as(stage, event, 5, name)
    ids: list[int] = []
    for begin in range(0, number, 26):
        some = range(begin, min(begin + 26, number))
        ids += send_photos(stage, event, [scene(each, 5, tall=each % 4 == 0) for each in some])
    return event, guest, ids


def opened(stage: Stage, page: Page, party: Party) -> None:
    stage.log_in(page, party[1], code=party[0].code)
    expect(page.locator("[data-choosing=begin]")).to_be_visible()


def chosen(page: Page) -> int:
    return page.locator(".tile.chosen").count()


def test_on_a_phone_photos_are_chosen_by_a_long_press_and_shown_to_others_by_a_link(
    stage: Stage, party: Party
) -> None:
    with stage.page("phone", "fr") as page:
        page.set_viewport_size({"width": 360, "height": 640})
        opened(stage, page, party)
        before = page.locator(".tile").first.bounding_box()
        shoot(page, "choosing-begin", full_page=False)
        page.locator(".tile a").first.dispatch_event("pointerdown", {"pointerType": "touch"})
        expect(page.locator(SAID)).to_have_text("1 photo")
        assert page.locator(".tile").first.bounding_box() == before, "the bar moves nothing"
        page.locator(".tile").nth(1).tap()
        page.locator(".tile").nth(2).tap()
        expect(page.locator(SAID)).to_have_text("3 photos")
        assert page.locator(BAR).evaluate("bar => bar.getBoundingClientRect().top") > 480, "within the thumb's reach"
        assert axe(page) == []
        shoot(page, "choosing-phone", full_page=False)
        page.locator("[data-choosing=panel] summary").click()
        page.locator("[data-choosing=name]").check()
        shoot(page, "choosing-link", full_page=False)
        assert axe(page) == []
        # Here is neither a clipboard nor a list of apps: the page with the link opens.
        page.get_by_role("button", name="Créer le lien").click()
        page.wait_for_url("**/links")
        expect(page.locator(".group").first).to_contain_text("3 photos")
        link = page.get_by_label("Adresse du lien").first.input_value()
        assert axe(page) == []
        shoot(page, "links-phone", full_page=False)
    with stage.page("phone", "fr") as page:
        page.goto("/shared/" + link.rpartition("/")[2])
        expect(page.locator(".shared img")).to_have_count(3)
        expect(page.locator("main")).to_contain_text("par Camille")


def test_with_mouse_and_keys_up_to_all_of_them(stage: Stage, party: Party) -> None:
    with stage.page("desktop", "en", color_scheme="dark") as page:
        opened(stage, page, party)
        tiles = page.locator(".tile")
        tiles.nth(1).hover()
        tiles.nth(1).locator(".pick").click()
        tiles.nth(4).click(modifiers=["Shift"])
        assert chosen(page) == 4
        tiles.nth(2).click(modifiers=["Control"])
        assert chosen(page) == 3
        shoot(page, "choosing-desktop", full_page=False)
        page.keyboard.press("Escape")
        assert chosen(page) == 0
        expect(page.locator(BAR)).to_be_hidden()
        tiles.nth(0).locator("a").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowRight")
        assert chosen(page) == 3
        page.keyboard.press("Shift+ArrowDown")
        assert chosen(page) > 3
        expect(tiles.nth(0).get_by_role("checkbox")).to_be_checked()
        page.keyboard.press("Control+a")
        expect(page.locator(SAID)).to_have_text("24 photos")
        # Tiles that are made later have their look from the start.
        first = tiles.first.get_attribute("data-id")
        page.set_viewport_size({"width": 1280, "height": 200})
        page.evaluate("document.activeElement.blur(), scrollTo(0, document.body.scrollHeight)")
        expect(page.locator(f"[data-id='{first}']")).to_have_count(0)
        expect(page.locator(".tile:not(.chosen)")).to_have_count(0)
        page.keyboard.press("Control+a")
        expect(page.locator(SAID)).to_have_text("Tap some photos")


@pytest.mark.long
def test_all_of_a_list_is_chosen_also_what_is_not_loaded_yet(stage: Stage) -> None:
    party = gathered(stage, "Dominique", 104)
    with stage.page("phone", "fr") as page:
        opened(stage, page, party)
        page.locator("[data-choosing=begin]").click()
        page.locator(BAR).get_by_role("button", name="Tout").click()
        expect(page.locator(SAID)).to_have_text("104 photos")
        with page.expect_download() as saved:
            page.locator(BAR).get_by_role("button", name="ZIP").click()
        with zipfile.ZipFile(saved.value.path()) as archive:
            assert len(archive.namelist()) == 104


def test_a_choice_is_downloaded_without_what_is_gone(stage: Stage, party: Party) -> None:
    event, _, ids = party
    with stage.page("desktop", "fr") as page:
        opened(stage, page, party)
        for place in (0, 1, 2):
            page.locator(".tile").nth(place).click(modifiers=["Control"])
        gone = int(page.locator(".tile").first.get_attribute("data-id") or 0)
        assert gone in ids
        remove_photo(stage, event, gone)
        with page.expect_download() as saved:
            page.get_by_role("button", name="Enregistrer").click()
        with zipfile.ZipFile(saved.value.path()) as archive:
            assert len(archive.namelist()) == 2
        expect(page.locator(".toast", has_text="1 photo n’est plus dans votre galerie")).to_be_visible()


def test_on_a_phone_the_files_are_handed_to_its_own_sheet(stage: Stage, party: Party) -> None:
    with stage.page("phone", "fr", is_mobile=True) as page:
        page.add_init_script(
            "navigator.canShare = () => true; navigator.share = async ({ files }) => {"
            "  if (!window.twice) { window.twice = true; throw new DOMException('late', 'NotAllowedError'); }"
            "  window.shared = files.map(({ name, type, size }) => [name, type, size > 1000]); }"
        )
        opened(stage, page, party)
        page.locator("[data-choosing=begin]").click()
        expect(page.locator(SAID)).to_have_text("Touchez des photos")
        expect(page.get_by_role("button", name="Enregistrer")).to_be_disabled()
        for place in (0, 1):
            page.locator(".tile").nth(place).tap()
        page.get_by_role("button", name="Enregistrer").click()
        expect(page.locator(SAID)).to_have_text("C’est prêt. Touchez encore « Enregistrer ».")
        page.get_by_role("button", name="Enregistrer").click()
        expect(page.locator(BAR)).to_be_hidden()
        shared = page.evaluate("window.shared")
        assert [(kind, full) for _, kind, full in shared] == [("image/jpeg", True)] * 2
        # And several favourites at once.
        page.locator("[data-choosing=begin]").click()
        for place in (0, 1, 2):
            page.locator(".tile").nth(place).tap()
        page.get_by_role("button", name="Favoris").click()
        expect(page.locator(".tile .heart")).to_have_count(3)
        expect(page.locator("#count-favourites")).to_have_text("3")
        page.locator(".toast").get_by_role("button", name="Annuler").click()
        expect(page.locator(".tile .heart")).to_have_count(0)

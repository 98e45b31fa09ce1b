"""A photographer shows photos to everyone, and a guest who sees only their own finds them in a list beside these."""

from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from tests.pages.guests import guest_found_as, scene, send_photos
from tests.pages.stage import SIZES, Stage, axe, shoot


def chosen_by_keyboard(page: Page) -> None:
    """Choose the first two photos and press the button, with the keyboard alone."""
    page.locator(".shot").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    button = page.get_by_role("button", name="Pour tout le monde")
    for _ in range(5):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")


def test_photos_are_shown_to_everyone_and_hidden_again(stage: Stage) -> None:
    event = stage.event()
    guest = guest_found_as(stage, event, 1)
    send_photos(stage, event, [scene(1, 1), scene(2, 1, tall=True), scene(3, 2, 3), scene(4), scene(5, 4, tall=True)])
    with stage.page("phone") as phone, stage.page("desktop") as studio:
        phone.clock.install(time=datetime.now(UTC))
        stage.log_in(phone, guest)
        expect(phone.locator(".tile")).to_have_count(2)
        expect(phone.locator(".tabs a:visible")).to_have_text(["Mes photos 2", "Favoris 0", "Ensemble"])
        stage.log_in(studio, event.photographer)
        studio.goto(f"/studio/{event.id}")
        chosen_by_keyboard(studio)
        expect(studio.locator(".toast")).to_contain_text("2 photos sont maintenant visibles par tout le monde.")
        shown = studio.get_by_role("option", name="pour tout le monde")
        expect(shown).to_have_count(2)
        expect(studio.locator(".everyone:visible")).to_have_count(2)
        assert studio.evaluate("document.activeElement.matches('.shot')"), "the focus is back among the photos"
        studio.keyboard.press("Space")
        expect(studio.locator("#everyone")).to_have_attribute("aria-pressed", "true")
        studio.keyboard.press("Control+a")
        expect(studio.locator("#everyone")).to_have_attribute("aria-pressed", "mixed")
        assert axe(studio) == []
        shoot(studio, "studio-everyone-desktop")
        studio.set_viewport_size(SIZES["phone"])
        expect(studio.locator("#everyone")).to_be_in_viewport()
        assert studio.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        shoot(studio, "studio-everyone-phone", full_page=False)
        phone.clock.run_for(9000)
        phone.get_by_role("link", name="Partagées 2").click()
        expect(phone.locator(".tabs [aria-current]")).to_have_text("Partagées 2")
        expect(phone.locator(".tile img.there")).to_have_count(2)
        assert axe(phone) == []
        shoot(phone, "guest-everyone-phone", full_page=False)
        studio.get_by_role("button", name="Annuler").click()
        expect(shown).to_have_count(0)
        phone.clock.run_for(9000)
        expect(phone.locator(".tile")).to_have_count(0)
        expect(phone.locator("#empty")).to_have_text("Il n’y a plus de photo pour tout le monde en ce moment.")
        phone.reload()
        expect(phone.locator(".tabs [aria-current]")).to_have_text("Mes photos 2")
        expect(phone.locator(".tabs a:visible")).to_have_text(["Mes photos 2", "Favoris 0", "Ensemble"])

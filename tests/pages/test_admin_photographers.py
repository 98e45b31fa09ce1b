"""The administrator's pages of photographers: create, change, close and delete accounts."""

import re

import pytest
from playwright.sync_api import Page, expect

from testkit.passwords import OTHER_PASSWORD, PASSWORD
from testkit.servers import Api, BenchError
from tests.pages.stage import Stage, as_admin, axe, shoot


@pytest.mark.long
def test_a_photographer_is_made_changed_closed_and_deleted(stage: Stage) -> None:
    with stage.page() as page:
        as_admin(stage, page, "/admin/photographers")
        page.get_by_role("link", name="Nouveau photographe").click()
        _fill(page, "léa.photo", "lea@example.org", "court")
        page.locator("main form").evaluate("form => (form.noValidate = true)")
        page.click("main button.main")
        expect(page.locator("#password-about")).to_have_text("Le mot de passe doit avoir au moins 15 caractères.")
        assert page.locator("#username").input_value() == "léa.photo"
        assert page.locator("#password").input_value() == ""
        assert axe(page) == []
        page.fill("#password", PASSWORD)
        page.dblclick("main button.main")
        expect(page.get_by_role("status").first).to_contain_text("Le compte est créé.")
        Api(stage.server).logged_in("léa.photo", PASSWORD)
        shoot(page, "admin-photographer")
        assert axe(page) == []

        page.fill("#email", "lea.martin@example.org")
        page.fill("#password", OTHER_PASSWORD)
        page.get_by_role("button", name="Enregistrer").click()
        expect(page.get_by_role("status").first).to_contain_text("Le nouveau mot de passe est enregistré.")
        logged_in = Api(stage.server).logged_in("lea.martin@example.org", OTHER_PASSWORD)
        page.get_by_role("button", name="Fermer le compte").click()
        expect(page.locator("main .badge")).to_have_text("fermé")
        with pytest.raises(BenchError, match="401"):
            logged_in.call("GET", "/api/me")
        page.get_by_role("button", name="Rouvrir le compte").click()
        expect(page.locator("main .badge")).to_have_text("ouvert")

        page.get_by_role("link", name="Supprimer le compte…").click()
        expect(page.locator("main")).to_contain_text("0 photo reste")
        assert axe(page) == []
        page.get_by_role("button", name="Supprimer le compte").click()
        expect(page.get_by_role("status").first).to_contain_text("Le compte est supprimé.")
        with pytest.raises(BenchError, match="401"):
            Api(stage.server).logged_in("léa.photo", OTHER_PASSWORD)


@pytest.mark.long
def test_a_name_that_is_taken_is_refused_and_the_list_is_for_everybody(stage: Stage) -> None:
    taken = stage.event("Le bal").photographer
    with stage.page("desktop", "en", java_script_enabled=False) as page:
        as_admin(stage, page, "/admin/photographers/new")
        _fill(page, taken, "somebody.else@example.org", PASSWORD)
        page.click("main button.main")
        expect(page.locator("#username-about")).to_have_text("This name or address is taken.")
        _fill(page, "an@other.org", "somebody.else@example.org", PASSWORD)
        page.click("main button.main")
        expect(page.locator("#username-about")).to_contain_text("must be the account’s own email address")
        assert page.locator("#email").input_value() == "somebody.else@example.org"
    with stage.page("desktop", "en") as page:
        as_admin(stage, page, "/admin/photographers")
        expect(page.get_by_role("row", name=re.compile(taken))).to_contain_text("Le bal")
        assert axe(page) == []
        shoot(page, "admin-photographers")


def _fill(page: Page, username: str, email: str, password: str) -> None:
    page.fill("#username", username)
    page.fill("#email", email)
    page.fill("#password", password)

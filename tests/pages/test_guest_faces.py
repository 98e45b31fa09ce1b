"""Several portraits, "maybe you", "this is me" and photos together, in a browser with the fake engine."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from testkit.builders import OPEN, people
from testkit.passwords import PASSWORD
from tests.pages.guests import guest_found_as, scene, send_photos, send_portrait
from tests.pages.stage import Event, Stage, axe, shoot

pytestmark = pytest.mark.long

# Where `scene(2, …)` draws its first two people: left, top, width, height in parts of the picture.
FACES = [(60 / 720, 122 / 480, 120 / 720, 120 / 480), (220 / 720, 122 / 480, 120 / 720, 120 / 480)]
# A candidate that nothing but similarity speaks for: the fake engine makes none.
ASKED = """
    INSERT OR REPLACE INTO face_candidates
        (user_id, face_id, event_id, selfie_id, similarity, accepted, confirmed, standing)
    SELECT users.id, faces.id, faces.event_id, selfies.id, 0.38, 0, 0, 'maybe'
    FROM faces JOIN users ON users.username = ? JOIN selfies ON selfies.user_id = users.id
    WHERE faces.photo_id = ? ORDER BY selfies.id LIMIT 1
"""


class Gathering:
    """An event where guests see their own photos: Ana and Ben are in one together; others stand for themselves."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.event = stage.event("Mariage de Léa et Tom", **OPEN)
        self.ana, self.ben = stage.guest(self.event, "Ana"), stage.guest(self.event, "Ben")
        send_portrait(stage, self.event, self.ana, people(5))
        send_portrait(stage, self.event, self.ben, people(9))
        photos = [scene(1, 5), scene(2, 17, 21), scene(3, 5, 9), scene(4, 9), scene(5, 30)]
        self.alone, self.shared, self.both, self.bens, self.stranger = send_photos(stage, self.event, photos)
        path = f"/api/photographer/photos/{self.shared}"
        stage.as_photographer(self.event).call("PUT", path, json={"for_everyone": True})
        self._database = folder / "bench.db"

    def ask_ana(self, photo_id: int) -> None:
        """Let Ana be asked about the first face of a photo."""
        with closing(sqlite3.connect(self._database, timeout=30)) as connection, connection:
            connection.execute(ASKED, (self.ana, photo_id))


@pytest.fixture(scope="module")
def gathering(stage: Stage, server_folder: Path) -> Gathering:
    """See `Gathering`."""
    return Gathering(stage, server_folder)


def test_a_guest_answers_about_faces_and_names_one_in_the_viewer(stage: Stage, gathering: Gathering) -> None:
    for photo in (gathering.stranger, gathering.shared):
        gathering.ask_ana(photo)
    with stage.page(color_scheme="dark") as page:
        stage.log_in(page, gathering.ana)
        shoot(page, "guest-asked-phone")
        page.get_by_role("link", name="Peut-être vous 2").click()
        expect(page.locator("#asked > li")).to_have_count(2)
        expect(page.locator("#asked a.crop")).to_have_count(1)
        page.wait_for_function("() => [...document.querySelectorAll('.crop img')].every((each) => each.naturalWidth)")
        shoot(page, "guest-maybe-phone")
        assert axe(page) == []
        hidden = page.locator(f"#asked > li[data-photo='{gathering.stranger}']")
        hidden.get_by_role("button", name="Non").click()
        expect(hidden).to_contain_text("Ce n’est pas vous")
        assert page.request.get(f"/api/photo/{gathering.stranger}").status == 404
        hidden.get_by_role("button", name="Annuler").click()
        expect(hidden.get_by_role("button", name="Oui, c’est moi")).to_be_focused()
        gathering.ask_ana(gathering.stranger)
        hidden.get_by_role("button", name="Oui, c’est moi").click()
        expect(hidden).to_contain_text("C’est vous")
        other = page.locator(f"#asked > li[data-photo='{gathering.shared}']")
        expect(other).to_contain_text("Votre réponse règle aussi cette question.")
        expect(other.get_by_role("button")).to_have_count(0)
        gathering.ask_ana(gathering.bens)
        page.reload()
        bens = page.locator(f"#asked > li[data-photo='{gathering.bens}']")
        bens.get_by_role("button", name="Oui, c’est moi").click()
        expect(page.locator(".toast")).to_contain_text("celui d’une autre personne")
        expect(bens.get_by_role("button", name="Non")).to_be_visible()
        name_a_face(page, gathering.event)


def name_a_face(page: Page, event: Event) -> None:
    """Say "this is me" in a photo for everyone, and take it back."""
    page.goto(f"/photos?event={event.id}&show=all")
    page.locator(".tile a").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".slide:not([inert]) img.there")).to_be_visible()
    button = dialog.get_by_role("button", name="C’est moi")
    button.click()
    faces = dialog.get_by_role("group", name="Visages de cette photo").get_by_role("button")
    expect(faces).to_have_count(2)
    expect(faces.first).to_be_focused()
    lie_on_the_faces(page, faces)
    shoot(page, "guest-faces-phone", full_page=False)
    assert axe(page) == []
    page.locator(".stage").dblclick(position={"x": 195, "y": 380})
    lie_on_the_faces(page, faces)
    drag_from(page, faces.first)
    expect(faces.first).to_have_attribute("aria-pressed", "false")
    page.locator(".stage").dblclick(position={"x": 195, "y": 380})
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_timeout(100)
    lie_on_the_faces(page, faces)
    faces.first.press("Tab")
    expect(faces.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="c’est vous")).to_be_visible()
    expect(faces.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(dialog.get_by_role("button", name="Pas moi")).to_be_visible()
    page.get_by_role("button", name="Annuler").click()
    expect(faces.nth(1)).to_have_attribute("aria-pressed", "false")
    page.set_viewport_size({"width": 390, "height": 844})
    faces.first.click()
    expect(faces.first).to_have_attribute("aria-pressed", "true")
    shoot(page, "guest-face-named-phone", full_page=False)
    page.keyboard.press("Escape")
    expect(faces).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("#tab-mine").click()
    expect(page.locator(".tile")).to_have_count(4)


def drag_from(page: Page, face: Locator) -> None:
    """Move the zoomed photo by a face, and let go over another part of the page."""
    box = face.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(300, 500)
    page.mouse.move(200, 830)
    page.mouse.up()


def lie_on_the_faces(page: Page, faces: Locator) -> None:
    """Check that each button covers its face, however large the photo is shown."""
    picture = page.locator(".slide:not([inert]) .picture").bounding_box()
    assert picture
    for face, (left, top, width, height) in zip(faces.all(), FACES, strict=True):
        box = face.bounding_box()
        assert box
        # A few px: what JPEG makes of an edge, and the photo's last row.
        near = 0.02 * picture["width"]
        assert box["x"] == pytest.approx(picture["x"] + left * picture["width"], abs=near)
        assert box["y"] == pytest.approx(picture["y"] + top * picture["height"], abs=near)
        assert box["width"] == pytest.approx(width * picture["width"], abs=near)
        assert box["height"] == pytest.approx(height * picture["height"], abs=near)


def test_a_guest_keeps_several_portraits(stage: Stage, gathering: Gathering) -> None:
    guest = guest_found_as(stage, gathering.event, 40)
    with stage.page() as page:
        stage.log_in(page, guest)
        # No photo shows the guest yet: another portrait may help.
        page.get_by_role("link", name="Essayer un autre portrait").click()
        expect(page.locator("h1")).to_have_text("Un portrait de plus")
        page.set_input_files("#file", {"name": "wall.jpg", "mimeType": "image/jpeg", "buffer": scene(1)})
        expect(page.locator("#status")).to_contain_text("Rapprochez-vous d’une lumière")
        page.set_input_files("#file", {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": people(41)})
        shoot(page, "guest-portrait-add")
        page.get_by_role("button", name="Utiliser ce portrait").click()
        page.wait_for_url("**/photos?event=*")
        for number in (42, 43, 44):
            keep = {"file": ("me.jpg", people(number), "image/jpeg")}
            stage.as_guest(gathering.event, guest).call("POST", "/api/upload-selfie?keep=true", files=keep)
        page.goto("/selfie")
        expect(page.locator(".portraits img")).to_have_count(5)
        expect(page.locator("#full")).to_contain_text("c’est le maximum")
        expect(page.get_by_role("link", name="Ajouter un portrait")).to_be_hidden()
        shoot(page, "guest-portraits-phone")
        assert axe(page) == []
        second = page.locator(".portraits li").nth(1)
        second.get_by_role("button").click()
        expect(second).to_have_attribute("inert", "")
        page.get_by_role("button", name="Annuler").click()
        second.get_by_role("button").click()
        page.get_by_role("button", name="Fermer").click()
        expect(page.locator(".portraits img")).to_have_count(4)
        expect(page.get_by_role("link", name="Ajouter un portrait")).to_be_visible()
        assert len(stage.as_guest(gathering.event, guest).call("GET", "/api/me/selfies")) == 4


def test_two_guests_see_their_photos_together(stage: Stage, gathering: Gathering) -> None:
    with stage.page("desktop") as page:
        stage.log_in(page, gathering.ana)
        page.get_by_role("link", name="Ensemble").click()
        page.get_by_role("button", name="Créer une invitation").click()
        expect(page.locator(".group")).to_contain_text("Il ne manque plus que les autres")
        expect(page.get_by_role("img", name="QR code de l’invitation")).to_be_visible()
        shoot(page, "guest-together-alone")
        assert axe(page) == []
        link = page.get_by_label("Lien d’invitation").input_value()
    path = link[link.index("/together/") :]
    with stage.page("phone", color_scheme="dark") as page:
        page.goto(path)
        expect(page.locator("h1")).to_have_text("On vous invite")
        expect(page.locator("main")).not_to_contain_text("Ana")
        shoot(page, "guest-invited")
        page.get_by_role("link", name="Se connecter").last.click()
        page.fill("#username", gathering.ben)
        page.fill("#password", PASSWORD)
        page.click("main button.main")
        expect(page.locator("h1")).to_have_text("Ana vous invite")
        expect(page.locator("main")).to_contain_text("seulement les photos où tout le groupe est au complet")
        shoot(page, "guest-invitation")
        assert axe(page) == []
        page.get_by_role("button", name="D’accord").click()
        page.wait_for_url("**/photos?group=*")
        expect(page.locator(".tile")).to_have_count(1)
        expect(page.locator(".head")).to_contain_text("de vous avec Ana")
        shoot(page, "guest-together-photos")
        page.locator(".tile a").click()
        expect(page.get_by_role("dialog").locator(".slide:not([inert]) img.there")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("link", name="Mes groupes et invitations").click()
        expect(page.locator(".group h2")).to_have_text("Avec Ana")
        shoot(page, "guest-together")
        page.get_by_text("Quitter ce groupe").click()
        page.get_by_role("button", name="Quitter").click()
        expect(page.locator(".notice.good")).to_contain_text("Vous avez quitté le groupe")
        expect(page.locator(".group")).to_have_count(0)

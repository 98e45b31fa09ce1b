"""A guest's whole visit with a real face before the camera: from the QR code to the photos and to erasure."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, expect

from testkit.passwords import PASSWORD
from testkit.pictures import saved
from testkit.sample_pictures import sample_file
from testkit.servers import Server
from tests.pages.guests import send_photos, y4m
from tests.pages.stage import Event, Stage, axe, launch_with_camera, page_server, shoot

OPEN = {"date": "2026-06-20", "expires_at": "2099-01-01T00:00:00Z"}
EVIL = "Zoé <script>alert(1)</script>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the local engine."""
    folder = tmp_path_factory.mktemp("journey")
    with page_server(folder, "local") as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera films a face."""
    face = astronaut().crop((60, 0, 444, 288)).resize((640, 480))
    clip = y4m(face, tmp_path_factory.mktemp("camera") / "face.y4m")
    with launch_with_camera(playwright, f"--use-file-for-fake-video-capture={clip}") as browser:
        yield browser


@pytest.fixture(scope="module")
def event(stage: Stage) -> Event:
    """An event with two photos of the astronaut, upright and across, and one of others."""
    event = stage.event("Mariage de Léa et Tom", event_code="LEATOM26", **OPEN)
    others = sample_file("insightface", "data/images/t1.jpg").read_bytes()
    mirrored = astronaut().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    send_photos(stage, event, [saved(astronaut(), "JPEG"), others, saved(mirrored.crop((0, 0, 512, 340)), "JPEG")])
    return event


def astronaut() -> Image.Image:
    """A portrait."""
    return Image.open(sample_file("skimage", "data/astronaut.png")).convert("RGB")


def register(page: Page, name: str, address: str, password: str = PASSWORD) -> None:
    page.fill("#username", name)
    page.fill("#email", address)
    page.fill("#password", password)
    page.check("input[name=consent]")
    page.dblclick("main button.main")


@pytest.mark.parametrize(
    ("size", "language"), [("phone", "fr"), pytest.param("desktop", "en", marks=pytest.mark.long)]
)
def test_from_the_qr_code_to_the_photos_and_out_again(
    stage: Stage, event: Event, size: str, language: str, tmp_path: Path
) -> None:
    name = f"{EVIL} {size}"
    words = {
        "fr": ("Prendre la photo", "Utiliser ce portrait", "2 photos de vous", "Pas moi", "Annuler", "Favori"),
        "en": ("Take the photo", "Use this portrait", "2 photos of you", "Not me", "Undo", "Favourite"),
    }[language]
    shoot_button, use, found, not_me, undo, favourite = words
    with stage.page(
        size, language, permissions=["camera"], color_scheme="dark" if size == "phone" else "light"
    ) as page:
        page.goto(f"/join?event_code={event.code}")
        expect(page.locator("h1")).to_have_text("Mariage de Léa et Tom")
        assert axe(page) == []
        shoot(page, f"guest-join-{size}")
        register(page, name, f"zoe-{size}@example.org")
        page.wait_for_url("**/selfie?event=*")
        button = page.get_by_role("button", name=shoot_button)
        expect(button).to_be_visible()
        page.wait_for_timeout(200)
        shoot(page, f"guest-camera-{size}")
        assert axe(page) == []
        button.dblclick()
        send = page.get_by_role("button", name=use)
        expect(send).to_be_visible()
        shoot(page, f"guest-portrait-ready-{size}")
        assert axe(page) == []
        send.dblclick()
        page.wait_for_url("**/photos?event=*")
        expect(page.locator("#standing")).to_contain_text(found)
        expect(page.locator("#standing")).to_contain_text("Vous voilà !" if language == "fr" else "There you are!")
        expect(page.locator(".tile")).to_have_count(2)
        expect(page.locator(".tile img.there")).to_have_count(2)
        shoot(page, f"guest-photos-{size}")
        assert axe(page) == []
        page.locator(".tile a").first.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".slide:not([inert]) img.there")).to_be_visible()
        assert axe(page) == []
        page.keyboard.press("f")
        expect(dialog.get_by_role("button", name=favourite)).to_have_attribute("aria-pressed", "true")
        shoot(page, f"guest-viewer-real-{size}", full_page=False)
        dialog.get_by_role("button", name=not_me).click()
        expect(page.locator("#standing")).to_contain_text("1 photo")
        page.get_by_role("button", name=undo).click()
        expect(dialog.locator(".place")).to_contain_text("1 sur 2" if language == "fr" else "1 of 2")
        with page.expect_download() as taken:
            page.keyboard.press("d")
        assert taken.value.suggested_filename.startswith("DSC_")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.locator(".tile a").first).to_be_focused()
        expect(page.locator(".heart")).to_have_count(1)
        expect(page.locator("#weight")).to_contain_text("2 photos")
        with page.expect_download() as archive:
            page.locator("#zip").click()
        archive.value.save_as(tmp_path / "all.zip")
        assert len(zipfile.ZipFile(tmp_path / "all.zip").namelist()) == 2
        page.locator(".tabs a").nth(1).click()
        expect(page.locator(".tile")).to_have_count(1)
        leave(page, size, undo)
    with stage.page(size, language) as page:
        stage.log_in(page, f"zoe-{size}@example.org")
        expect(page.locator("#standing")).to_have_attribute("data-kind", "no_portrait")
        erase_account(page, size)


def leave(page: Page, size: str, undo: str) -> None:
    """Delete the portrait and undo it; then delete it and leave the page, which makes it final."""
    page.goto("/selfie")
    shoot(page, f"guest-portrait-kept-{size}")
    assert axe(page) == []
    page.locator("[data-erase]").click()
    expect(page.locator(".portraits li")).to_have_attribute("inert", "")
    page.get_by_role("button", name=undo).click()
    expect(page.locator("#kept img")).to_be_visible()
    page.locator("[data-erase]").click()
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as erased:
        page.locator(".toast button").last.click()
    assert erased.value.status == 200
    page.wait_for_url("**/selfie")
    expect(page.locator("#kept")).to_have_count(0)


def erase_account(page: Page, size: str) -> None:
    page.goto("/account")
    shoot(page, f"guest-account-{size}")
    assert axe(page) == []
    expect(page.locator("main").get_by_text("<script>alert(1)</script>")).to_be_visible()
    summaries = page.locator("main > details summary")
    summaries.click()
    page.fill("#password", "wrong")
    page.locator("main > details button").click()
    expect(page.locator("#password")).to_have_attribute("aria-invalid", "true")
    shoot(page, f"guest-account-wrong-{size}")
    page.fill("#password", PASSWORD)
    page.locator("main > details button").click()
    page.wait_for_url("**/goodbye")
    # What is not erased is said: the faces found in the photographers' photos.
    expect(page.locator("main")).to_contain_text("restent, avec les visages que nous y avons trouvés, sans nom")
    page.goto("/photos")
    page.wait_for_url("**/login?next=*")

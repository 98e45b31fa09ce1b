"""A guest's whole visit with a real face before the camera: from the QR code to the photos and to erasure."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, expect
from playwright.sync_api import TimeoutError as NotInTime

from guests.wordings import CURRENT
from testkit.builders import OPEN
from testkit.first_minute import ACTION, first_minute
from testkit.passwords import PASSWORD
from testkit.pictures import saved, y4m
from testkit.sample_pictures import sample_file
from testkit.servers import Server
from tests.pages.guests import send_photos
from tests.pages.stage import Event, Stage, as_admin, axe, launch_with_camera, page_server, shoot

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
    """An event with a cover, two photos of the astronaut, upright and across, and one of others."""
    event = stage.event("Mariage de Léa et Tom", event_code="LEATOM26", **OPEN)
    others = sample_file("insightface", "data/images/t1.jpg").read_bytes()
    mirrored = astronaut().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    photos = [saved(astronaut(), "JPEG"), others, saved(mirrored.crop((0, 0, 512, 340)), "JPEG")]
    first = send_photos(stage, event, photos)[0]
    stage.as_photographer(event).call("PUT", f"/api/photographer/events/{event.id}/cover", json={"photo_id": first})
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
@pytest.mark.long
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
        page.goto(f"/join?event_code={event.code}&form=true")
        expect(page.locator("h1")).to_contain_text("Mariage de Léa et Tom")
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


SCREENS: list[ViewportSize] = [
    {"width": 360, "height": 640},
    {"width": 360, "height": 560},
    {"width": 640, "height": 360},
]


# Asked again and again: a page is laid out a moment after its window has another size.
ACTION_IN_VIEW = """([width, height]) => {
  scrollTo(0, 0);
  const actions = [...document.querySelectorAll("main :is(button, a.button).main")];
  const shown = actions.find((each) => each.checkVisibility());
  const box = shown?.getBoundingClientRect();
  return innerWidth === width && box && box.top >= 0 && box.bottom <= height;
}"""
PHOTO_IN_VIEW = """([width, lowest]) => {
  scrollTo(0, 0);
  return innerWidth === width && document.querySelector(".tile")?.getBoundingClientRect().top <= lowest;
}"""


def in_view(page: Page) -> bool:
    """Tell whether the one action of the screen is in view without scrolling, on a small phone either way."""
    try:
        for size in SCREENS:
            page.set_viewport_size(size)
            page.wait_for_function(ACTION_IN_VIEW, arg=[size["width"], size["height"]])
    except NotInTime:
        return False
    page.set_viewport_size(SCREENS[0])
    return True


# How low the first photo may begin: a photo is seen without scrolling, in landscape at least a strip of it.
LOWEST_PHOTO = (400, 400, 280)


def expect_photos_high(page: Page) -> None:
    """Check that the photos of the gallery begin near the top, on a small phone either way."""
    for size, lowest in zip(SCREENS, LOWEST_PHOTO, strict=True):
        page.set_viewport_size(size)
        page.wait_for_function(PHOTO_IN_VIEW, arg=[size["width"], lowest])
    page.set_viewport_size(SCREENS[0])


def test_from_the_code_to_the_first_photo_in_three_taps_without_typing(stage: Stage, event: Event) -> None:
    def look(screen: str) -> None:
        assert in_view(page), screen
        assert axe(page) == [], screen
        shoot(page, f"guest-first-{screen}", full_page=False)

    with stage.page("phone", permissions=["camera"], viewport=SCREENS[0], device_scale_factor=2) as page:
        way = first_minute(page, f"/join?event_code={event.code}", look=look)
        assert way.taps <= 4
        assert way.typed == 0
        expect(page.locator("#standing")).to_contain_text("Vous voilà !")
        expect(page.locator("#standing")).to_contain_text("2 photos de vous")
        consents = page.request.get("/api/my-consents").json()
        assert [(each["event_id"], each["version"]) for each in consents] == [(event.id, CURRENT)]
        expect_photos_high(page)
        page.go_back()
        expect(page.locator("#kept img")).to_be_visible()
        look("portrait")
        page.go_back()
        page.wait_for_url("**/photos?event=*")
        page.goto(f"/together?event={event.id}")
        look("together")
        page.locator(ACTION).click()
        expect(page.locator(".group")).to_have_count(1)
        look("group")


@pytest.mark.long
def test_the_action_of_long_pages_of_staff_is_in_view(stage: Stage, event: Event) -> None:
    guest = stage.guest(event, "Noor")
    number = stage.as_guest(event, guest).call("GET", "/api/me")["id"]
    photographer = stage.admin().call("GET", "/api/admin/photographers")[0]["id"]
    pages = ("events/new", "photographers/new", f"photographers/{photographer}")
    of_event = ("poster", "sections", f"guests/{number}")
    with stage.page("phone", viewport=SCREENS[0]) as page:
        for path in (*pages, *(f"events/{event.id}/{each}" for each in of_event)):
            as_admin(stage, page, f"/admin/{path}")
            assert in_view(page), path
        page.locator(ACTION).click()
        expect(page.locator("#login-link")).to_be_visible()
        page.context.clear_cookies()
        stage.log_in(page, event.photographer)
        for path in ("help", "poster"):
            page.goto(f"/studio/{event.id}/{path}")
            assert in_view(page), path
        with page.expect_download() as poster:
            page.locator(ACTION).click()
        assert poster.value.suggested_filename.endswith(".pdf")


@pytest.mark.long
def test_back_reload_and_two_tabs_lose_nobody(stage: Stage, event: Event) -> None:
    with stage.page("phone", permissions=["camera"], viewport=SCREENS[0]) as page:
        other = page.context.new_page()
        for each in (page, other):
            each.goto(f"/join?event_code={event.code}")
        page.locator(ACTION).click()
        expect(page.locator("#frame")).to_have_attribute("data-state", "live")
        page.wait_for_url("**/selfie?event=*")
        page.go_back()
        expect(page.get_by_role("button", name="J’accepte")).to_be_visible()
        assert not page.locator("#video").is_visible()
        page.go_forward()
        expect(page.locator("#frame")).to_have_attribute("data-state", "live")
        page.set_viewport_size(SCREENS[2])
        page.reload()
        expect(page.locator("#frame")).to_have_attribute("data-state", "live")
        other.locator(ACTION).click()
        other.wait_for_url("**/selfie?event=*")
        expect(other.locator("#frame")).to_have_attribute("data-state", "live")
        two = Image.open(sample_file("insightface", "data/images/t1.jpg")).convert("RGB")
        other.set_input_files("#file", {"name": "t1.jpg", "mimeType": "image/jpeg", "buffer": saved(two, "JPEG")})
        expect(other.locator("#faces button").nth(1)).to_be_visible()
        assert axe(other) == []
        shoot(other, "guest-first-faces", full_page=False)
        other.locator("#faces button").nth(1).click()
        expect(other.locator("#status")).to_contain_text("on vous voit bien")
        shoot(other, "guest-first-chosen", full_page=False)


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
    # What stays and what is erased of it is said: the photos, without the guest's face.
    stays = re.compile("what we had computed from your face in them|ce que nous y avions calculé de votre visage")
    expect(page.locator("main")).to_contain_text(stays)
    page.goto("/photos")
    page.wait_for_url("**/login?next=*")

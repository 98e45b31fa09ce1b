"""Joining an event and sending a portrait, when something goes wrong."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import FilePayload, Page, Playwright, Route, expect

from testkit.builders import OPEN, people
from testkit.first_minute import ACTION
from testkit.passwords import PASSWORD
from testkit.pictures import PDF, heic
from testkit.servers import Server
from tests.pages.guests import guest_found_as, scene, send_photos
from tests.pages.stage import Event, Stage, axe, launch_with_camera, shoot


@pytest.fixture
def blocked(playwright: Playwright, server: Server) -> Iterator[Stage]:
    """The server, and a browser that denies access to its camera."""
    with launch_with_camera(playwright, "--deny-permission-prompts") as browser:
        yield Stage(server, browser)


@pytest.fixture(scope="module")
def event(stage: Stage) -> Event:
    """An event to join."""
    return stage.event("Mariage de Léa et Tom", event_code="LEATOM26", **OPEN)


def fill(page: Page, name: str, password: str = PASSWORD, *, agree: bool = True) -> None:
    page.fill("#username", name)
    page.fill("#email", f"{name}@example.org")
    page.fill("#password", password)
    if agree:
        page.check("input[name=consent]")
    page.click("main button.main")


@pytest.mark.parametrize(
    "code", [" LeaTom 26 ", *(pytest.param(code, marks=pytest.mark.long) for code in ("leatom26", "LEATOM26"))]
)
def test_a_code_is_known_however_it_is_typed(stage: Stage, event: Event, code: str) -> None:
    with stage.page() as page:
        page.goto("/")
        page.fill("#event_code", code)
        page.keyboard.press("Enter")
        expect(page.locator("h1:visible")).to_have_text("Les photos de Mariage de Léa et Tom")
        expect(page.locator("main")).to_contain_text("20 juin 2026")


def test_unknown_and_expired_codes_are_no_dead_ends(stage: Stage, event: Event) -> None:
    stage.event("Gala d’hiver", event_code="GALA2020", date="2020-01-31", expires_at="2020-03-01T00:00:00Z")
    with stage.page("phone", "en") as page:
        page.goto("/join?event_code=%3Cb%3ELEATOM2")
        expect(page.locator("h1")).to_have_text("We don’t know this code")
        expect(page.locator("#event_code")).to_have_value("<b>LEATOM2")
        shoot(page, "guest-code-unknown")
        assert axe(page) == []
        page.fill("#event_code", "gala2020")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("This event is over")
        expect(page.locator("body")).not_to_contain_text(re.compile("2020|Gala"))
        shoot(page, "guest-event-over")
        assert axe(page) == []
        page.get_by_role("link", name="See my photos").click()
        page.wait_for_url(re.compile(r"/login\?next=/join"))


@pytest.mark.long
def test_nobody_registers_without_consent_and_twice_is_once(stage: Stage, event: Event) -> None:
    with stage.page() as page:
        page.goto(f"/join?event_code={event.code}")
        page.get_by_role("link", name="Je préfère un nom et un mot de passe").click()
        fill(page, "paul", agree=False)
        assert "/join" in page.url, "the browser asks for the box"
        page.locator("main form").evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
        expect(page.locator("#consent-problem")).to_contain_text("Sans votre accord")
        expect(page.locator("#email")).to_have_value("paul@example.org")
        shoot(page, "guest-join-no-consent")
        assert axe(page) == []
        page.get_by_text("Ce que nous faisons de votre visage").click()
        expect(page.locator("main")).to_contain_text("Jusqu’à ce que vous l’effaciez")
        fill(page, "paul")
        page.wait_for_url("**/selfie?event=*")
        consents = stage.as_guest(event, "paul@example.org").call("GET", "/api/my-consents")
        assert [(each["event_id"], each["locale"], each["withdrawn_at"]) for each in consents] == [
            (event.id, "fr", None)
        ]
    with stage.page() as page:
        page.goto(f"/join?event_code={event.code}&form=true")
        fill(page, "paul")
        page.wait_for_url(f"**/photos?event={event.id}")
    with stage.page() as page:
        # Another person of this name; nobody is told who is registered.
        page.goto(f"/join?event_code={event.code}&form=true")
        fill(page, "paul", "another one")
        page.wait_for_url("**/selfie?event=*")


@pytest.mark.long
def test_whoever_is_logged_in_joins_with_one_button(stage: Stage, event: Event) -> None:
    other = stage.event("Course de la ville", **OPEN)
    guest = guest_found_as(stage, event, 4)
    send_photos(stage, other, [scene(number, 4) for number in range(3)])
    with stage.page() as page:
        page.goto(f"/join?event_code={other.code}")
        page.get_by_role("link", name="J’ai déjà un compte").click()
        page.fill("#username", guest)
        page.fill("#password", PASSWORD)
        page.click("main button.main")
        page.wait_for_url("**/join?event_code=*")
        expect(page.locator("main")).to_contain_text("sert ici aussi")
        shoot(page, "guest-join-further")
        assert axe(page) == []
        page.get_by_role("button", name="J’accepte").dblclick()
        page.wait_for_url(f"**/photos?event={other.id}")
        expect(page.locator("#standing")).to_contain_text("3 photos de vous")
        page.get_by_role("link", name="Mariage de Léa et Tom").click()
        expect(page.locator("h1")).to_have_text("Mariage de Léa et Tom")
        page.goto(f"/join?event_code={other.code}")
        page.wait_for_url(f"**/photos?event={other.id}")
        page.goto("/account")
        card = page.locator(".card", has_text="Course de la ville")
        card.locator("summary").click()
        card.get_by_role("button", name="Retirer").click()
        expect(page.locator(".notice.good")).to_contain_text("Votre accord est retiré")
        shoot(page, "guest-account-withdrawn")
        assert axe(page) == []
        page.goto(f"/photos?event={other.id}")
        expect(page.locator("#standing")).to_contain_text("votre accord")
        page.goto("/account")
        with page.expect_navigation():
            page.get_by_role("button", name=re.compile("Donner.* mon accord")).click()
        page.goto(f"/photos?event={other.id}")
        expect(page.locator("#standing")).to_contain_text("3 photos de vous")


def test_staff_who_scan_the_code_are_told_what_to_do(stage: Stage, event: Event) -> None:
    with stage.page("desktop") as page:
        stage.log_in(page, event.photographer)
        page.goto(f"/join?event_code={event.code}")
        expect(page.locator("main")).to_contain_text("déconnectez-vous d’abord")


# --- the portrait ----------------------------------------------------------------------------------


def file(name: str, kind: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": data}


@pytest.mark.long
def test_without_a_camera_a_file_does(blocked: Stage, event: Event) -> None:
    guest = blocked.guest(event)
    with blocked.page() as page:
        blocked.log_in(page, guest)
        page.goto(f"/selfie?event={event.id}")
        shoot(page, "guest-selfie-start")
        page.get_by_role("button", name="Ouvrir l’appareil photo").click()
        expect(page.locator("#status")).to_contain_text("L’appareil photo est bloqué")
        shoot(page, "guest-camera-refused")
        assert axe(page) == []
        page.set_input_files("#file", file("cv.pdf", "application/pdf", PDF))
        expect(page.locator("#status")).to_contain_text("Ce fichier n’est pas une photo")
        page.set_input_files("#file", file("cv.jpg", "image/jpeg", PDF))
        expect(page.locator("#status")).to_contain_text("Nous n’arrivons pas à lire cette photo")
        page.set_input_files("#file", file("wall.jpg", "image/jpeg", scene(1)))
        expect(page.locator("#status")).to_contain_text("Rapprochez-vous d’une lumière")
        shoot(page, "guest-portrait-bad")
        page.set_input_files("#file", file("DSC_1.NEF", "image/x-nikon-nef", b"II*" + bytes(99)))
        expect(page.locator("#status")).to_contain_text("la même photo en JPEG")
        page.set_input_files("#file", file("two.jpg", "image/jpeg", people(1, 2)))
        expect(page.locator("#status")).to_contain_text("Touchez le vôtre")
        assert axe(page) == []
        page.get_by_role("button", name="Visage 2 sur 2").click()
        expect(page.locator("#status")).to_contain_text("on vous voit bien")
        page.set_input_files("#file", file("IMG_1.HEIC", "image/heic", heic(6)))
        expect(page.locator("#status")).to_contain_text("on vous voit bien")
        expect(page.locator("#blind")).to_contain_text("mais nous savons la lire.")
        shoot(page, "guest-portrait-heic")
        assert axe(page) == []
        page.get_by_role("button", name="Utiliser ce portrait").click()
        page.wait_for_url(f"**/photos?event={event.id}")
        page.get_by_role("link", name="Mon portrait").click()
        expect(page.locator("#kept img")).to_be_visible()
        page.get_by_role("link", name="Remplacer").click()
        expect(page.locator("#taking")).to_be_visible()
        page.get_by_role("link", name="Garder").click()
        page.get_by_role("link", name="Voir mes photos").click()
        page.wait_for_url(f"**/photos?event={event.id}")


@pytest.mark.long
def test_a_portrait_arrives_in_spite_of_the_network_and_the_crowd(stage: Stage, event: Event) -> None:
    guest = stage.guest(event)
    answers: dict[str, list[str]] = {"validate": ["busy", "through"], "upload": ["lost", "through"]}

    def fail(route: Route) -> None:
        kind = "validate" if "validate" in route.request.url else "upload"
        fate = answers[kind].pop(0)
        if fate == "lost":
            route.abort("connectionreset")
        elif fate == "busy":
            route.fulfill(status=503, headers={"Retry-After": "2"}, json={"error": "TooBusy", "detail": "…"})
        else:
            route.continue_()

    with stage.page() as page:
        stage.log_in(page, guest)
        page.goto("/selfie")
        page.route(re.compile("/api/(validate|upload)-selfie"), fail)
        page.set_input_files("#file", file("me.jpg", "image/jpeg", people(2)))
        expect(page.locator("#status")).to_contain_text("Nous réessayons dans 2 secondes")
        expect(page.locator("#status")).to_contain_text("on vous voit bien")
        page.get_by_role("button", name="Utiliser ce portrait").dblclick()
        expect(page.locator("#status")).to_contain_text("Pas de réseau. Nous réessayons dans 1 seconde")
        page.wait_for_url("**/photos")
    assert answers == {"validate": [], "upload": []}
    assert stage.as_guest(event, guest).call("GET", "/api/my-selfie")["status"] in ("pending", "processing", "done")


def joined(page: Page, event: Event) -> None:
    """Open the event's page and press its one button."""
    page.goto(f"/join?event_code={event.code}")
    page.locator(ACTION).click()
    page.wait_for_url("**/selfie?event=*")


CAMERAS = {
    "blocked": ("NotAllowedError", "L’appareil photo est bloqué", "Prendre la photo"),
    "absent": ("NotFoundError", "Nous ne trouvons pas d’appareil photo", "Choisir une photo"),
    "taken": ("NotReadableError", "Une autre application", "Réessayer"),
}


@pytest.mark.parametrize("cause", CAMERAS)
@pytest.mark.long
def test_a_camera_that_does_not_open_tells_why_and_what_next(stage: Stage, event: Event, cause: str) -> None:
    error, sentence, action = CAMERAS[cause]
    with stage.page(is_mobile=True) as page:
        page.add_init_script(
            f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{error}'))"
        )
        joined(page, event)
        expect(page.locator("#status")).to_contain_text(sentence)
        expect(page.locator(ACTION)).to_have_text(action)
        shoot(page, f"guest-camera-{cause}", full_page=False)


def test_over_plain_http_the_phone_takes_the_picture(stage: Stage, event: Event) -> None:
    with stage.page(is_mobile=True) as page:
        page.add_init_script(
            "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"
            "Object.defineProperty(window, 'isSecureContext', { value: false });"
        )
        joined(page, event)
        expect(page.locator("#status")).to_contain_text("ouverte en http")
        with page.expect_file_chooser() as chooser:
            page.locator(ACTION).click()
        assert chooser.value.element.get_attribute("capture") == "user"
        chooser.value.set_files([file("me.jpg", "image/jpeg", people(3))])
        page.get_by_role("button", name="Utiliser ce portrait").click()
        page.wait_for_url("**/photos?event=*")


def test_a_portrait_refused_three_times_is_no_dead_end(stage: Stage, event: Event) -> None:
    with stage.page() as page:
        joined(page, event)
        expect(page.locator("#frame")).to_have_attribute("data-state", "none")
        for _ in range(3):
            with page.expect_response("**/api/validate-selfie"):
                page.set_input_files("#file", file("wall.jpg", "image/jpeg", scene(1)))
            expect(page.locator("#frame")).to_have_attribute("data-state", "bad")
        expect(page.locator("#status")).to_contain_text("Toujours pas")
        expect(page.locator("#help")).to_contain_text("demandez à la personne qui photographie")
        for width, height in ((360, 560), (640, 360)):
            page.set_viewport_size({"width": width, "height": height})
            expect(page.locator(ACTION)).to_be_in_viewport(ratio=1)
        assert axe(page) == []
        shoot(page, "guest-portrait-refused", full_page=False)
        page.get_by_role("link", name="Voir les photos en attendant").click()
        page.wait_for_url("**/photos?event=*")


def test_without_scripts_everything_but_the_camera_works(stage: Stage, event: Event) -> None:
    with stage.page(java_script_enabled=False) as page:
        page.goto(f"/join?event_code={event.code}")
        page.get_by_role("button", name="J’accepte").click()
        page.wait_for_url("**/selfie?event=*")
        page.set_input_files("#plain-file", file("two.jpg", "image/jpeg", people(1, 2)))
        page.get_by_role("button", name="Utiliser ce portrait").click()
        expect(page.get_by_role("alert")).to_contain_text("Cadrez le vôtre")
        page.set_input_files("#plain-file", file("me.jpg", "image/jpeg", people(5)))
        page.get_by_role("button", name="Utiliser ce portrait").click()
        page.wait_for_url("**/photos?event=*")
        page.goto("/selfie")
        expect(page.locator(".portraits img")).to_have_count(1)


def test_a_guest_without_portrait_gets_in(stage: Stage, event: Event) -> None:
    with stage.page("phone", "en") as page:
        page.goto(f"/join?event_code={event.code}")
        page.get_by_role("button", name="Go in without a portrait").click()
        page.wait_for_url("**/photos?event=*")


def test_the_login_keeps_its_button_in_view(stage: Stage) -> None:
    with stage.page() as page:
        page.goto("/login")
        for width, height in ((360, 560), (640, 360)):
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("scrollTo(0, 0)")
            expect(page.locator(ACTION)).to_be_in_viewport(ratio=1)

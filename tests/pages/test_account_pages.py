"""Login, logout and account pages, on phones and desktops, in both languages."""

import re

import pytest
from playwright.sync_api import Page, expect

from testkit.passwords import PASSWORD
from tests.pages.stage import Event, Stage, axe, shoot

WORDS = {"fr": ("Connexion", "ne correspondent pas"), "en": ("Log in", "don’t match")}
PAGES = ("/", "/login", "/forgot", "/reset", "/confirm", "/join", "/nowhere", "/offline", "/privacy")


@pytest.fixture(scope="module")
def event(stage: Stage) -> Event:
    """An event to belong to."""
    return stage.event()


def path_of(page: Page) -> str:
    return re.sub(r"^https?://[^/]+", "", page.url)


@pytest.mark.parametrize(
    ("size", "language"),
    [
        ("phone", "fr"),
        ("desktop", "en"),
        pytest.param("phone", "en", marks=pytest.mark.long),
        pytest.param("desktop", "fr", marks=pytest.mark.long),
    ],
)
@pytest.mark.long
def test_a_guest_logs_in(stage: Stage, event: Event, size: str, language: str) -> None:
    guest = stage.guest(event)
    title, wrong = WORDS[language]
    with stage.page(size, language) as page:
        page.goto("/photos")
        assert path_of(page) == "/login?next=%2Fphotos"
        expect(page.locator("h1")).to_have_text(title)
        page.fill("#username", guest)
        page.fill("#password", "not this one")
        page.click("main button.main")
        expect(page.get_by_role("alert")).to_contain_text(wrong)
        expect(page.locator("#username")).to_have_value(guest)
        shoot(page, f"login-wrong-{size}-{language}")
        page.fill("#password", PASSWORD)
        page.dblclick("main button.main")
        page.wait_for_url("**/photos")
        expect(page.locator("h1")).to_be_visible()
        shoot(page, f"photos-{size}-{language}")
        assert axe(page) == []
        page.go_back()
        page.wait_for_url("**/photos")
        page.click("header form button")
        page.wait_for_url(stage.server.url + "/")
        page.go_back()
        page.wait_for_url("**/login?next=%2Fphotos")


@pytest.mark.long
def test_everybody_comes_home_and_stays_out_of_the_others_rooms(stage: Stage, event: Event) -> None:
    rooms = {"/photos": stage.guest(event), "/studio": event.photographer, "/admin": stage.server.admin}
    for home, name in rooms.items():
        with stage.page("desktop") as page:
            stage.log_in(page, name, stage.server.password if home == "/admin" else PASSWORD)
            assert path_of(page) == home
            assert axe(page) == []
            shoot(page, f"home{home.replace('/', '-')}")
            page.goto("/")
            assert path_of(page) == home
            for other in rooms.keys() - {home}:
                answer = page.goto(other)
                assert answer is not None
                assert answer.status == 403
                expect(page.locator("h1")).to_have_text("Cette page ne vous est pas ouverte")
            shoot(page, "forbidden")


def test_who_belongs_to_several_events_picks_one(stage: Stage, event: Event) -> None:
    other = stage.event("Course de la ville")
    guest = stage.guest(event)
    stage.guest(other, guest)
    with stage.page() as page:
        stage.log_in(page, guest)
        expect(page.locator("h1")).to_have_text("Quel événement ?")
        shoot(page, "choice")
        assert axe(page) == []
        page.get_by_role("button", name="Course de la ville").click()
        page.wait_for_url("**/photos")
        expect(page.locator("main")).to_contain_text("Course de la ville")


def test_a_code_typed_on_the_first_page_leads_to_the_event(stage: Stage, event: Event) -> None:
    with stage.page() as page:
        page.goto("/")
        shoot(page, "home")
        page.fill("#event_code", event.code.lower())
        page.keyboard.press("Enter")
        page.wait_for_url("**/join?event_code=*")
        expect(page.locator("main")).to_contain_text("Mariage de Léa et Tom")


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        ("phone", "dark"),
        ("desktop", "light"),
        pytest.param("phone", "light", marks=pytest.mark.long),
        pytest.param("desktop", "dark", marks=pytest.mark.long),
    ],
)
@pytest.mark.long
def test_everybody_can_use_the_pages_in_both_colours(stage: Stage, theme: str, size: str) -> None:
    with stage.page(size, color_scheme=theme) as page:
        for path in PAGES:
            page.goto(path)
            assert axe(page) == [], path
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{path} is wider than the screen"
            shoot(page, f"{path.strip('/') or 'home'}-{size}-{theme}")


def test_the_switches_work_with_and_without_scripts(stage: Stage) -> None:
    for scripts in (True, False):
        with stage.page(java_script_enabled=scripts) as page:
            page.goto("/login?next=%2Fphotos")
            page.get_by_role("button", name="English").click()
            expect(page.locator("h1")).to_have_text("Log in")
            assert path_of(page) == "/login?next=%2Fphotos"
            page.get_by_role("button", name="Dark").click()
            expect(page.locator("html")).to_have_attribute("data-theme", "dark")
            assert page.locator("body").evaluate("e => getComputedStyle(e.parentElement).backgroundColor") == (
                "rgb(20, 20, 20)"
            )
            page.goto("/")
            expect(page.locator("html")).to_have_attribute("data-theme", "dark")
            expect(page.locator("h1")).to_have_text("Find your photos")


def test_without_a_network_the_page_says_so(stage: Stage, event: Event) -> None:
    with stage.page() as page:
        stage.log_in(page, stage.guest(event))
        page.evaluate("navigator.serviceWorker.ready")
        page.wait_for_function("navigator.serviceWorker.controller")
        kept = page.evaluate(
            """async () => {
                const found = [];
                for (const name of await caches.keys()) {
                    const cache = await caches.open(name);
                    for (const { url } of await cache.keys()) found.push(new URL(url).pathname);
                }
                return found;
            }"""
        )
        assert "/offline" in kept
        assert [path for path in kept if path != "/offline" and not path.startswith("/static/")] == []
        page.context.set_offline(True)
        page.goto("/photos")
        expect(page.locator("h1")).to_have_text("Pas de réseau")
        assert path_of(page) == "/photos"
        expect(page.get_by_role("link", name="Réessayer")).to_be_visible()
        # It comes back by itself.
        page.context.set_offline(False)
        expect(page.locator("h1")).to_contain_text("Mariage de Léa et Tom")


def test_a_toast_can_be_undone_and_calls_speak_in_words(stage: Stage, event: Event) -> None:
    with stage.page() as page:
        stage.log_in(page, stage.guest(event))
        module = page.locator("script[type=module]").first.get_attribute("src")
        page.evaluate(
            "async src => { const { toast } = await import(src);"
            " toast('Photo retirée.', { undo: () => (document.title = 'back') }); }",
            module,
        )
        shoot(page, "toast")
        assert axe(page) == []
        page.get_by_role("button", name="Annuler").click()
        assert page.title() == "back"
        call = """async ([src, method, path, options]) => {
            const { api } = await import(src);
            return api(method, path, options).catch((error) => [error.status, error.name, error.message]);
        }"""
        unknown = [module, "POST", "/api/join-event", {"json": {"event_code": "NOWHERE"}}]
        assert page.evaluate(call, unknown) == [
            404,
            "EventNotFound",
            "Nous ne connaissons pas ce code. Vérifiez-le et recommencez.",
        ]
        page.context.clear_cookies(name="reperio_session")
        page.evaluate(call, [module, "GET", "/api/me", {}])
        page.wait_for_url("**/login?next=%2Fphotos")


@pytest.mark.long
def test_the_description_of_the_calls_opens_under_its_policy(stage: Stage) -> None:
    with stage.page("desktop") as page:
        page.goto("/docs")
        expect(page.get_by_text("/api/upload-selfie", exact=True)).to_be_visible()

"""A photographer sets a camera's clock right, and looks at photos by the time they were taken, as a guest does."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from models import utcnow
from testkit.builders import people
from testkit.metadata import MAKE, MODEL, ORIGINAL, ORIGINAL_OFFSET, exif_of, with_segments
from tests.pages.guests import guest_found_as, scene, send_photos
from tests.pages.stage import Event, Stage, axe, shoot

pytestmark = pytest.mark.long

CANON, NIKON = {MAKE: "Canon", MODEL: "Canon EOS R5"}, {MAKE: "Nikon", MODEL: "Z 8"}


def party(stage: Stage) -> tuple[Event, str, list[int]]:
    """An event with a guest and four photos: three by a camera that is 47 minutes late, one by another."""
    event = stage.event("Course du lac", guests_see_all_photos=True)
    guest = guest_found_as(stage, event, 1)
    made = [(CANON, "17:43"), (NIKON, "18:15"), (CANON, "17:13"), (CANON, "17:33")]
    photos = [
        with_segments(scene(number, 1), exif_of({**camera, ORIGINAL: f"2026:06:20 {clock}:05"}))
        for number, (camera, clock) in enumerate(made)
    ]
    return event, guest, send_photos(stage, event, photos)


def shown(page: Page, kind: str) -> list[int]:
    """Return the ids of the photos on a page, in their order."""
    ids = page.locator(kind).evaluate_all("all => all.map((each) => Number(each.dataset.id))")
    return [int(each) for each in ids]


def test_a_clock_is_set_right_and_photos_come_by_time(stage: Stage) -> None:
    event, guest, (first, second, third, fourth) = party(stage)
    with stage.page("desktop") as page:
        stage.log_in(page, event.photographer)
        page.goto(f"/studio/{event.id}")
        page.get_by_text("Horloges des 2 appareils").click()
        camera = page.locator("#cameras li").first
        expect(camera).to_contain_text("Canon EOS R5")
        expect(camera).to_contain_text("3 photos")
        expect(camera.locator(".span")).to_contain_text("Première photo le 20 juin 2026 à 17:13:05")
        # No times are promised for a shift that is refused.
        for unit, typed, sentence in (("minutes", "-3", "nombres entiers"), ("jours", "14640", "40 ans")):
            camera.get_by_label(unit).fill(typed)
            camera.get_by_label("secondes").fill("1")
            expect(camera.locator(".said")).to_contain_text(sentence)
            expect(camera.locator(".span")).to_contain_text("Première photo le 20 juin 2026 à 17:13:05")
            camera.get_by_label(unit).fill("")
        camera.get_by_label("secondes").fill("")
        camera.get_by_label("heures").fill("")
        camera.get_by_role("button").click()
        expect(camera.locator(".said")).to_contain_text("Indiquez des nombres entiers")
        camera.get_by_label("minutes").fill("47")
        expect(camera.locator(".span")).to_contain_text(
            "Avec ce décalage : première photo le 20 juin 2026 à 18:00:05"
        )
        assert axe(page) == []
        camera.get_by_role("button").click()
        expect(camera.locator(".said")).to_have_text("C’est fait : ses photos sont à la bonne heure.")
        expect(camera.locator(".span")).to_contain_text("dernière le 20 juin 2026 à 18:30:05")
        page.get_by_role("link", name="Heure de prise").click()
        expect(page.locator("#order [aria-current]")).to_have_text("Heure de prise")
        expect(page.locator(".shot").first).to_have_id(f"photo-{third}")
        assert shown(page, ".shot") == [third, second, fourth, first]
        shoot(page, "studio-cameras")
        assert axe(page) == []
        page.reload()
        assert shown(page, ".shot") == [third, second, fourth, first]
        # Asked for twice at once, the list is still shown once.
        answers: list[str] = []
        page.on("response", lambda answer: answers.append(answer.url) if "/photos?" in answer.url else None)
        page.evaluate("for (let turn = 0; turn < 2; turn += 1) document.dispatchEvent(new Event('dated'))")
        while len(answers) < 2:
            page.wait_for_timeout(100)
        page.wait_for_timeout(100)
        assert shown(page, ".shot") == [third, second, fourth, first]
    with stage.page("phone", "en", timezone_id="America/New_York") as page:
        stage.log_in(page, guest)
        expect(page.locator(".tile")).to_have_count(4)
        # The time is that of the event, wherever the guest is.
        expect(page.locator(f".tile[data-id='{first}'] img")).to_have_attribute("alt", re.compile(r"18:30"))
        assert shown(page, ".tile") == [third, second, fourth, first]
        expect(page.get_by_role("heading", level=2)).to_have_text(["6 pm"])
        page.get_by_role("link", name="Newest").click()
        expect(page.locator(".order [aria-current]")).to_have_text("Newest")
        assert shown(page, ".tile") == [fourth, third, second, first]
        page.get_by_role("link", name="By time").click()
        expect(page.locator(".order [aria-current]")).to_have_text("By time")
        shoot(page, "guest-gallery-by-time")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        # A photo that comes later takes its place by its time.
        late = with_segments(scene(9, 1), exif_of({**NIKON, ORIGINAL: "2026:06:20 18:10:00"}))
        (new,) = send_photos(stage, event, [late])
        expect(page.locator(".tile")).to_have_count(5, timeout=20_000)
        assert shown(page, ".tile") == [third, new, second, fourth, first]
        page.get_by_role("link", name="All 5", exact=True).click()
        expect(page.locator(".order [aria-current]")).to_have_text("By time")


def test_clocks_appear_when_the_first_photos_have_come(stage: Stage, tmp_path: Path) -> None:
    event = stage.event()
    photo = tmp_path / "first.jpg"
    photo.write_bytes(with_segments(people(1), exif_of({**CANON, ORIGINAL: "2026:06:20 17:43:00"})))
    with stage.page("desktop", "en") as page:
        stage.log_in(page, event.photographer)
        page.goto(f"/studio/{event.id}")
        expect(page.locator("#cameras")).to_have_count(0)
        page.set_input_files("#files", photo)
        page.locator("#cameras summary").click()
        camera = page.locator("#cameras li")
        camera.get_by_label("minutes").fill("47")
        camera.get_by_role("button").click()
        expect(camera.locator(".span")).to_contain_text("20 June 2026 at 18:30:00")


def test_a_clock_in_the_future_is_told_and_put_right(stage: Stage) -> None:
    event = stage.event()
    year = utcnow().year + 2
    taken = exif_of({**CANON, ORIGINAL: f"{year}:06:20 17:43:00", ORIGINAL_OFFSET: "+02:00"})
    send_photos(stage, event, [with_segments(scene(1, 1), taken)])
    with stage.page("phone", "fr") as page:
        stage.log_in(page, event.photographer)
        page.goto(f"/studio/{event.id}")
        page.locator("#cameras summary").click()
        camera = page.locator("#cameras li")
        expect(camera.locator(".span")).to_contain_text(f"avance : première photo le 20 juin {year}")
        camera.get_by_label("Son horloge").select_option("avance de")
        camera.get_by_label("jours").fill("1")
        expect(camera.locator(".span")).to_contain_text(f"avance : première photo le 19 juin {year}")
        camera.get_by_label("jours").fill("1100")
        expect(camera.locator(".span")).to_contain_text("Avec ce décalage")
        camera.get_by_role("button").click()
        expect(camera.locator(".said")).to_contain_text("C’est fait")
        assert axe(page) == []
        shoot(page, "studio-camera-ahead", full_page=False)
        page.reload()
        page.locator("#cameras summary").click()
        expect(camera.locator(".span")).to_contain_text("Première photo le 16 juin")


def test_both_work_without_scripts(stage: Stage) -> None:
    event, guest, (first, second, third, fourth) = party(stage)
    with stage.page("phone", "en", java_script_enabled=False) as page:
        stage.log_in(page, event.photographer)
        page.goto(f"/studio/{event.id}")
        page.locator("#cameras summary").click()
        camera = page.locator("#cameras li").first
        camera.get_by_label("Its clock is").select_option("slow by")
        camera.get_by_label("minutes").fill("47")
        camera.get_by_role("button").click()
        expect(camera.locator(".said")).to_have_text("Done: its photos now have the right time.")
        expect(camera.locator(".span")).to_contain_text("First photo 20 June 2026, 18:00:05")
        expect(camera.get_by_label("minutes")).to_have_value("47")
        camera.get_by_label("days").fill("14640")
        camera.get_by_role("button").click()
        expect(camera.locator(".said")).to_have_text("A clock can be shifted by at most 40 years.")
        # An empty form and an unknown direction change nothing.
        for unit in ("days", "hours", "minutes", "seconds"):
            camera.get_by_label(unit).fill("")
        camera.get_by_role("button").click()
        expect(camera.locator(".said")).to_contain_text("Enter whole numbers")
        token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        form: dict[str, str | float | bool] = {"csrf_token": token, "direction": "x", "minutes": "5"}
        action = camera.locator("form").get_attribute("action") or ""
        answer = page.request.post(action, form=form, headers={"Accept-Language": "en"})
        assert "Say whether the clock is slow or fast." in answer.text()
        page.reload()
        expect(camera.locator(".span")).to_contain_text("18:00:05")
        page.get_by_role("link", name="Time taken").click()
        assert shown(page, ".shot") == [third, second, fourth, first]
    with stage.page("phone", "en", java_script_enabled=False) as page:
        stage.log_in(page, guest)
        expect(page.get_by_role("heading", level=2)).to_have_text(["6 pm"])
        links = page.locator("noscript a").evaluate_all("all => all.map((each) => each.getAttribute('href'))")
        assert links == [f"/api/photo/{photo}?size=web" for photo in (third, second, fourth, first)]

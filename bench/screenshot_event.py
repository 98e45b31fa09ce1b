"""The event that `bench.screenshots` shows: public-domain pictures, a guest, a photographer, an admin."""

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from testkit.builders import OPEN
from testkit.camera import portrait
from testkit.event_photos import give_cover
from testkit.metadata import MAKE, MODEL, ORIGINAL, exif_of
from testkit.passwords import PASSWORD
from testkit.pictures import saved
from testkit.sample_pictures import sample_file
from testkit.servers import Api, NewEvent, Server, create_event, wait_until

NAME, CODE, DAY = "Gala Apollo", "APOLLO26", date(2026, 6, 20)
GUEST, PHOTOGRAPHER = "Eileen", "lea"
SECTIONS = [
    {"title": "Cocktail", "starts_at": "2026-06-20T17:00"},
    {"title": "Concert", "starts_at": "2026-06-20T21:00"},
]
# A face that only its similarity speaks for, a photo that failed, a day of samples.
MAYBE = """
    INSERT OR REPLACE INTO face_candidates
        (user_id, face_id, event_id, selfie_id, similarity, accepted, confirmed, standing)
    SELECT selfies.user_id, faces.id, faces.event_id, selfies.id, 0.38, 0, 0, 'maybe'
    FROM faces JOIN photos ON photos.id = faces.photo_id JOIN selfies
    WHERE photos.original_filename = 'DSC_0113.jpg' LIMIT 1
"""
FAILED = "UPDATE photos SET status = 'failed', attempts = 5, error = ? WHERE original_filename = 'DSC_0112.jpg'"
SAMPLE = """
    INSERT OR REPLACE INTO samples (minute, guests, selfies, photos, matches, queue_depth, queue_age_seconds,
        requests, errors, machine, requests_seen, errors_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'm', 0, 0)
"""
SAMPLES = 1400


def sample(name: str) -> Image.Image:
    """Return one of scikit-image's pictures."""
    return Image.open(sample_file("skimage", f"data/{name}")).convert("RGB")


def _pictures() -> Iterator[Image.Image]:
    """Photos as a photographer brings them: the guest near and far, alone and beside something, and without her."""
    guest, cup, cat = portrait(), sample("coffee.png"), sample("chelsea.png")
    for other, place in ((cup, 0), (cat, 1)):
        beside = other.resize((round(other.width * 512 / other.height), 512)).crop((0, 0, 560, 512))
        wide = Image.new("RGB", (940, 512))
        wide.paste(guest.crop((40, 0, 420, 512)), (0 if place else 560, 0))
        wide.paste(beside, (380 if place else 0, 0))
        yield wide
    mirrored = ImageOps.mirror(guest)
    yield from (guest, mirrored.crop((60, 0, 512, 310)), guest.crop((40, 0, 370, 512)), guest.crop((0, 0, 512, 340)))
    yield ImageOps.grayscale(mirrored.crop((130, 0, 480, 512))).convert("RGB")
    yield ImageEnhance.Color(guest.crop((60, 0, 420, 280))).enhance(0.6)
    yield ImageEnhance.Brightness(mirrored.crop((100, 0, 512, 360))).enhance(0.8)
    yield from (cup, sample("rocket.jpg"), sample("hubble_deep_field.jpg"), cat)
    yield sample("camera.png")


def _files() -> Iterator[tuple[str, tuple[str, bytes, str]]]:
    for number, picture in enumerate(_pictures()):
        taken = f"2026:06:20 {17 + number // 2:02}:{7 * number % 60:02}:00"
        exif = exif_of({MAKE: "Hasselblad", MODEL: "500 EL", ORIGINAL: taken})
        large = ImageOps.contain(picture, (2400, 2400), Image.Resampling.LANCZOS)
        yield "files", (f"DSC_{100 + number:04}.jpg", saved(large, "JPEG", quality=88, exif=exif), "image/jpeg")


def prepare(server: Server) -> dict[str, str]:
    """Make the event, and one that is over; return tokens and parts of addresses by name."""
    fields = {"event_code": CODE, **OPEN, "date": DAY.isoformat()}
    event = create_event(server, PHOTOGRAPHER, name=NAME, guests_see_all_photos=False, **fields)
    over = {"name": "Gala 2025", "event_code": "OVER25", "date": "2025-06-20", "expires_at": "2026-01-01T00:00:00Z"}
    event.admin.call("POST", "/api/admin/create-event", json=over)
    path = f"/api/photographer/events/{event.id}"
    event.photographer.call("PUT", f"{path}/sections", json={"sections": SECTIONS})
    photos = event.photographer.call("POST", f"{path}/upload-photos", files=list(_files()))["uploaded_photos"]
    guest, new = _guest(event, GUEST), _guest(event, "Noor")
    selfie = ("me.jpg", saved(portrait(), "JPEG"), "image/jpeg")
    guest.call("POST", "/api/upload-selfie", files={"file": selfie})

    def is_through() -> bool:
        progress = event.photographer.call("GET", f"{path}/progress")
        matching = guest.call("GET", "/api/rematch-status")["status"] == "done"
        return bool(progress["pending"] == progress["processing"] == 0 and matching)

    wait_until(is_through, 120, "the photos")
    give_cover(event.photographer, event.id, photos[10]["id"])
    event.photographer.call("PUT", f"/api/photographer/photos/{photos[9]['id']}", json={"for_everyone": True})
    return _words(event, guest, new, [each["id"] for each in photos])


def _words(event: NewEvent, guest: Api, new: Api, photos: list[int]) -> dict[str, str]:
    chosen = {"photo_ids": photos[:4], "shows_name": True}
    user = guest.call("GET", "/api/me")["id"]
    link = event.admin.call("POST", f"/api/admin/users/{user}/login-link")["url"]
    shared = guest.call("POST", f"/api/user/events/{event.id}/photo-links", json=chosen)["link"]
    owner = event.admin.call("GET", "/api/admin/photographers")[0]["id"]
    return {
        "guest": guest.token,
        "new": new.token,
        "photographer": event.photographer.token,
        "admin": event.admin.token,
        "code": CODE,
        "event": str(event.id),
        "photo": str(photos[0]),
        "user": str(user),
        "owner": str(owner),
        "enter": link.partition("#")[2],
        "shared": shared.rpartition("/")[2],
        "together": guest.call("POST", "/api/together", json={"event_id": event.id})["token"],
    }


def _guest(event: NewEvent, name: str) -> Api:
    account = {"username": name, "email": f"{name.lower()}@example.org", "password": PASSWORD}
    body = {"user_data": account, "event_code": event.code}
    event.admin.call("POST", "/api/register-with-event-code", json=body)
    return event.photographer.logged_in(name, PASSWORD, event.code)


def grow_old(database: Path) -> None:
    """Write into the server's database what comes with hours of use."""
    now = int(time.time() // 60)
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute(MAYBE)
        connection.execute(FAILED, ("the file ends too soon",))
        for ago in range(-15, SAMPLES):
            day, age = SAMPLES - ago, 130 * abs(math.sin(ago / 90))
            row = (now - ago, day // 7, day // 9, day, day * 2, int(age), age, 50 + ago % 9, ago % 50 == 0)
            connection.execute(SAMPLE, row)

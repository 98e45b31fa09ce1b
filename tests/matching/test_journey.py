"""The whole path from upload to a guest's photos, with the local engine on real faces."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from testkit.builders import Service

pytestmark = pytest.mark.slow


def selfie_of(path: Path) -> bytes:
    """A portrait as a phone would send it: a colour JPEG of some 3 megapixels."""
    grey = cv2.imread(str(path))
    assert grey is not None
    large = cv2.resize(grey, (1750, 1750), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", large)[1].tobytes())


@pytest.mark.parametrize("selfie_first", [True, pytest.param(False, marks=pytest.mark.long)])
def test_guests_find_exactly_their_photos(real_service: Service, shared_photos: Path, selfie_first: bool) -> None:
    folder = shared_photos / "event"
    truth = json.loads((folder / "truth.json").read_text())["guests_in_photos"]
    event = real_service.event()
    portraits = {"amy": "amy1.png", "sheldon": "sheldon2.png", "stuart": "stuart1.png"}
    guests = {name: real_service.guest(event) for name in portraits}
    photos = sorted((folder / "photos").glob("*.jpg"))

    def send_selfies() -> None:
        for name, guest in guests.items():
            answer = real_service.send_selfie(guest, selfie_of(folder / "selfies" / name / portraits[name]))
            assert answer.status_code == 200
            assert answer.json()["status"] == "processing"

    def send_photos() -> None:
        result = real_service.upload(event, *(path.read_bytes() for path in photos), names=[p.name for p in photos])
        assert len(result["uploaded_photos"]) == 5

    for step in (send_selfies, send_photos) if selfie_first else (send_photos, send_selfies):
        step()
    real_service.process_photos(event)
    for name, guest in guests.items():
        assert real_service.settle(guest)["status"] == "done"
        found = {photo["original_filename"] for photo in real_service.my_photos(guest)}
        wanted = {photo for photo, shown in truth.items() if name in shown}
        assert found <= wanted, "a stranger's photo"
        assert len(found) >= 0.7 * len(wanted)
    assert real_service.my_photos(guests["amy"])[0]["confidence_score"] >= 40


def test_a_found_photo_opens_by_its_link_alone(real_service: Service, shared_photos: Path) -> None:
    event = real_service.event()
    guest = real_service.guest(event)
    original = (shared_photos / "event" / "photos" / "bbt4.jpg").read_bytes()
    real_service.upload(event, original)
    real_service.send_selfie(guest, (shared_photos / "event" / "selfies" / "amy" / "amy1.png").read_bytes())
    real_service.process_photos(event)
    real_service.settle(guest)
    (photo,) = real_service.my_photos(guest)
    thumbnail = real_service.get(photo["thumbnail_url"])
    assert thumbnail.status_code == 200
    assert max(Image.open(io.BytesIO(thumbnail.content)).size) == 400
    assert real_service.get(f"/api/photo/{photo['id']}?size=original", guest).content == original
    box, (width, height) = photo["matched_face"], (photo["width"], photo["height"])
    assert 0 <= box["x"] < box["x"] + box["width"] <= 1
    assert 0.05 * height < box["height"] * height < 0.6 * height
    assert np.isclose(width / height, 710 / 473, atol=0.01)

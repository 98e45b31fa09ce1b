"""Files with bytes that are too many are taken; those that lack a part are taken with a warning, or refused."""

import pytest

from api.sessions import SESSION_COOKIE
from testkit.builders import EventInfo, Service
from tests.cases.conftest import Send, case, rendition

TAILS = ["heic_plain.heic", "heic_tail_4bytes.heic", "heic_tail_seft.heic"]
BROKEN = ["jpeg_cut_then_eoi.jpg", "jpeg_cut_then_mp4_tail.jpg"]
FRENCH = "Il manque une partie de la photo, ou elle est abîmée."
ENGLISH = "A part of the photo is missing or damaged."


@pytest.mark.parametrize("file", TAILS)
@pytest.mark.long
def test_a_heic_with_bytes_behind_its_last_box_is_taken(
    real_sqlite_service: Service, event: EventInfo, sent: Send, file: str
) -> None:
    photo = sent(file)
    assert (photo["processing_status"], photo["face_count"], photo["warning"]) == ("done", 1, None)
    assert rendition(real_sqlite_service, event, photo).shape[:2] == (photo["height"], photo["width"])
    guest = real_sqlite_service.guest(event)
    real_sqlite_service.send_selfie(guest, case(file))
    assert real_sqlite_service.settle(guest)["status"] == "done"


def test_a_heic_that_is_cut_off_is_refused(real_sqlite_service: Service, event: EventInfo) -> None:
    answer = real_sqlite_service.upload(event, case("heic_cut.heic"), names=["cut.heic"])
    assert answer["uploaded_photos"] == []
    assert answer["rejected"] == [
        {"original_filename": "cut.heic", "error": "Le fichier image est endommagé ou incomplet."}
    ]


@pytest.mark.parametrize("file", BROKEN)
def test_a_photo_that_lacks_a_part_has_a_warning(sent: Send, file: str) -> None:
    photo = sent(file)
    assert (photo["processing_status"], photo["warning"]) == ("done", "incomplete")


def test_the_photographer_sees_the_warning(real_sqlite_service: Service, event: EventInfo, sent: Send) -> None:
    number = len({sent(file)["id"] for file in BROKEN})
    path = f"/api/photographer/events/{event.id}/progress"
    assert real_sqlite_service.get(path, event.photographer).json()["incomplete"] == number
    for language, words in (("fr", FRENCH), ("en", ENGLISH)):
        page = studio(real_sqlite_service, event, language)
        assert page.count(words) >= number
        assert ("2 photos sont incomplètes" if language == "fr" else "2 photos are incomplete") in page


def studio(service: Service, event: EventInfo, language: str) -> str:
    """Return the page of an event as its photographer sees it."""
    service.client.cookies.set(SESSION_COOKIE, event.photographer.token)
    answer = service.client.get(f"/studio/{event.id}", headers={"Accept-Language": language})
    service.client.cookies.clear()
    assert answer.status_code == 200
    return str(answer.text)

"""Photos that a guest chooses for a ZIP: a short address for any number of them, and a download that resumes."""

import io
import zipfile
from typing import Any

import pytest

from testkit.builders import Service
from testkit.pictures import refused
from tests.guests.test_photo_links import Party


@pytest.fixture(scope="module")
def party(service: Service) -> Party:
    return Party(service)


def choose(party: Party, photo_ids: list[int]) -> Any:
    return party.service.post(
        f"/api/user/events/{party.event.id}/choices", party.guest, json={"photo_ids": photo_ids}
    )


def test_a_choice_is_downloaded_in_one_zip_and_resumes(service: Service, party: Party) -> None:
    # As many as a phone may send; those of nobody, of others, and those that come twice.
    chosen = choose(party, [party.two, party.one, party.two, party.other, *range(10**6, 10**6 + 5_000)]).json()
    assert (chosen["photos"], chosen["left_out"]) == (2, 5_001)
    assert len(chosen["zip_url"]) < 100
    whole = service.get(chosen["zip_url"], party.guest)
    assert int(whole.headers["content-length"]) == len(whole.content) == chosen["bytes"]
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert (archive.testzip(), archive.namelist()) == (None, ["one.jpg", "two.jpg"])
    for conditions in ({"If-Range": whole.headers["etag"]}, {}):
        rest = service.get(chosen["zip_url"], party.guest, headers={"Range": "bytes=99-", **conditions})
        assert (rest.status_code, rest.content) == (206, whole.content[99:])
    other = choose(party, [party.one]).json()
    with zipfile.ZipFile(io.BytesIO(service.get(other["zip_url"], party.guest).content)) as archive:
        assert archive.namelist() == ["one.jpg"]


def test_what_cannot_be_chosen(service: Service, party: Party) -> None:
    refused(choose(party, []), 422, "InvalidRequest")
    refused(choose(party, [party.other]), 404, "NoneOfThesePhotos")
    path = f"/api/user/events/{party.event.id}/photos.zip"
    chosen = choose(party, [party.one]).json()
    for who, choice in ((party.joined(2), chosen["id"]), (party.guest, 999_999)):
        sentence = "Ce choix de photos n'est plus gardé. Choisissez-les de nouveau."
        refused(service.get(path, who, params={"choice": choice}), 404, "NoSuchChoice", sentence)
    for _ in range(20):
        newest = choose(party, [party.one]).json()
    refused(service.get(chosen["zip_url"], party.guest), 404, "NoSuchChoice")
    service.post(f"/api/photos/{party.one}/not-me", party.guest)
    refused(service.get(newest["zip_url"], party.guest), 404, "NoPhotosToDownload")

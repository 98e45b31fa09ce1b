"""Photos for everyone: who may mark them, and who sees them, where guests see only their own photos."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused
from tests.api.photos.test_guest import progress


@dataclass
class Party:
    """A private event with three photos of others (`cake`, `group`, `couple`) and one of its guest (`mine`)."""

    event: EventInfo
    second: Person
    guest: Person
    withdrawn: Person
    other: EventInfo
    stranger: Person
    mine: int
    cake: int
    group: int
    couple: int


@pytest.fixture(scope="module")
def made(service: Service) -> Party:
    event, other, second = service.event(), service.event(), service.photographer()
    both = {"photographer_ids": [event.photographer.id, second.id]}
    assert service.put(f"/api/admin/events/{event.id}", service.admin, json=both).status_code == 200
    sent = service.upload(event, people(1), people(2), people(3), people(2, 3))["uploaded_photos"]
    service.process_photos(event)
    guest, withdrawn = service.guest_found_as(event), service.guest_found_as(event)
    assert service.delete(f"/api/my-consents/{event.id}", withdrawn).status_code == 200
    stranger = service.guest_found_as(other)
    return Party(event, second, guest, withdrawn, other, stranger, *(each["id"] for each in sent))


@pytest.fixture
def party(service: Service, made: Party) -> Iterator[Party]:
    """The party with no photo marked for everyone."""
    yield made
    share(service, made, [made.mine, made.cake, made.group, made.couple], False)


def share(service: Service, party: Party, ids: list[int], value: bool, who: Person | None = None) -> Any:
    path = f"/api/photographer/events/{party.event.id}/photos"
    return service.put(path, who or party.event.photographer, json={"photo_ids": ids, "for_everyone": value})


def mark(service: Service, photo: int, who: Person | None, value: Any = True) -> Any:
    return service.put(f"/api/photographer/photos/{photo}", who, json={"for_everyone": value})


def all_photos(service: Service, party: Party, guest: Person) -> list[int]:
    """Return the ids that `all-photos` lists; its total is the number of them, and that of the guest's progress."""
    answer = service.get(f"/api/user/events/{party.event.id}/all-photos", guest)
    assert answer.status_code == 200, answer.text
    listed = [photo["id"] for photo in answer.json()]
    assert answer.headers["x-total-count"] == str(len(listed))
    assert progress(service, party.event, guest)["for_everyone"] == len(listed)
    return listed


def seen(service: Service, photo: int, who: Person | None) -> int:
    return int(service.get(f"/api/photo/{photo}", who).status_code)


def test_a_marked_photo_is_seen_by_every_member_and_by_nobody_else(service: Service, party: Party) -> None:
    event, members = party.event, (party.guest, party.withdrawn)
    outsiders = (party.stranger, party.other.photographer)
    for guest in members:
        assert all_photos(service, party, guest) == []
        assert seen(service, party.cake, guest) == 404
    answer = mark(service, party.cake, event.photographer)
    assert (answer.status_code, answer.json()) == (200, {"for_everyone": True})
    assert mark(service, party.group, party.second).status_code == 200, "whoever sent it"
    assert mark(service, party.mine, service.admin).status_code == 200
    for guest in members:
        assert all_photos(service, party, guest) == [party.group, party.cake, party.mine]
        statuses = [seen(service, photo, guest) for photo in (party.cake, party.group, party.couple)]
        assert statuses == [200, 200, 404]
    for who in outsiders:
        assert seen(service, party.cake, who) == 404
    assert seen(service, party.cake, None) == 401
    for who in (event.photographer, party.second, service.admin):
        assert seen(service, party.cake, who) == 200
    refused(service.get(f"/api/user/events/{event.id}/all-photos", party.stranger), 403, "NotInEvent")
    assert service.get("/api/all-photos", party.stranger).json() == []
    photos = service.get("/api/all-photos", party.guest).json()
    assert [photo["has_face_match"] for photo in photos] == [False, False, True]
    assert all(photo["for_everyone"] and service.get(photo["thumbnail_url"]).status_code == 200 for photo in photos)
    (mine,) = service.my_photos(party.guest)
    assert (mine["id"], mine["for_everyone"]) == (party.mine, True)
    assert service.my_photos(party.withdrawn) == []
    name = photos[0]["filename"]
    assert service.get(f"/api/image/{name}", party.guest).status_code == 200
    assert service.get(f"/api/image/{name}", party.stranger).status_code == 404


def test_a_mark_taken_away_hides_the_photo_its_link_and_its_heart(service: Service, party: Party) -> None:
    event, guest = party.event, party.guest
    share(service, party, [party.cake, party.mine], True)
    for photo in (party.cake, party.mine):
        assert service.put(f"/api/photos/{photo}/favourite", guest).status_code == 200
    photos = {photo["id"]: photo for photo in service.get("/api/all-photos", guest).json()}
    assert progress(service, event, guest)["favourites"] == 2
    assert mark(service, party.cake, event.photographer, False).json() == {"for_everyone": False}
    assert mark(service, party.mine, event.photographer, False).status_code == 200
    assert all_photos(service, party, guest) == []
    for link in ("url", "thumbnail_url", "download_url"):
        refused(service.get(photos[party.cake][link]), 404, "NoSuchPhoto")
        assert service.get(photos[party.mine][link]).status_code == 200, "the guest is in it"
    kept = service.get(f"/api/user/events/{event.id}/favourites", guest)
    assert ([photo["id"] for photo in kept.json()], kept.headers["x-total-count"]) == ([party.mine], "1")
    assert progress(service, event, guest)["favourites"] == 1
    refused(service.put(f"/api/photos/{party.cake}/favourite", guest), 404, "NoSuchPhoto")
    mark(service, party.cake, event.photographer)
    assert progress(service, event, guest)["favourites"] == 2, "the heart comes back with the photo"
    assert mark(service, party.mine, event.photographer).status_code == 200
    service.post(f"/api/photos/{party.mine}/not-me", guest)
    assert service.my_photos(guest) == []
    assert all_photos(service, party, guest) == [party.cake, party.mine], "not me, but for everyone"
    service.delete(f"/api/photos/{party.mine}/not-me", guest)


def test_the_archive_of_all_holds_what_all_photos_lists(service: Service, party: Party) -> None:
    path = f"/api/user/events/{party.event.id}/photos.zip?which=all"
    refused(service.get(path, party.guest), 404, "NoPhotosToDownload")
    share(service, party, [party.cake, party.couple], True)
    answer = service.get(path, party.guest)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.read(name) for name in archive.namelist()) == sorted([people(2), people(2, 3)])
    refused(service.get(path, party.stranger), 403, "NotInEvent")


def test_marked_photos_come_in_pages_and_change_nothing_where_all_are_seen(service: Service, party: Party) -> None:
    share(service, party, [party.mine, party.cake, party.couple], True)
    first = service.get("/api/all-photos", party.guest, params={"limit": 2})
    assert [photo["id"] for photo in first.json()] == [party.couple, party.cake]
    assert first.headers["x-total-count"] == "3"
    rest = {"limit": 2, "cursor": first.headers["x-next-cursor"]}
    assert [photo["id"] for photo in service.get("/api/all-photos", party.guest, params=rest).json()] == [party.mine]
    event = f"/api/admin/events/{party.event.id}"
    service.put(event, service.admin, json={"guests_see_all_photos": True})
    assert all_photos(service, party, party.guest) == [party.couple, party.group, party.cake, party.mine]
    service.put(event, service.admin, json={"guests_see_all_photos": False})
    assert all_photos(service, party, party.guest) == [party.couple, party.cake, party.mine]


def test_photographers_see_and_the_audit_log_tells_what_is_marked(service: Service, party: Party) -> None:
    path = f"/api/photographer/events/{party.event.id}/photos"
    assert share(service, party, [party.group, party.cake, party.cake], True).json() == {"for_everyone": True}
    for address in (path, "/api/my-uploaded-photos"):
        listed = service.get(address, party.event.photographer).json()
        assert [photo["for_everyone"] for photo in listed] == [False, True, True, False]

    def told() -> list[tuple[str, int, int, str]]:
        entries = service.get("/api/admin/audit", service.admin, params={"limit": 3}).json()
        return [
            (each["action"], each["event_id"], each["details"].get("number"), each["actor"]["name"])
            for each in entries
        ]

    shared = ("photos.shared", party.event.id, 2, party.event.photographer.name)
    assert told()[0] == shared
    assert share(service, party, [party.group, party.cake, party.couple], True, service.admin).status_code == 200
    assert told()[:2] == [("photos.shared", party.event.id, 1, "chief"), shared], "only what changed"
    assert share(service, party, [party.couple], False, party.second).status_code == 200
    assert told()[0] == ("photos.unshared", party.event.id, 1, party.second.name)
    before = told()
    assert share(service, party, [party.couple], False).status_code == 200
    assert told() == before, "nothing changed"


def test_what_is_not_theirs_or_not_there_is_refused_and_nothing_changes(service: Service, party: Party) -> None:
    (foreign,) = (each["id"] for each in service.upload(party.other, people(5))["uploaded_photos"])
    for who, error in ((party.guest, "PhotographersOnly"), (party.stranger, "PhotographersOnly")):
        refused(mark(service, party.cake, who), 403, error)
        refused(share(service, party, [party.cake], True, who), 403, error)
    refused(mark(service, party.cake, None), 401, "NotAuthenticated")
    refused(mark(service, party.cake, party.other.photographer), 404, "NoSuchPhoto")
    refused(share(service, party, [party.cake], True, party.other.photographer), 404, "NoSuchEvent")
    for who in (party.event.photographer, service.admin):
        refused(mark(service, 10**15, who), 404, "NoSuchPhoto")
        for wrong in (foreign, 10**15):
            refused(share(service, party, [party.cake, wrong], True, who), 404, "NoSuchPhoto")
    only = {"photographer_ids": [party.event.photographer.id]}
    service.put(f"/api/admin/events/{party.event.id}", service.admin, json=only)
    refused(mark(service, party.cake, party.second), 404, "NoSuchPhoto")
    both = {"photographer_ids": [party.event.photographer.id, party.second.id]}
    service.put(f"/api/admin/events/{party.event.id}", service.admin, json=both)
    values: list[Any] = [None, "perhaps", [], 2]
    for value in values:
        refused(mark(service, party.cake, party.event.photographer, value), 422, "InvalidRequest")
    lists: list[Any] = [[], [0], ["x"], [2**63], [1] * 10_001, None]
    for ids in lists:
        refused(share(service, party, ids, True), 422, "InvalidRequest")
    assert all_photos(service, party, party.guest) == []
    assert not any(photo["for_everyone"] for photo in service.process_photos(party.event))

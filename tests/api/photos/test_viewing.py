"""Who may see a photo: the guests found in it and the event's staff."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from api import links
from testkit.builders import EventInfo, Person, Service, people


def status(service: Service, path: str, who: Person | None = None) -> int:
    return int(service.get(path, who).status_code)


def test_a_guest_opens_the_photos_they_are_in_and_no_other(service: Service) -> None:
    event = service.event()
    with_one, with_two = (each["id"] for each in service.upload(event, people(1), people(2))["uploaded_photos"])
    service.process_photos(event)
    guest = service.guest_found_as(event, 1)
    assert status(service, f"/api/photo/{with_one}", guest) == 200
    for size in ("thumb", "web", "original"):
        answer = service.get(f"/api/photo/{with_two}?size={size}", guest)
        assert (answer.status_code, answer.json()["error"]) == (404, "NoSuchPhoto")
    names = {photo["id"]: photo["filename"] for photo in service.process_photos(event)}
    assert status(service, f"/api/image/{names[with_one]}", guest) == 200
    assert status(service, f"/api/image/{names[with_two]}", guest) == 404
    for path in ("/api/image/nothing.jpg", "/api/image/%00", "/api/photo/999999999"):
        assert status(service, path, guest) == 404
    for path in (f"/api/photo/{'9' * 25}", "/api/photo/x", f"/api/photo/{with_one}?size=huge"):
        assert status(service, path, guest) == 422


def test_nobody_of_another_event_sees_a_photo(service: Service) -> None:
    event, other = service.event(guests_see_all_photos=True), service.event(guests_see_all_photos=True)
    (photo,) = service.upload(event, people(3))["uploaded_photos"]
    service.process_photos(event)
    stranger = service.guest_found_as(other, 3)
    path = f"/api/photo/{photo['id']}"
    assert status(service, path, stranger) == 404
    assert status(service, path, other.photographer) == 404
    assert status(service, path) == 401
    assert status(service, path, event.photographer) == 200
    assert status(service, path, service.admin) == 200
    for tail in ("photos", "all-photos"):
        answer = service.get(f"/api/user/events/{event.id}/{tail}", stranger)
        assert (answer.status_code, answer.json()["error"]) == (403, "NotInEvent")
    assert status(service, f"/api/photographer/events/{event.id}/photos", other.photographer) == 404


def test_all_photos_are_shown_only_where_the_event_allows_it(service: Service) -> None:
    event = service.event()
    service.upload(event, people(1), people(2))
    service.process_photos(event)
    guest = service.guest_found_as(event, 1)
    answer = service.get("/api/all-photos", guest)
    assert (answer.status_code, answer.json(), answer.headers["x-total-count"]) == (200, [], "0")
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"guests_see_all_photos": True})
    photos = service.get("/api/all-photos", guest).json()
    assert sorted(photo["has_face_match"] for photo in photos) == [False, True]
    assert {photo["confidence_score"] is None for photo in photos} == {True, False}
    assert all(status(service, photo["url"]) == 200 for photo in photos)
    service.put(f"/api/admin/events/{event.id}", service.admin, json={"guests_see_all_photos": False})
    assert sorted(status(service, photo["url"]) for photo in photos) == [200, 404]


class TestSignedLinks:
    """A signed link opens one photo in one size for one account, for a few hours, while that account may see it."""

    @staticmethod
    def link(service: Service) -> tuple[str, Person, EventInfo]:
        event = service.event()
        service.upload(event, people(5))
        service.process_photos(event)
        guest = service.guest_found_as(event, 5)
        return service.my_photos(guest)[0]["url"], guest, event

    def test_it_opens_without_a_token_and_caches(self, service: Service) -> None:
        url, guest, _ = self.link(service)
        answer = service.get(url)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = service.get(url, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert service.my_photos(guest)[0]["url"] == url, "the same link all through the hour"
        assert int(parse_qs(urlsplit(url).query)["expires"][0]) % 3600 == 0

    @pytest.mark.parametrize(
        ("part", "other"),
        [
            (r"size=web", "size=original"),
            (r"size=web", "size=thumb"),
            (r"user=\d+", "user=1"),
            (r"expires=\d+", "expires=9999999999"),
            (r"expires=\d+", "expires=1"),
            (r"signature=..", "signature=xx"),
            (r"signature=.*", "signature=é"),
            (r"user=\d+", "user=99999999999999999999"),
        ],
    )
    def test_an_altered_one_opens_nothing(self, service: Service, part: str, other: str) -> None:
        url, _, _ = self.link(service)
        assert status(service, re.sub(part, other, url)) == 401

    def test_an_expired_one_opens_nothing(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(links, "LIFETIME_SECONDS", -7200)
        url, _, _ = self.link(service)
        assert status(service, url) == 401

    def test_it_closes_with_the_match(self, service: Service) -> None:
        url, guest, _ = self.link(service)
        assert service.delete("/api/my-selfie", guest).status_code == 200
        assert status(service, url) == 404

    def test_it_gives_no_other_call(self, service: Service) -> None:
        url, _, _ = self.link(service)
        query = urlsplit(url).query
        assert status(service, f"/api/my-photos?{query}") == 401
        assert status(service, f"/api/me?{query}") == 401


def test_a_list_comes_whole_or_in_pages(service: Service) -> None:
    event = service.event()
    service.upload(event, *(people(9, number, block=100 + number) for number in range(11)))
    service.process_photos(event)
    guest = service.guest_found_as(event, 9)
    whole = [photo["id"] for photo in service.my_photos(guest)]
    assert whole == sorted(whole, reverse=True)
    assert len(whole) == 11

    def pages(path: str, who: Person) -> list[int]:
        found: list[int] = []
        cursor: str | None = None
        while True:
            parameters: dict[str, Any] = {"limit": 4, "cb": "x", **({"cursor": cursor} if cursor else {})}
            answer = service.get(path, who, params=parameters)
            assert answer.headers["x-total-count"] == "11"
            found += [photo["id"] for photo in answer.json()]
            cursor = answer.headers.get("x-next-cursor")
            if cursor is None:
                return found

    assert pages("/api/my-photos", guest) == whole
    assert pages(f"/api/user/events/{event.id}/photos", guest) == whole
    assert pages(f"/api/photographer/events/{event.id}/photos", event.photographer) == whole
    for parameters in ({"cursor": "nonsense"}, {"cursor": "é"}, {"cursor": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5fDE="}):
        assert service.get("/api/my-photos", guest, params=parameters).status_code == 400
    for limit in ("0", "-1", "x", "99999999999999999999"):
        assert service.get("/api/my-photos", guest, params={"limit": limit}).status_code == 422


def test_a_rendition_that_was_lost_is_not_found(service: Service) -> None:
    event = service.event()
    (photo,) = service.upload(event, people(1))["uploaded_photos"]
    service.process_photos(event)
    for path in (service.storage / "photos" / str(event.id) / "thumb").iterdir():
        path.unlink()
    answer = service.get(f"/api/photo/{photo['id']}?size=thumb", event.photographer)
    assert answer.status_code == 404

"""A way without a face: a guest without consent shows a badge and gets the photos that follow, by every way."""

import io
import zipfile
from dataclasses import dataclass

import pytest

from events import qr
from photos.badges import codes
from testkit.badge_pictures import jpeg_of_badges
from testkit.builders import EventInfo, Json, Person, Service, people
from testkit.metadata import MAKE, MODEL, ORIGINAL, exif_of, with_segments
from testkit.pictures import refused

CANON = {MAKE: "Canon", MODEL: "Canon EOS R5"}


def taken(jpeg: bytes, clock: str) -> bytes:
    return with_segments(jpeg, exif_of({**CANON, ORIGINAL: f"2026:06:20 {clock}"}))


@dataclass
class Party:
    service: Service
    event: EventInfo
    guest: Person
    other: Person

    def badge(self, who: Person) -> Json:
        answer = self.service.get("/api/my-badge", who, params={"event_id": self.event.id})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def send(self, *shots: bytes) -> list[int]:
        sent = self.service.upload(self.event, *shots)["uploaded_photos"]
        assert {each["processing_status"] for each in self.service.process_photos(self.event)} == {"done"}
        return [each["id"] for each in sent]

    def mine(self, who: Person) -> list[int]:
        return sorted(each["id"] for each in self.service.my_photos(who))


@pytest.fixture
def party(service: Service) -> Party:
    event = service.event(badges=True, selfie_is_consent=False, expires_at="2099-01-01T00:00:00Z")
    return Party(service, event, service.guest(event), service.guest(event))


def test_the_badge_is_small_says_nothing_of_the_guest_and_stays_the_same(party: Party) -> None:
    badge = party.badge(party.guest)
    assert badge == party.badge(party.guest)
    assert badge["number"].replace("-", "") in badge["code"]
    assert party.badge(party.other)["number"] != badge["number"]
    assert badge["svg"].startswith("<svg")
    # 25 modules a side and the border: the smallest code that holds so much, with a quarter of it in reserve.
    assert 'viewBox="0 0 33 33"' in badge["svg"]
    assert party.guest.name not in str(badge)


def test_a_guest_without_consent_gets_exactly_the_series_by_every_way(party: Party) -> None:
    service, guest, event = party.service, party.guest, party.event
    code = party.badge(guest)["code"]
    before, badge, first, second, late = party.send(
        taken(people(1, block=101), "20:00:00"),
        taken(jpeg_of_badges(code), "20:00:30"),
        taken(people(2, block=102), "20:01:00"),
        taken(people(1, 3, block=103), "20:02:30"),
        taken(people(2, block=104), "20:04:01"),
    )
    expected = [badge, first, second]
    assert party.mine(guest) == expected
    assert party.mine(party.other) == []
    row = service.my_photos(guest)[0]
    assert (row["given"], row["has_face_match"], row["confidence_score"]) == (True, False, None)
    home = f"/api/user/events/{event.id}"
    archive = service.get(f"{home}/photos.zip?which=mine", guest)
    assert len(zipfile.ZipFile(io.BytesIO(archive.content)).namelist()) == 3
    assert service.put(f"/api/photos/{first}/favourite", guest).status_code == 200
    assert [each["id"] for each in service.get(f"{home}/favourites", guest).json()] == [first]
    for each in expected:
        assert service.get(f"/api/photo/{each}?size=thumb", guest).status_code == 200
    for each in (before, late):
        refused(service.get(f"/api/photo/{each}?size=thumb", guest), 404, "NoSuchPhoto")
    # The picture of the badge is for its guest alone, also when it is marked for everyone.
    shared = service.put(f"/api/photographer/photos/{badge}", event.photographer, json={"for_everyone": True})
    assert (shared.status_code, shared.json()) == (200, {"for_everyone": True})
    refused(service.get(f"/api/photo/{badge}?size=thumb", party.other), 404, "NoSuchPhoto")
    link = service.post(f"{home}/photo-links", guest, json={"photo_ids": [badge, first]}).json()
    assert link["left_out"] == 1
    token = link["link"].rpartition("/")[2]
    assert [each["id"] for each in service.get(f"/api/shared/{token}").json()["photos"]] == [first]
    assert service.get(f"/api/shared/{token}/photos/{badge}").status_code == 404

    assert service.post(f"/api/photos/{second}/not-me", guest).status_code == 200
    assert party.mine(guest) == [badge, first]
    refused(service.get(f"/api/photo/{second}?size=thumb", guest), 404, "NoSuchPhoto")
    assert service.delete(f"/api/photos/{second}/not-me", guest).status_code == 200
    assert party.mine(guest) == expected
    exported = zipfile.ZipFile(io.BytesIO(service.get("/api/me/export", guest).content))
    assert len([name for name in exported.namelist() if name.startswith("photos/")]) == 3
    assert {"csv/badges.csv", "csv/given_photos.csv", "csv/badge_marks.csv"} <= {*exported.namelist()}


def test_a_group_a_poster_and_a_photo_without_time(party: Party) -> None:
    mine, others = party.badge(party.guest)["code"], party.badge(party.other)["code"]
    poster = jpeg_of_badges(qr.join_link(party.event.code))
    group, follows, wall, after, undated = party.send(
        taken(jpeg_of_badges(mine, others), "20:00:00"),
        taken(people(5, block=105), "20:00:20"),
        taken(poster, "20:00:30"),
        taken(people(6, block=106), "20:00:40"),
        jpeg_of_badges(mine, module=7),
    )
    assert party.mine(party.other) == [group, follows, wall, after]
    assert party.mine(party.guest) == [group, follows, wall, after, undated]


def test_without_the_setting_there_is_no_badge_and_none_is_read(service: Service) -> None:
    event = service.event()
    party = Party(service, event, service.guest(event), service.guest(event))
    refused(service.get("/api/my-badge", party.guest), 409, "NoBadges")
    party.send(taken(jpeg_of_badges(codes.code_of(event.id, "ABCD2345")), "20:00:00"))
    assert party.mine(party.guest) == []
    other = service.event(badges=True)
    refused(service.get("/api/my-badge", party.guest, params={"event_id": other.id}), 403, "NotInEvent")


def test_staff_give_and_take_by_the_number_alone(party: Party) -> None:
    service, lens, guest = party.service, party.event.photographer, party.guest
    number = party.badge(guest)["number"]
    (photo,) = party.send(taken(people(7, block=107), "21:00:00"))
    path = f"/api/photos/{photo}/guests"
    for typed in (guest.name, f"{guest.name}@example.org", "0000-0000", "'; --", "\x00"):
        answer = service.post(path, lens, json={"badge": typed})
        refused(answer, 404, "NoSuchBadge")
    refused(service.post(path, service.photographer(), json={"badge": number}), 404, "NoSuchPhoto")
    for _ in range(2):
        answer = service.post(path, lens, json={"badge": number.lower().replace("-", " ")})
        assert answer.status_code == 200, answer.text
    found = service.get(path, lens)
    assert found.json() == {"guests": [{"badge": number, "given_by": "hand"}], "seen": [], "series": None}
    assert guest.name not in found.text
    assert party.mine(guest) == [photo]
    entries = service.get("/api/admin/audit", service.admin, params={"action": "photos.given"}).json()
    assert [each["event_id"] for each in entries] == [party.event.id]
    assert service.delete(f"{path}/{number}", lens).status_code == 200
    assert party.mine(guest) == []
    series = f"/api/photos/{photo}/badges"
    assert service.put(series, lens, json={"badges": [number]}).status_code == 200
    assert party.mine(guest) == [], "staff have taken it away"
    assert service.get(path, lens).json()["series"] == [number]
    assert service.delete(series, lens).status_code == 200
    event = f"/api/admin/events/{party.event.id}"
    assert service.put(event, service.admin, json={"badges": False}).status_code == 200
    for method, called, body in (
        ("POST", path, {"badge": number}),
        ("PUT", series, {"badges": []}),
        ("DELETE", series, None),
    ):
        refused(service.client.request(method, called, headers=lens.headers, json=body), 409, "NoBadges")
    assert service.delete(f"{path}/{number}", lens).status_code == 200

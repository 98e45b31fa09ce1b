"""Photos that are withheld are in nothing that a guest gets: every way to a photo, for each of the three reasons."""

import io
import zipfile
from typing import Any

import pytest

from api.sessions import VISITOR_COOKIE
from database import reading, transaction
from models import PhotoReport, Subscription
from notifications.news import news_for
from settings import get_settings
from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused


def zipped(answer: Any) -> set[str]:
    if answer.status_code == 404:
        return set()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return set(archive.namelist())


class Party:
    """An event whose guests see all photos, two guests, and a photo of both besides one of each."""

    def __init__(self, service: Service, **settings: Any) -> None:
        self.service = service
        self.event: EventInfo = service.event(guests_see_all_photos=True, **settings)
        names = ["both.jpg", "one.jpg", "two.jpg"]
        sent = service.upload(self.event, people(1, 2), people(1), people(2), names=names)["uploaded_photos"]
        self.both, self.one, self.two = (each["id"] for each in sent)
        service.process_photos(self.event)
        self.ann = service.guest_found_as(self.event, 1)
        self.ben = service.guest_found_as(self.event, 2)
        service.settle(self.ann)

    def staff(self, method: str, path: str, **body: Any) -> Any:
        url = f"/api/photographer/events/{self.event.id}/{path}"
        return self.service.client.request(method, url, headers=self.event.photographer.headers, **body)

    def link_of(self, who: Person) -> str:
        body = {"photo_ids": [self.both, self.two]}
        made = self.service.post(f"/api/user/events/{self.event.id}/photo-links", who, json=body)
        assert made.status_code == 200, made.text
        return str(made.json()["link"].rpartition("/")[2])

    def seen(self, who: Person, link: str) -> dict[str, Any]:
        """Return, for each way to photos, whether the guest gets the photo of both."""
        get, event, both = self.service.get, self.event.id, self.both
        signed = self.signed.split("://")[-1].partition("/")[2]

        def lists(path: str, **asked: Any) -> bool:
            return both in {each["id"] for each in get(path, who, params=asked).json()}

        def zips(path: str) -> bool:
            return "both.jpg" in zipped(get(path, who))

        shared = get(f"/api/shared/{link}").json()
        return {
            "my-photos": lists("/api/my-photos"),
            "all-photos": lists("/api/all-photos"),
            "by time": lists("/api/all-photos", order="taken_at"),
            "event photos": lists(f"/api/user/events/{event}/photos"),
            "favourites": lists(f"/api/user/events/{event}/favourites"),
            "picture": get(f"/api/photo/{both}", who).status_code == 200,
            "original": get(f"/api/photo/{both}", who, params={"size": "original"}).status_code == 200,
            "signed": self.service.client.get(f"/{signed}").status_code == 200,
            "faces": get(f"/api/photo/{both}/faces", who).status_code == 200,
            "zip": zips(f"/api/user/events/{event}/photos.zip"),
            "zip of all": zips(f"/api/user/events/{event}/photos.zip?which=all"),
            "zip of favourites": zips(f"/api/user/events/{event}/photos.zip?which=favourites"),
            "export": any("both.jpg" in name for name in zipped(get("/api/me/export", who))),
            "favourite": self.service.put(f"/api/photos/{both}/favourite", who).status_code == 200,
            "choice": self._is_chosen(who),
            "shared": both in {each["id"] for each in shared.get("photos", [])},
            "shared picture": get(f"/api/shared/{link}/photos/{both}").status_code == 200,
            "shared zip": any("both" in name for name in zipped(get(f"/api/shared/{link}/photos.zip"))),
            "cover": self._has_cover(who),
            "gallery": f"/api/photo/{both}?" in get("/photos", who, headers={"accept": "text/html"}).text,
            "news": self.both in self._news(who),
        }

    def _is_chosen(self, who: Person) -> bool:
        path = f"/api/user/events/{self.event.id}/choices"
        answer = self.service.post(path, who, json={"photo_ids": [self.both]})
        return bool(answer.status_code == 200)

    def _has_cover(self, who: Person) -> bool:
        (event,) = self.service.get("/api/user/events", who).json()
        code = self.service.client.get("/join/cover", params={"event_code": self.event.code})
        return bool(event.get("cover_url")) or code.status_code == 200

    def _news(self, who: Person) -> frozenset[int]:
        row = Subscription(user_id=who.id, event_id=self.event.id, told=[], seen_match_id=0)
        with reading() as session:
            return news_for(session, row).photo_ids

    def prepare(self, who: Person) -> str:
        """Do what shows the photo in every way, and return the token of a link to it."""
        self.service.put(f"/api/photos/{self.both}/favourite", who)
        answer = self.staff("PUT", "cover", json={"photo_id": self.both})
        assert answer.status_code == 200, answer.text
        listed = {each["id"]: each for each in self.service.get("/api/all-photos", who).json()}
        self.signed = listed[self.both]["url"]
        return self.link_of(who)

    def counts(self, who: Person) -> tuple[int, int, int, int]:
        found = self.service.get(f"/api/user/events/{self.event.id}/progress", who).json()
        return found["photos"], found["matched"], found["favourites"], found["for_everyone"]


@pytest.fixture(scope="module")
def party(service: Service) -> Party:
    return Party(service)


def held(party: Party, action: str, *photo_ids: int) -> None:
    answer = party.staff("PUT", "held-photos", json={"action": action, "photo_ids": list(photo_ids)})
    assert answer.status_code == 200, answer.text


def test_every_way_to_a_photo_leaves_out_what_is_withheld(party: Party) -> None:
    ben, service = party.ben, party.service
    link = party.prepare(ben)
    open_to_ben = party.seen(ben, link)
    assert {name for name, there in open_to_ben.items() if not there} == set(), "every way shows it before"
    assert party.counts(ben) == (3, 2, 1, 3)
    hidden = f"/api/user/events/{party.event.id}/hidden"
    # At a guest's request: not to the others, to her.
    assert service.put(hidden, party.ann, json={"hidden": True}).status_code == 200
    assert {name for name, there in party.seen(ben, link).items() if there} == set()
    assert party.counts(ben) == (1, 1, 0, 1)
    assert party.both in {each["id"] for each in service.my_photos(party.ann)}
    assert service.get(f"/api/photo/{party.both}", party.event.photographer).status_code == 200
    assert service.put(hidden, party.ann, json={"hidden": False}).status_code == 200
    service.put(f"/api/photos/{party.both}/favourite", ben)
    assert party.seen(ben, link) == open_to_ben
    # Hidden by staff: to nobody.
    held(party, "hide", party.both)
    held(party, "hide", party.both)
    assert {name for name, there in party.seen(ben, link).items() if there} == set()
    assert party.both not in {each["id"] for each in service.my_photos(party.ann)}
    assert party.counts(ben) == (2, 1, 0, 2)
    held(party, "show", party.both)
    service.put(f"/api/photos/{party.both}/favourite", ben)
    assert party.seen(ben, link) == open_to_ben


def test_groups_see_no_withheld_photo(party: Party) -> None:
    service, ann, ben = party.service, party.ann, party.ben
    made = service.post("/api/together", ann, json={"event_id": party.event.id}).json()
    token = made["token"]
    assert service.post("/api/together-invitation", ben, json={"token": token}).status_code == 200
    path = f"/api/together/{made['id']}/photos"
    assert [each["id"] for each in service.get(path, ben).json()] == [party.both]
    held(party, "hide", party.both)
    assert service.get(path, ben).json() == service.get(path, ann).json() == []
    held(party, "show", party.both)


def test_a_wish_holds_for_photos_that_come_later_and_ends_with_not_me(service: Service) -> None:
    party = Party(service)
    hidden = f"/api/user/events/{party.event.id}/hidden"
    service.put(hidden, party.ann, json={"hidden": True})
    (sent,) = service.upload(party.event, people(1, 2, 3))["uploaded_photos"]
    service.process_photos(party.event)
    assert {each["id"] for each in service.my_photos(party.ben)} == {party.two}
    assert sent["id"] in {each["id"] for each in service.my_photos(party.ann)}
    assert service.post(f"/api/photos/{sent['id']}/not-me", party.ann).status_code == 200
    assert {each["id"] for each in service.my_photos(party.ben)} == {party.two, sent["id"]}
    refused(service.put("/api/user/events/909090/hidden", party.ann, json={"hidden": True}), 403, "NotInEvent")
    refused(service.put(hidden, party.ann, json={"hidden": "maybe"}), 422, "InvalidRequest")


# --- approval ---------------------------------------------------------------------------------------


def test_photos_wait_for_an_approval_where_the_event_wants_it(service: Service) -> None:
    party = Party(service, photos_need_approval=True)
    assert party.counts(party.ben) == (0, 0, 0, 0)
    assert service.my_photos(party.ben) == []
    listed = party.staff("GET", "held-photos").json()
    assert {each["id"] for each in listed["approval"]["photos"]} == {party.both, party.one, party.two}
    held(party, "approve", party.two)
    assert [each["id"] for each in service.my_photos(party.ben)] == [party.two], "it was compared meanwhile"
    refused(party.staff("PUT", "held-photos", json={"action": "approve", "photo_ids": [909_090]}), 404, "NoSuchPhoto")
    refused(party.staff("PUT", "held-photos", json={"action": "hide"}), 422, "InvalidRequest")
    answer = party.staff("PUT", "held-photos", json={"action": "approve"})
    assert answer.json() == {"changed": 2}
    assert party.counts(party.ben) == (3, 2, 0, 3)
    service.put(f"/api/admin/events/{party.event.id}", service.admin, json={"photos_need_approval": False})
    service.upload(party.event, people(1, 3))
    assert party.counts(party.ben)[0] == 4


# --- reports ----------------------------------------------------------------------------------------


def report(service: Service, photo: int, who: Person, **body: Any) -> Any:
    return service.post(f"/api/photos/{photo}/report", who, json={"reason": "private", **body})


def test_a_report_is_decided_by_the_photographer_and_told_to_the_guest(service: Service) -> None:
    party = Party(service)
    made = report(service, party.both, party.ben, text="  This is\x00 not for all  ")
    refused(made, 422, "InvalidRequest")
    made = report(service, party.both, party.ben, text=" Not for everybody ")
    assert made.status_code == 200, made.text
    assert made.json()["status"] == "open"
    again = report(service, party.both, party.ben, reason="child")
    assert again.json()["id"] == made.json()["id"], "one open report of a photo"
    (listed,) = party.staff("GET", "reports").json()
    assert (listed["reason"], listed["text"], listed["photo_id"]) == ("child", None, party.both)
    assert party.ben.name not in str(listed), "who reported is not told"
    path = f"reports/{listed['id']}"
    refused(party.staff("PUT", path, json={"decision": "burn"}), 422, "InvalidRequest")
    refused(party.staff("PUT", "reports/909090", json={"decision": "keep"}), 404, "NoSuchReport")
    assert party.staff("PUT", path, json={"decision": "hide"}).status_code == 200
    refused(party.staff("PUT", path, json={"decision": "keep"}), 409, "ReportDecided")
    assert party.staff("GET", "reports").json() == []
    assert [each["status"] for each in service.get("/api/my-reports", party.ben).json()] == ["hidden"]
    refused(service.get(f"/api/photo/{party.both}", party.ann), 404, "NoSuchPhoto")
    second = report(service, party.two, party.ann).json()
    assert party.staff("PUT", f"reports/{second['id']}", json={"decision": "delete"}).status_code == 200
    (told,) = service.get("/api/my-reports", party.ann).json()
    assert (told["status"], told["photo_id"]) == ("deleted", None)
    refused(service.get(f"/api/photo/{party.two}", party.event.photographer), 404, "NoSuchPhoto")


def test_reports_by_a_link_and_by_who_may_not_see(service: Service) -> None:
    party = Party(service)
    link = party.link_of(party.ben)
    path = f"/api/shared/{link}/photos/{party.both}/report"
    answer = service.post(path, json={"reason": "me", "text": "x" * 500})
    assert answer.status_code == 200, answer.text
    assert service.post(path, json={"reason": "me", "text": "x" * 501}).status_code == 422
    refused(service.post(f"/api/shared/{link}/photos/{party.one}/report", json={"reason": "me"}), 404, "NoSuchPhoto")
    assert [each["by_link"] for each in party.staff("GET", "reports").json()] == [True]
    stranger = service.guest(service.event())
    refused(report(service, party.both, stranger), 404, "NoSuchPhoto")
    other = service.event().photographer
    refused(service.get(f"/api/photographer/events/{party.event.id}/reports", other), 404, "NoSuchEvent")
    assert service.get(f"/api/photographer/events/{party.event.id}/reports", service.admin).status_code == 200
    # The photographer deletes the photo without looking at the report.
    service.delete(f"/api/photos/{party.both}", party.event.photographer)
    assert party.staff("GET", "reports").json() == []
    with transaction() as session:
        assert {each.status for each in session.query(PhotoReport).filter_by(event_id=party.event.id)} == {"deleted"}


def test_one_visitor_of_a_link_does_not_silence_the_others_at_the_venue(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = Party(service)
    path = f"/api/shared/{party.link_of(party.ben)}/photos/{party.both}/report"

    def send(browser: str) -> int:
        # Those that pages of other tests have set.
        service.client.cookies.clear()
        cookie = {"cookie": f"{VISITOR_COOKIE}={browser}"} if browser else {}
        return int(service.client.post(path, headers=cookie, json={"reason": "other"}).status_code)

    monkeypatch.setattr(get_settings(), "rate_reports_hour", 1)
    assert [send(each) for each in ("one", "one", "two", "", "")] == [200, 429, 200, 200, 429]
    monkeypatch.setattr(get_settings(), "rate_reports_address_hour", 1)
    assert send("three") == 429


def test_a_guest_reports_only_so_often(service: Service) -> None:
    party = Party(service)
    statuses = [report(service, party.both, party.ben).status_code for _ in range(31)]
    assert statuses[0] == 200
    assert statuses[-1] == 429

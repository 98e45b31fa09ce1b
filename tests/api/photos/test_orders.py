"""Lists of photos in the order in which they were taken."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from database import transaction
from models import Photo
from testkit.builders import EventInfo, Person, Service, people
from testkit.pictures import refused

NOON = datetime(2026, 6, 20, 12, tzinfo=UTC)
# Minutes after noon at which each photo was taken, in the order of upload; two at the same time, two at none.
TAKEN = (30, None, 10, 20, None, 10, 40)
OLDEST_FIRST = (2, 5, 3, 0, 6, 1, 4)
NEWEST_FIRST = (6, 0, 3, 5, 2, 4, 1)


class Party:
    """An event with photos, its guest, and every list that shows all of them to somebody."""

    def __init__(self, service: Service) -> None:
        self.event: EventInfo = service.event(guests_see_all_photos=True)
        photos = [people(1, block=100 + number) for number in range(len(TAKEN))]
        self.ids = [each["id"] for each in service.upload(self.event, *photos)["uploaded_photos"]]
        service.process_photos(self.event)
        with transaction() as session:
            for photo_id, minutes in zip(self.ids, TAKEN, strict=True):
                at = None if minutes is None else NOON + timedelta(minutes=minutes, microseconds=1)
                session.execute(update(Photo).where(Photo.id == photo_id).values(taken_at=at))
        self.guest = service.guest_found_as(self.event)
        for photo_id in self.ids:
            service.put(f"/api/photos/{photo_id}/favourite", self.guest)
        own = f"/api/user/events/{self.event.id}"
        lists = ("/api/my-photos", "/api/all-photos", f"{own}/photos", f"{own}/all-photos", f"{own}/favourites")
        staff = ("/api/my-uploaded-photos", f"/api/photographer/events/{self.event.id}/photos")
        self.lists: list[tuple[str, Person]] = [
            *((path, self.guest) for path in lists),
            *((path, self.event.photographer) for path in staff),
        ]


@pytest.fixture
def party(service: Service) -> Party:
    return Party(service)


def listed(service: Service, path: str, who: Person, order: str | None, limit: int | None) -> list[int]:
    """Return the ids of a list, page by page."""
    found: list[int] = []
    asked = {**({"order": order} if order else {}), **({"limit": limit} if limit else {})}
    while True:
        answer = service.get(path, who, params=asked)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-total-count"] == str(len(TAKEN))
        found += [photo["id"] for photo in answer.json()]
        if "x-next-cursor" not in answer.headers:
            return found
        asked["cursor"] = answer.headers["x-next-cursor"]


@pytest.mark.long
def test_every_list_comes_in_the_order_asked_whole_and_page_by_page(service: Service, party: Party) -> None:
    orders = {
        None: range(len(TAKEN))[::-1],
        "-uploaded_at": range(len(TAKEN))[::-1],
        "taken_at": OLDEST_FIRST,
        "-taken_at": NEWEST_FIRST,
    }
    for path, who in party.lists:
        for order, places in orders.items():
            wanted = [party.ids[place] for place in places]
            for limit in (None, 1, 2, 3, 5, 7):
                assert listed(service, path, who, order, limit) == wanted, (path, order, limit)


def test_a_page_goes_on_where_it_ended_when_photos_come_and_go(service: Service, party: Party) -> None:
    path, who = f"/api/user/events/{party.event.id}/all-photos", party.guest
    asked = {"order": "taken_at", "limit": 3}
    first = service.get(path, who, params=asked)
    with transaction() as session:
        session.execute(update(Photo).where(Photo.id == party.ids[0]).values(taken_at=NOON))
        session.execute(update(Photo).where(Photo.id == party.ids[1]).values(taken_at=NOON + timedelta(hours=3)))
    rest = service.get(path, who, params={**asked, "limit": 9, "cursor": first.headers["x-next-cursor"]})
    assert [each["id"] for each in rest.json()] == [party.ids[place] for place in (6, 1, 4)]


def test_a_cursor_of_another_order_and_one_that_is_none_are_refused(service: Service, party: Party) -> None:
    orders = (None, "taken_at", "-taken_at")
    for path, who in party.lists[:1] + party.lists[-1:]:
        cursors = {
            order: service.get(path, who, params={"limit": 1, **({"order": order} if order else {})}).headers[
                "x-next-cursor"
            ]
            for order in orders
        }
        for made in orders:
            for order in orders:
                answer = service.get(
                    path, who, params={"cursor": cursors[made], **({"order": order} if order else {})}
                )
                if made == order:
                    assert answer.status_code == 200
                else:
                    refused(answer, 400, "CursorOfAnotherOrder")
    for cursor in (
        "x",
        "fHw=",
        "dGFrZW5fYXR8MQ==",
        "dGFrZW5fYXR8eHwx",
        "YXR8MXwx",
        "fDE=",
        "dGFrZW5fYXR8OTk5OTk5OTk5OTk5OTk5OTk5OTk5fDE=",
    ):
        refused(
            service.get("/api/my-photos", party.guest, params={"cursor": cursor, "order": "taken_at"}),
            400,
            "InvalidCursor",
        )
    assert service.get("/api/my-photos", party.guest, params={"order": "size"}).status_code == 422

"""An event with badges, whose photos are rows: they are processed by the call that jobs make, in any order."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from accounts.service import NewAccount, create_staff
from database import reading, transaction
from events import service as events
from events.service import NewEvent
from faces.fake import ENGINE_ID
from guests import registration
from matching import service as matching
from models import PHOTOGRAPHER, PROCESSING, CameraClock, Event, GivenPhoto, Photo, User, UserEvent
from photos import queries
from photos.badges import service as badges
from photos.ordering import Page
from testkit.passwords import PASSWORD

NOON = datetime(2026, 6, 20, 12, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass
class Party:
    """An event with badges, its photographer, and guests without consent by their names."""

    event: Event
    photographer: User
    camera: int
    guests: dict[str, User] = field(default_factory=dict)

    def guest(self, name: str) -> User:
        """Return the guest of this name, who is let in without consent at the first use."""
        if name not in self.guests:
            with transaction() as session:
                account = NewAccount(f"{name}{next(_numbers)}", f"{name}{next(_numbers)}@example.org", "")
                self.guests[name] = registration.add_guest(
                    session, account, "no hash", self.event.event_code, "en", None
                )
        return self.guests[name]

    def code(self, name: str) -> str:
        """Return what the badge of a guest holds."""
        return badges.own_badge(self.guest(name).id, self.event).code

    def number(self, name: str) -> str:
        """Return the number of a guest's badge."""
        return badges.own_badge(self.guest(name).id, self.event).number

    def shot(self, seconds: float | None, camera: int | None = 0, photographer: int | None = None) -> int:
        """Store a photo that is being processed, taken so long after noon; return its id."""
        number = next(_numbers)
        at = NOON + timedelta(seconds=seconds) if seconds is not None else None
        with transaction() as session:
            photo = Photo(
                event_id=self.event.id,
                photographer_id=photographer or self.photographer.id,
                original_filename=f"{number}.jpg",
                filename=f"{number}.jpg",
                content_type="image/jpeg",
                sha256=f"{number:064d}",
                size=1,
                width=40,
                height=30,
                status=PROCESSING,
                attempts=1,
                taken_at=at,
                recorded_at=at,
                camera_id=self.camera if camera == 0 else camera,
            )
            session.add(photo)
            session.flush()
            return photo.id

    def process(self, photo_id: int, *codes: str) -> None:
        """Record that the photo was processed and shows these badges."""
        assert matching.record_photo(photo_id, ENGINE_ID, [], lambda _: True, seen_badges=sorted(codes))

    def photos_of(self, name: str) -> list[int]:
        """Return the photos of a guest, in the order in which they were taken."""
        with reading() as session:
            rows = queries.with_guest(session, self.guest(name).id, self.event.id, Page())
            count = queries.count_with_guest(session, self.guest(name).id, self.event.id)
        assert len(rows) == count
        return sorted(row.photo.id for row in rows)

    def given(self) -> set[tuple[int, int, str, bool]]:
        """Return everything that is given in the event: photo, guest, by what, and whether it is shown."""
        columns = (GivenPhoto.photo_id, GivenPhoto.user_id, GivenPhoto.given_by, GivenPhoto.shown)
        with reading() as session:
            rows = session.execute(select(*columns).where(GivenPhoto.event_id == self.event.id))
            return {(photo, user, by, shown) for photo, user, by, shown in rows}

    def leave(self, name: str) -> None:
        """Let a guest leave the event."""
        with transaction() as session:
            mine = select(UserEvent).where(UserEvent.user_id == self.guest(name).id)
            session.delete(session.scalars(mine).one())


def party(seconds: int = 90) -> Party:
    """Return a new event with badges and a camera."""
    number = next(_numbers)
    photographer = create_staff(NewAccount(f"lens{number}", f"lens{number}@example.org", PASSWORD), PHOTOGRAPHER)
    event = events.create(
        NewEvent(f"Party {number}", badges=True, badge_seconds=seconds, photographer_ids=[photographer.id])
    )
    return Party(event, photographer, camera(event))


def camera(event: Event) -> int:
    """Return the number of a new camera of an event."""
    with transaction() as session:
        clock = CameraClock(event_id=event.id, camera_key=f"key {next(_numbers)}", make="Make", model="Model")
        session.add(clock)
        session.flush()
        return clock.id


def process_all(here: Party, codes: Mapping[int, tuple[str, ...]], order: Sequence[int]) -> None:
    """Process photos in this order; `codes` are the badges that some of them show."""
    for photo_id in order:
        here.process(photo_id, *codes.get(photo_id, ()))

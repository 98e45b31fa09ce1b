"""Guests who are told, photos that show them, and the thread's work without the thread."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts.service import NewAccount
from database import transaction
from events import service as events
from events.service import NewEvent
from guests.registration import register
from guests.wordings import CURRENT
from mail.post import Post, post_for
from models import DONE, FaceMatch, GivenPhoto, Mail, Photo, Selfie, Subscription, User
from notifications import service as notifications
from notifications.delivery import deliver_next
from notifications.endpoints import checked
from notifications.push import WebPusher
from notifications.scanning import Scanner
from settings import get_settings
from testkit.push_service import Browser

PASSWORD = "open the third sesame"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# In the afternoon, so that no test meets the night by chance; far from the end of the event.
NOON = datetime(2026, 11, 27, 13, 0, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass
class Somebody:
    """A guest of an event of their own."""

    user: User
    event_id: int

    def photos(self, count: int, at: datetime) -> list[int]:
        """Add photos that show the guest, found at a time; return their ids."""
        with transaction() as session:
            selfie = session.query(Selfie).filter_by(user_id=self.user.id).first()
            if selfie is None:
                selfie = Selfie(user_id=self.user.id, status=DONE, created_at=at)
                session.add(selfie)
            added = [_photo(self.event_id, at) for _ in range(count)]
            session.add_all(added)
            session.flush()
            for photo in added:
                session.add(_match(self.user.id, photo.id, selfie.id, at))
            return [photo.id for photo in added]

    def given(self, count: int, at: datetime) -> None:
        """Add photos that are given to the guest by a badge at a time."""
        with transaction() as session:
            for photo in (added := [_photo(self.event_id, at) for _ in range(count)]):
                session.add(photo)
            session.flush()
            own = {"user_id": self.user.id, "event_id": self.event_id, "given_by": "badge"}
            session.add_all(GivenPhoto(photo_id=each.id, shown=True, created_at=at, **own) for each in added)

    def matched_again(self, at: datetime) -> None:
        """Write the guest's matches again, as matching does when the scores change."""
        with transaction() as session:
            for match in session.query(FaceMatch).filter_by(user_id=self.user.id).all():
                session.delete(match)
                session.flush()
                session.add(_match(self.user.id, match.photo_id, match.selfie_id, at))

    def by_mail(self, language: str = "fr") -> None:
        """Ask for mails."""
        notifications.tell_by_mail(self.user, self.event_id, language)

    def on(self, browser: Browser, language: str = "fr") -> int:
        """Ask for messages on a device; return the subscription."""
        keys = browser.subscription["keys"]
        device = checked(browser.endpoint, keys["p256dh"], keys["auth"])
        return notifications.tell_device(self.user, self.event_id, device, language)


def _photo(event_id: int, at: datetime) -> Photo:
    number = next(_numbers)
    return Photo(
        event_id=event_id,
        original_filename=f"IMG_{number}.JPG",
        filename=f"{number:032x}.jpg",
        content_type="image/jpeg",
        sha256=f"{number:064x}",
        size=9,
        width=4,
        height=3,
        status=DONE,
        uploaded_at=at,
    )


def _match(user_id: int, photo_id: int, selfie_id: int, at: datetime) -> FaceMatch:
    return FaceMatch(user_id=user_id, photo_id=photo_id, selfie_id=selfie_id, confidence_score=80.0, detected_at=at)


def somebody(
    event: str = "Mariage de Léa", zone: str = "UTC", expires_at: datetime | None = None, language: str = "fr"
) -> Somebody:
    """Return a guest with a confirmed address at a new event."""
    made = events.create(NewEvent(event, timezone=zone, expires_at=expires_at))
    address = f"amy{next(_numbers)}@example.org"
    user = register(NewAccount(f"guest{next(_numbers)}", address, PASSWORD), made.event_code, language, CURRENT)
    with transaction() as session:
        session.query(Mail).delete()
        found = session.get_one(User, user.id)
        found.email_confirmed_at = NOON
    return Somebody(found, made.id)


def rows() -> list[Subscription]:
    """Return all subscriptions."""
    with transaction() as session:
        return session.query(Subscription).order_by(Subscription.id).all()


def forget() -> None:
    """Delete all subscriptions."""
    with transaction() as session:
        session.query(Subscription).delete()


@contextmanager
def connection() -> Iterator[Post]:
    """Yields what takes mails away."""
    post = post_for(get_settings())
    try:
        yield post
    finally:
        post.close()


def work(now: datetime) -> int:
    """Do what the thread does at a time; return how many messages were looked at."""
    Scanner().scan(now)
    with connection() as post:
        count = 0
        while deliver_next(post, WebPusher(), now):
            count += 1
    return count

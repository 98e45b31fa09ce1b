"""Links to chosen photos: made and revoked by guests, opened by people without an account.

A link is `PUBLIC_URL/shared/SIGNATURE.KEY`. The key is random and stored, the signature is not: so a copy of the
database opens no link, a guessed one is refused without a look at the database, and a guest can copy a link again.
Each look at a link, and at each of its pictures, asks again what its maker may see.
"""

import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from audit.log import Action, record
from database import reading, transaction
from keys import LINK_DAYS, LINK_KEY_CHARACTERS, MAX_LINK_PHOTOS, MAX_PHOTO_LINKS
from models import Event, Photo, PhotoLink, User, utcnow
from photos.links import queries
from photos.service import guest_event
from settings import get_settings
from signing import same, signature

log = logging.getLogger(__name__)
PURPOSE = b"photo-link"
TOKEN = re.compile(rf"([\w-]{{24}})\.([0-9a-f]{{{LINK_KEY_CHARACTERS}}})", re.ASCII)
# What people and programs write behind an address, and take along when they copy it.
AROUND = " \t\r\n.,;:!?)>]}\"'»”’"
# An expired link says so for a month. Then it is deleted.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to photos, its event, and the account that made it."""

    row: PhotoLink
    event: Event
    user: User

    @property
    def token(self) -> str:
        """The last part of the link."""
        return f"{signature(PURPOSE, self.row.link_key)}.{self.row.link_key}"

    @property
    def address(self) -> str:
        """The link: `PUBLIC_URL/shared/…`."""
        return f"{get_settings().address}/shared/{self.token}"

    @property
    def expires_at(self) -> datetime:
        """When it ends: with the event at the latest, whose end may have been moved since."""
        return min(self.row.expires_at, self.event.expires_at)

    @property
    def told_name(self) -> str | None:
        """The name that the page says, without the domain of an address; None if it says none."""
        name = self.user.shown_name if self.row.shows_name else None
        return name.partition("@")[0] if name else None


@dataclass(frozen=True, slots=True)
class OwnLink(Link):
    """A link as its maker sees it; `photos` is how many it shows now, `left_out` how many it never did."""

    photos: int
    left_out: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it shows photos now."""
        return self.photos > 0 and self.event.guests_may_share and self.expires_at > utcnow()


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link shows now: photos of an event, and the name of who made it if they wanted it to be said."""

    link: Link
    photos: Sequence[Photo]

    @property
    def event(self) -> Event:
        """The event of the photos."""
        return self.link.event

    @property
    def by(self) -> str | None:
        """The name of the link's maker; None if it is not to be said."""
        return self.link.told_name


# --- for the guest who makes it ----------------------------------------------------------------------


def make(
    user: User, event_id: int, photo_ids: Sequence[int], *, days: int = LINK_DAYS, shows_name: bool = False
) -> OwnLink:
    """Make a link to photos of an event. Photos of others, and those the guest may not see, are left out.

    Raises:
        NotInEvent: the guest is not a member of the event. SharingOff: guests make no links there.
        SharingOver: the event has expired. TooManyLinkedPhotos: there are more than 200.
        TooManyPhotoLinks: the guest has 50 links there. NoneOfThesePhotos: the guest may see none of them.
    """
    wanted = sorted(set(photo_ids))
    if len(wanted) > MAX_LINK_PHOTOS:
        raise errors.TooManyLinkedPhotos
    try:
        return _make(user, event_id, wanted, days, shows_name)
    except IntegrityError:
        # A photo was deleted between its choice and its row.
        return _make(user, event_id, wanted, days, shows_name)


def _make(user: User, event_id: int, wanted: Sequence[int], days: int, shows_name: bool) -> OwnLink:
    with transaction() as session:
        # Locked, so that the limit also holds when a guest makes two links at once.
        account_queries.lock_user(session, user.id)
        event = guest_event(session, user, event_id)
        _check_may_share(session, user.id, event)
        link = PhotoLink(
            user_id=user.id,
            event_id=event.id,
            link_key=secrets.token_hex(LINK_KEY_CHARACTERS // 2),
            shows_name=shows_name,
            expires_at=min(_end_of_day(event, days), event.expires_at),
        )
        session.add(link)
        session.flush()
        number = queries.add_photos(session, link, wanted)
        if not number:
            raise errors.NoneOfThesePhotos
        record(session, Action.PHOTOS_LINKED, event_id=event.id, number=number)
        return OwnLink(link, event, user, number, len(wanted) - number)


def _end_of_day(event: Event, days: int) -> datetime:
    """Return the end, by the event's clock, of the day that is so many days from now: "until Friday" is then true."""
    zone = ZoneInfo(event.timezone)
    next_day = datetime.now(zone).date() + timedelta(days=days + 1)
    return datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone).astimezone(UTC)


def _check_may_share(session: Session, user_id: int, event: Event) -> None:
    if not event.guests_may_share:
        raise errors.SharingOff
    if event.expires_at <= utcnow():
        raise errors.SharingOver
    if queries.count(session, user_id, event.id) >= MAX_PHOTO_LINKS:
        raise errors.TooManyPhotoLinks


def links_of(user: User) -> list[OwnLink]:
    """Return the guest's links, newest first, those that have expired too."""
    with reading() as session:
        return [OwnLink(*row, number) for row, number in queries.of_user(session, user.id)]


def revoke(user: User, link_id: int) -> None:
    """Delete a link: from now on it opens nothing.

    Raises:
        NoSuchPhotoLink: there is no such link, or it is another guest's.
    """
    with transaction() as session:
        event_id = queries.delete_link(session, user.id, link_id)
        if event_id is None:
            raise errors.NoSuchPhotoLink
        record(session, Action.PHOTO_LINK_REVOKED, event_id=event_id)


def erase_old() -> None:
    """Delete the links that expired a month ago."""
    with transaction() as session:
        queries.delete_expired(session, utcnow() - KEPT)


# --- for visitors -------------------------------------------------------------------------------------


def _key(token: str) -> str:
    found = TOKEN.fullmatch(token.rstrip(AROUND))
    if found is None or not same(signature(PURPOSE, found[2]), found[1]):
        raise errors.ForgedPhotoLink
    return found[2]


def _opened(session: Session, token: str) -> Link:
    row = queries.by_key(session, _key(token))
    if row is None or not row.event.guests_may_share:
        raise errors.NoSuchPhotoLink
    link = Link(*row)
    if link.expires_at <= utcnow():
        raise errors.PhotoLinkExpired
    return link


def opened(token: str) -> Shared:
    """Return what a link shows now.

    Raises:
        ForgedPhotoLink: the service never made it. PhotoLinkExpired: it has expired, or its event has.
        NoSuchPhotoLink: it is revoked, its maker's account is gone, or its maker may see none of its photos any more.
    """
    with reading() as session:
        link = _opened(session, token)
        photos = queries.photos_of(session, link.row)
    if not photos:
        raise errors.NoSuchPhotoLink
    return Shared(link, photos)


def photo_of(token: str, photo_id: int) -> Photo:
    """Return one photo of a link.

    Raises:
        ForgedPhotoLink, PhotoLinkExpired, NoSuchPhotoLink: see `opened`.
        NoSuchPhoto: the link does not show this photo, or not any more.
    """
    with reading() as session:
        return link_and_photo(session, token, photo_id)[1]


def link_and_photo(session: Session, token: str, photo_id: int) -> tuple[PhotoLink, Photo]:
    """Return a link, and one photo of it. Raises as `photo_of`."""
    link = _opened(session, token).row
    for photo in queries.photos_of(session, link, photo_id):
        return link, photo
    raise errors.NoSuchPhoto


def count_visit(shared: Shared) -> None:
    """Count a visit to the link. If that fails, it is logged, and the photos are shown all the same."""
    try:
        with transaction() as session:
            queries.count_visit(session, shared.link.row.id)
    except SQLAlchemyError as error:
        log.warning("a visit to a link was not counted: %s", type(error).__name__)

"""What guests choose: to be told by mail, on a device, or no more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from database import reading, transaction
from events import queries as event_queries
from events.consents.queries import suffices
from keys import MAX_DEVICES
from models import DONE, FAILED, Event, Subscription, User, utcnow
from notifications import queries
from notifications.endpoints import Device, hash_of
from notifications.queries import MAIL, PUSH
from settings import get_settings


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device on which a guest is told: the number of the subscription, the hash of its address."""

    id: int
    hash: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Told:
    """How a guest is told of new photos in an event, and what could be chosen.

    `mail_is_on`: the service sends mails. `address`: the guest's, or None. `confirmed`: its owner has confirmed it.
    `mail`: the guest is told by mail; `mail_refused`: the mail server refused the address, so nothing more is sent.
    """

    event: Event
    is_over: bool
    withdrawn: bool
    mail_is_on: bool
    address: str | None
    confirmed: bool
    mail: bool
    mail_refused: bool
    devices: Collection[DeviceState]

    @property
    def mail_is_possible(self) -> bool:
        """Whether mails could be sent to the guest."""
        return self.mail_is_on and self.confirmed

    @property
    def possible(self) -> bool:
        """Whether there may be news: the event is open, and the guest is searched for."""
        return not self.is_over and not self.withdrawn


def told(guest: User, event_id: int) -> Told:
    """Return how the guest is told of new photos in the event.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    with reading() as session:
        event = event_queries.joined_event(session, guest.id, event_id)
        membership = event_queries.membership(session, guest.id, event_id)
        if event is None or membership is None:
            raise errors.NotInEvent
        rows = queries.of_guest(session, guest.id, event_id)
        is_consenting = suffices(session, guest.id, event_id)
    return _told(guest, event, not is_consenting, rows)


def told_in(guest: User, event: Event, *, withdrawn: bool) -> Told:
    """Return the same for an event that the guest is known to be a member of."""
    with reading() as session:
        return _told(guest, event, withdrawn, queries.of_guest(session, guest.id, event.id))


def _told(guest: User, event: Event, withdrawn: bool, rows: Sequence[Subscription]) -> Told:
    mails = [each for each in rows if each.channel == MAIL]
    return Told(
        event=event,
        is_over=event.expires_at <= utcnow(),
        # By a badge there may be news without a consent.
        withdrawn=withdrawn and not event.badges,
        mail_is_on=get_settings().mail_is_on,
        address=guest.email,
        confirmed=bool(guest.email) and guest.email_confirmed_at is not None,
        mail=any(each.status != FAILED for each in mails),
        mail_refused=any(each.status == FAILED for each in mails),
        devices=[
            DeviceState(each.id, each.endpoint_hash, each.status == FAILED) for each in rows if each.channel == PUSH
        ],
    )


def tell_by_mail(guest: User, event_id: int, language: str) -> None:
    """Tell the guest of new photos in the event by mail. Idempotent; after a refused mail it starts again.

    Raises:
        NotInEvent, NoMorePhotos, NoNewsWithoutConsent: see `_locked`. MailIsOff: the service sends no mails.
        NoConfirmedAddress: the guest has no address, or has not confirmed it.
    """
    with transaction() as session:
        user = _locked(session, guest, event_id)
        if not get_settings().mail_is_on:
            raise errors.MailIsOff
        if not user.email or user.email_confirmed_at is None:
            raise errors.NoConfirmedAddress
        kept = [each for each in queries.of_guest(session, user.id, event_id) if each.channel == MAIL]
        if kept and kept[0].status != FAILED:
            kept[0].language = language
            return
        queries.delete_of(session, user.id, event_id, MAIL)
        session.add(_new(session, user.id, event_id, MAIL, language))


def tell_device(guest: User, event_id: int, device: Device, language: str) -> int:
    """Tell the guest of new photos in the event on a device; return the number of the subscription. Idempotent.

    A guest has at most MAX_DEVICES in an event; a further one replaces the oldest. Of two accounts that use one
    device, the last one counts.

    Raises:
        NotInEvent, NoMorePhotos, NoNewsWithoutConsent: see `_locked`.
    """
    with transaction() as session:
        user = _locked(session, guest, event_id)
        queries.delete_device_of_others(session, device.hash, user.id)
        devices = [each for each in queries.of_guest(session, user.id, event_id) if each.channel == PUSH]
        row = next((each for each in devices if each.endpoint_hash == device.hash), None)
        if row is None or row.status == FAILED:
            if row is not None:
                devices.remove(row)
                queries.delete_ids(session, [row.id])
            queries.delete_ids(session, [each.id for each in devices[: max(0, len(devices) - MAX_DEVICES + 1)]])
            row = _new(session, user.id, event_id, PUSH, language)
            session.add(row)
        _address(row, device)
        row.language, row.session_id = language, guest.session_id
        session.flush()
        return row.id


def renew_device(old_endpoint: str, device: Device) -> None:
    """Give a device the new address that its browser has got for it, in all events.

    The old address is the proof: only the browser, its push service and this service know it.

    Raises:
        NoSuchSubscription: no device has the old address.
    """
    with transaction() as session:
        rows = queries.lock_device(session, hash_of(old_endpoint))
        if not rows:
            raise errors.NoSuchSubscription
        if hash_of(old_endpoint) != device.hash:
            queries.delete_ids(session, [each.id for each in queries.lock_device(session, device.hash)])
        for row in rows:
            _address(row, device)


def end(guest: User, subscription_id: int) -> None:
    """End one of the guest's subscriptions.

    Raises:
        NoSuchSubscription: the guest has none of this number.
    """
    with transaction() as session:
        if not queries.delete_one(session, guest.id, subscription_id):
            raise errors.NoSuchSubscription


def end_mail(guest: User, event_id: int) -> None:
    """Tell the guest no more by mail in the event. Idempotent.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    _end_channel(guest, event_id, MAIL)


def end_devices(guest: User, event_id: int) -> None:
    """Tell the guest no more on any device in the event. Idempotent.

    Raises:
        NotInEvent: the guest is not a member of the event.
    """
    _end_channel(guest, event_id, PUSH)


def _end_channel(guest: User, event_id: int, channel: str) -> None:
    with transaction() as session:
        if event_queries.membership(session, guest.id, event_id) is None:
            raise errors.NotInEvent
        queries.delete_of(session, guest.id, event_id, channel)


def end_all(session: Session, user_id: int, event_id: int) -> None:
    """Tell a guest no more in an event, in the open transaction: the consent is withdrawn."""
    queries.delete_of(session, user_id, event_id)


def end_session(user_id: int, session_id: str | None) -> None:
    """Tell a guest no more on the device on which this login ended. Idempotent.

    Not for a login that expires: the device is still the guest's.
    """
    if session_id is not None:
        with transaction() as session:
            queries.delete_of_session(session, user_id, session_id)


def end_other_sessions(guest: User) -> None:
    """Tell a guest no more on any device but the one of this request: all other logins were ended."""
    with transaction() as session:
        queries.delete_of_other_sessions(session, guest.id, guest.session_id or "")


def _locked(session: Session, guest: User, event_id: int) -> User:
    """Lock the membership, so that two requests make no two subscriptions, and return the guest's account.

    Raises:
        NotInEvent: the guest is not a member of the event. NoMorePhotos: it has expired.
        NoNewsWithoutConsent: the guest is not searched for there, and has no badge.
    """
    event = event_queries.joined_event(session, guest.id, event_id)
    membership = event_queries.lock_membership(session, guest.id, event_id)
    user = account_queries.user(session, guest.id)
    if event is None or user is None or membership is None:
        raise errors.NotInEvent
    if event.expires_at <= utcnow():
        raise errors.NoMorePhotos
    if not event.badges and not suffices(session, guest.id, event_id):
        raise errors.NoNewsWithoutConsent
    return user


def _new(session: Session, user_id: int, event_id: int, channel: str, language: str) -> Subscription:
    """Return a subscription that knows the photos the guest has now."""
    matches = queries.matches_of(session, user_id, event_id)
    given = queries.given_to(session, user_id, event_id)
    return Subscription(
        user_id=user_id,
        event_id=event_id,
        channel=channel,
        language=language,
        status=DONE,
        told=sorted({each.photo_id for each in (*matches, *given)}),
        seen_match_id=max((each.row_id for each in matches), default=0),
        seen_given_id=max((each.row_id for each in given), default=0),
    )


def _address(row: Subscription, device: Device) -> None:
    row.endpoint, row.endpoint_hash, row.host = device.endpoint, device.hash, device.host
    row.p256dh, row.auth = device.p256dh, device.auth

"""Calls of guests about being told of new photos, by mail or on their devices."""

from fastapi import APIRouter

import errors
from api.accounts.schemas import Message
from api.callers import CurrentGuest
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.notifications.schemas import DeviceIn, NotificationsOut, RenewalIn
from api.rules import public
from api.throttling import CallerDep
from models import User
from notifications import service
from throttling import rules

router = APIRouter(prefix="/api", tags=["notifications"])
GUESTS = (*SIGNED_IN, errors.GuestsOnly)
MEMBERS = (*GUESTS, errors.NotInEvent)
ASKED = (*MEMBERS, errors.NoMorePhotos, errors.NoNewsWithoutConsent, errors.TooManyRequests)
PUSH = (errors.UnknownPushService, errors.InvalidPushKeys)


def _count(guest: User) -> None:
    rules.count(rules.FAVOURITES, f"account {guest.id}")


@router.get(
    "/user/events/{event_id}/notifications",
    summary="How am I told of new photos?",
    responses=error_responses(*MEMBERS),
)
def notifications(event_id: RowId, guest: CurrentGuest) -> NotificationsOut:
    """By mail, and on which devices; with the key that a browser needs to subscribe."""
    return NotificationsOut.of(service.told(guest, event_id))


@router.put(
    "/user/events/{event_id}/notifications/email",
    summary="Tell me by mail",
    responses=error_responses(*ASKED, errors.MailIsOff, errors.NoConfirmedAddress),
)
def tell_by_mail(event_id: RowId, guest: CurrentGuest, language: Language) -> NotificationsOut:
    """Of photos that are found from now on: at most one mail an hour, after some quiet minutes, none from 2 to 8.

    Each can be stopped with one click (RFC 8058). Ends with the event. In the language of this call. Idempotent.
    """
    _count(guest)
    service.tell_by_mail(guest, event_id, language)
    return NotificationsOut.of(service.told(guest, event_id))


@router.delete(
    "/user/events/{event_id}/notifications/email",
    summary="No more mails",
    responses=error_responses(*MEMBERS),
)
def end_mail(event_id: RowId, guest: CurrentGuest) -> NotificationsOut:
    """Idempotent."""
    service.end_mail(guest, event_id)
    return NotificationsOut.of(service.told(guest, event_id))


@router.put(
    "/user/events/{event_id}/notifications/device",
    summary="Tell me on this device",
    responses=error_responses(*PUSH, *ASKED),
)
def tell_device(event_id: RowId, asked: DeviceIn, guest: CurrentGuest, language: Language) -> NotificationsOut:
    """The same by web push: takes what the browser's `pushManager.subscribe` gave. At most five devices; a further
    one replaces the oldest. A device belongs to the account that asked last."""
    _count(guest)
    service.tell_device(guest, event_id, asked.device(), language)
    return NotificationsOut.of(service.told(guest, event_id))


@router.delete(
    "/notifications/{subscription_id}",
    summary="No more messages on a device",
    responses=error_responses(*GUESTS, errors.NoSuchSubscription),
)
def end_subscription(subscription_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """Ends one of the `devices`."""
    service.end(guest, subscription_id)
    return Message(message=Success.NOT_TOLD_ANY_MORE.text(language))


@router.post(
    "/push-renewal",
    summary="My browser has a new push address",
    responses=error_responses(*PUSH, errors.NoSuchSubscription, errors.TooManyRequests),
)
@public
def renew_device(asked: RenewalIn, caller: CallerDep, language: Language) -> Message:
    """For service workers (`pushsubscriptionchange`), which have no session. The old address is the proof: it is a
    secret of the browser."""
    caller.link_use()
    service.renew_device(asked.old_endpoint, asked.device())
    return Message(message=Success.DEVICE_RENEWED.text(language))

"""How a guest is told of new photos: the page with the choices, its forms, and the end of mails by their link."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response

import errors
from api.callers import CurrentGuest
from api.language import Language
from api.throttling import CallerDep
from keys import MAX_ID
from notifications import service as notifications
from notifications import unsubscribing, vapid
from notifications.service import Told
from pages.guest.home_screen import is_safari
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render
from throttling import rules

router = page_router()
# Without the check of forms: mail programs post to the link, and its token is the proof.
links = APIRouter(include_in_schema=False)
PAGE = "/notify"
EventId = Annotated[int, Form(ge=1, le=MAX_ID)]
MaybeEvent = Annotated[int | None, Query(alias="event", ge=1, le=MAX_ID)]
FLASH_DONE = ("mail_on", "mail_off", "devices_off")
FLASH_PROBLEMS = ("NoConfirmedAddress", "MailIsOff", "NoMorePhotos", "NoNewsWithoutConsent")


@router.get(PAGE)
def notify(request: Request, guest: CurrentGuest, event_id: MaybeEvent = None) -> Response:
    """Return the page; without an event, lead to the gallery, which knows the last one."""
    if event_id is None:
        return redirect("/photos")
    told = notifications.told(guest, event_id)
    flash = flash_of(request)
    done, problem = flash.get("done"), flash.get("problem")
    return render(
        request,
        "guest/notify.html",
        event=told.event,
        told=told,
        data=data_for(told),
        own_manifest=is_safari(request),
        done=done if done in FLASH_DONE else "",
        problem=problem if problem in FLASH_PROBLEMS else "",
    )


def data_for(told: Told) -> dict[str, Any]:
    """Return what the script needs: the event, the key to subscribe with, what is on and what could be."""
    return {
        "event": told.event.id,
        "key": vapid.public_key(),
        "mail": told.mail,
        "mails": told.mail_is_on,
        "mailable": told.mail_is_possible,
        "devices": [{"id": each.id, "hash": each.hash, "refused": each.refused} for each in told.devices],
    }


@router.post(f"{PAGE}/email")
def choose_mail(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    event_id: EventId,
    on: Annotated[bool, Form()] = True,
) -> Response:
    """Tell the guest by mail, or no more."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    if not on:
        notifications.end_mail(guest, event_id)
        return _back(request, event_id, done="mail_off")
    try:
        notifications.tell_by_mail(guest, event_id, language)
    except (errors.NoConfirmedAddress, errors.MailIsOff, errors.NoMorePhotos, errors.NoNewsWithoutConsent) as error:
        return _back(request, event_id, problem=type(error).__name__)
    return _back(request, event_id, done="mail_on")


@router.post(f"{PAGE}/devices")
def end_devices(request: Request, guest: CurrentGuest, event_id: EventId) -> Response:
    """Tell the guest no more on any device."""
    notifications.end_devices(guest, event_id)
    return _back(request, event_id, done="devices_off")


def _back(request: Request, event_id: int, **flash: str) -> Response:
    return redirect_with_flash(request, f"{PAGE}?event={event_id}", **flash)


def is_offered(kind: str) -> bool:
    """Return whether the gallery offers to tell the guest: by a portrait or a badge there may be news."""
    return kind in ("found", "none", "looking", "badge")


# --- the link in a mail ----------------------------------------------------------------------------


@links.get("/unsubscribe/{token}")
def unsubscribe_page(request: Request, token: str, caller: CallerDep) -> Response:
    """Return the page whose button ends the mails. Opening it changes nothing: mail scanners open links too."""
    caller.link_use()
    known = True
    try:
        unsubscribing.check(token)
    except errors.UnsubscribeLinkInvalid:
        known = False
    return _unsubscribed(request, token, known=known, done=False)


@links.post("/unsubscribe/{token}")
def unsubscribe(request: Request, token: str, caller: CallerDep) -> Response:
    """End the mails, for a reader who pressed the button and for a mail program (RFC 8058). Idempotent."""
    caller.link_use()
    try:
        unsubscribing.unsubscribe(token)
    except errors.UnsubscribeLinkInvalid:
        return _unsubscribed(request, token, known=False, done=False)
    return _unsubscribed(request, token, known=True, done=True)


def _unsubscribed(request: Request, token: str, *, known: bool, done: bool) -> Response:
    status = 200 if known else 404
    page = render(request, "guest/unsubscribe.html", status, token=token, known=known, done=done)
    page.headers["Referrer-Policy"] = "no-referrer"
    return page

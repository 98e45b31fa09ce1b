"""The guest's account page: events, consent and erasing the account."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Form, Request, Response

import errors
from accounts import login_links
from api.callers import CurrentGuest
from api.dependencies import HASHES, WakeJobs, WakeMail
from api.language import Language
from api.sessions import end_session
from api.throttling import CallerDep
from guests import consent
from guests.erasure import erase
from guests.wordings import shown
from keys import MAX_ID
from mail import outbox
from models import User
from pages import formatting
from pages.ends import ends_of
from pages.guest.membership import memberships_of
from pages.guest.wording import Shown, agreed
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render
from photos.reports import service as reports
from photos.withheld import service as withheld
from settings import get_settings
from throttling import rules

router = page_router()
EventId = Annotated[int, Form(ge=1, le=MAX_ID)]
TOO_OFTEN = "too_often"
FLASH_DONE = ("withdrawn", "given", "consent_first", "wrong_password", "confirm_sent", "hidden", "shown")


@router.get("/account")
def account(request: Request, guest: CurrentGuest, language: Language) -> Response:
    """Return the page with the guest's events, consents and the form that erases the account."""
    joined = memberships_of(guest)
    days = {each.event.id: formatting.day(language, each.event.date) for each in joined if each.event.date}
    flash = flash_of(request)
    done = flash.get("done")
    helped = login_links.helped_at(guest.id)
    return render(
        request,
        "guest/account.html",
        joined=joined,
        hidden=withheld.hides_in(guest.id),
        days=days,
        helped=formatting.moment(language, helped, joined[0].event.timezone) if helped and joined else "",
        consents_end={
            each.event.id: formatting.last_day(language, each.ends_at, each.event.timezone)
            for each in joined
            if each.ends_at is not None
        },
        ends={each.event.id: ends_of(each.event, language) for each in joined},
        engine=get_settings().face_recognizer_provider,
        wording=shown(language),
        mail_is_on=get_settings().mail_is_on,
        reports=[_shown_report(each, language) for each in reports.with_photos_of(guest.id)],
        done=done if done in FLASH_DONE else "",
        wait=flash.get("wait", "") if flash.get("problem") == TOO_OFTEN else "",
    )


def _shown_report(own: reports.Own, language: str) -> dict[str, str]:
    """Return when the photo was taken, if that is known, its event, and what became of the report."""
    taken = own.photo.taken_at if own.photo is not None else None
    return {
        "taken": formatting.moment(language, taken, own.event.timezone) if taken is not None else "",
        "event": own.event.name,
        "status": own.report.status,
    }


@router.post("/account/confirm-address")
def confirm_address(request: Request, guest: CurrentGuest, language: Language, wake_mail: WakeMail) -> Response:
    """Mail the link that confirms the address again."""
    outbox.ask_again_to_confirm(guest, language)
    answer = redirect_with_flash(request, "/account", done="confirm_sent")
    wake_mail()
    return answer


@router.post("/account/withdraw")
def withdraw(request: Request, guest: CurrentGuest, event_id: EventId) -> Response:
    """Withdraw the consent for one event; everything computed from the guest's face there is erased."""
    consent.withdraw(guest.id, event_id)
    return redirect_with_flash(request, "/account", done="withdrawn")


@router.post("/account/consent")
def give(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    wake_jobs: WakeJobs,
    event_id: EventId,
    digest: Shown = "",
) -> Response:
    """Give the consent for one event; the guest is matched from now on."""
    consent.give(guest.id, event_id, agreed(digest, language))
    wake_jobs()
    return redirect_with_flash(request, "/account", done="given")


@router.post("/account/hide")
def hide_photos(request: Request, guest: CurrentGuest, language: Language, event_id: EventId) -> Response:
    """Hide the photos of the guest from all other guests of the event."""
    return _changed(request, guest, language, partial(withheld.hide_photos_of, guest.id, event_id), "hidden")


@router.post("/account/show")
def show_photos(request: Request, guest: CurrentGuest, language: Language, event_id: EventId) -> Response:
    """Let the other guests see them again."""
    return _changed(request, guest, language, partial(withheld.show_photos_of, guest.id, event_id), "shown")


def _changed(request: Request, guest: User, language: str, change: Callable[[], object], done: str) -> Response:
    """Change who sees the photos of the guest, unless that is done too often; return to the page."""
    try:
        rules.count(rules.NOT_ME, f"account {guest.id}")
    except errors.TooManyRequests as refusal:
        return redirect_with_flash(request, "/account", problem=TOO_OFTEN, wait=refusal.wait(language))
    change()
    return redirect_with_flash(request, "/account", done=done)


@router.post("/account/erase", dependencies=[HASHES])
def erase_account(
    request: Request,
    guest: CurrentGuest,
    caller: CallerDep,
    password: Annotated[str, Form()] = "",
    photos: Annotated[str, Form()] = "leave",
) -> Response:
    """Erase the account with everything in it, if the password is right. The form itself is the confirmation."""
    try:
        with caller.password_of(guest):
            erase(guest, password, confirmed=True, hide_photos=photos == "hide")
    except errors.BadCredentials:
        return redirect_with_flash(request, "/account", done="wrong_password")
    answer = redirect("/goodbye")
    end_session(request, answer)
    return answer


@router.get("/goodbye")
def goodbye(request: Request) -> Response:
    """Return the page that follows the erasure of an account."""
    return render(request, "guest/goodbye.html")

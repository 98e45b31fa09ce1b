"""The page on which a guest takes, sees, adds, replaces and erases portraits; its script calls the API."""

from fastapi import Request, Response

import errors
from api.callers import CurrentGuest
from api.dependencies import SelfieValidator, WakeJobs
from api.language import Language
from api.rules import SELFIE_BODY, body_limit, public
from api.selfies.routes import SendingGuest
from api.uploads import SelfiePart
from events.ending import takes_portraits
from guests.portraits import portraits_of
from keys import MAX_PORTRAITS
from matching.state import state_of
from models import DONE, FAILED, utcnow
from pages.guest.gallery import MaybeEvent
from pages.guest.membership import membership_in, memberships_of
from pages.guest.standing import REFUSED, reason
from pages.guest.together import invitation_of
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render
from selfies import service
from settings import get_settings
from throttling import rules

router = page_router()


@router.get("/selfie")
def portrait(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    asked: MaybeEvent = None,
    change: bool = False,
    add: bool = False,
) -> Response:
    """Return the page with the portraits, or with the camera if there is none, to `change` them or to `add` one.

    A guest who has consented nowhere is led to the page that asks for it.

    `event` is the event whose photos the page leads to.
    """
    joined = memberships_of(guest)
    if asked is not None:
        membership_in(joined, asked)
    kept = portraits_of(guest.id)
    state = state_of(guest.id)
    is_open = any(takes_portraits(each.event, utcnow()) for each in joined)
    if is_open and joined and all(each.withdrawn for each in joined):
        return redirect_with_flash(request, "/account", done="consent_first")
    add = add and 0 < len(kept) < MAX_PORTRAITS
    for_event = f"?event={asked}" if asked is not None else ""
    return render(
        request,
        "guest/portrait.html",
        portraits=kept,
        used=DONE,
        failed=FAILED,
        most=MAX_PORTRAITS,
        refused=reason(language, state.detail) if state.status == REFUSED else "",
        add=add,
        taking=is_open and (change or add or not kept),
        is_open=is_open,
        problem=reason(language, str(problem)) if (problem := flash_of(request).get("problem")) else "",
        for_event=for_event,
        onward=invitation_of(request) or f"/photos{for_event}",
    )


@router.post("/selfie")
@public
@body_limit(SELFIE_BODY)
def send_portrait(
    request: Request,
    guest: SendingGuest,
    file: SelfiePart,
    validator: SelfieValidator,
    wake_jobs: WakeJobs,
    asked: MaybeEvent = None,
    keep: bool = False,
) -> Response:
    """Take the portrait of a browser without scripts: it is checked and stored, or the page says why not."""
    for_event = f"?event={asked}" if asked is not None else ""
    try:
        rules.count(rules.SELFIES, f"account {guest.id}")
        validator.check(file)
        service.receive(guest, file, validator.store, strict=get_settings().selfie_validation_strict, keep=keep)
    except (errors.InvalidToken, errors.TooManyRequests, errors.TooBusy):
        raise
    except errors.AppError as refused:
        again = f"/selfie{for_event}{'&' if for_event else '?'}{'add' if keep else 'change'}=true"
        return redirect_with_flash(request, again, problem=type(refused).__name__)
    wake_jobs()
    return redirect(invitation_of(request) or f"/photos{for_event}")

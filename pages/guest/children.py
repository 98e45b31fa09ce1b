"""The page on which a guest holds profiles of children; everything works without scripts."""

from typing import Annotated

from fastapi import Form, Request, Response
from pydantic import TypeAdapter, ValidationError

import errors
from api.callers import CurrentGuest
from api.children.routes import ChildToShow
from api.dependencies import SelfieValidator, WakeJobs
from api.fields import ChildName, RowId
from api.language import Language
from api.rules import SELFIE_BODY, body_limit, public
from api.uploads import SelfiePart
from guests import wordings
from guests.children import service
from guests.wordings import GUARDIAN
from keys import MAX_CHILDREN, MAX_ID, MAX_USERNAME
from pages.guest.membership import memberships_of
from pages.guest.standing import REFUSED, UNDER_WAY, reason
from pages.guest.wording import Shown, agreed
from pages.redirects import flash_of, redirect_with_flash
from pages.rendering import page_router, render
from throttling import rules

router = page_router()
HERE = "/account/children"
NAME = TypeAdapter[str](ChildName)
EventId = Annotated[int, Form(ge=1, le=MAX_ID)]
FLASH_DONE = ("added", "sent", "given", "withdrawn", "erased", "hidden", "shown")
FLASH_PROBLEMS = ("name", "too_many", "portrait")


@router.get("/account/children")
def children(request: Request, guest: CurrentGuest, language: Language) -> Response:
    """Return the page with the children whose profiles the guest holds, and the form that adds one."""
    flash = flash_of(request)
    done, problem = flash.get("done"), flash.get("problem")
    return render(
        request,
        "guest/children.html",
        children=service.children_of(guest),
        joined=memberships_of(guest),
        wording=wordings.shown(language, GUARDIAN),
        under_way=UNDER_WAY,
        refused=REFUSED,
        why=reason,
        room=MAX_CHILDREN,
        longest=MAX_USERNAME,
        done=done if done in FLASH_DONE else "",
        problem=problem if problem in FLASH_PROBLEMS else "",
        reason=reason(language, str(flash.get("reason"))) if flash.get("reason") else "",
    )


@router.post("/account/children")
def add(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    event_id: EventId,
    name: Annotated[str, Form()] = "",
    digest: Shown = "",
) -> Response:
    """Add a child's profile; the form shows the words that the guardian agrees to."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    try:
        service.add(guest, NAME.validate_python(name), event_id, agreed(digest, language, GUARDIAN))
    except ValidationError:
        return redirect_with_flash(request, HERE, problem="name")
    except errors.TooManyChildren:
        return redirect_with_flash(request, HERE, problem="too_many")
    return redirect_with_flash(request, HERE, done="added")


@router.post("/account/children/{child_id}/portrait")
@public
@body_limit(SELFIE_BODY)
def send_portrait(
    request: Request,
    child: ChildToShow,
    guest: CurrentGuest,
    file: SelfiePart,
    validator: SelfieValidator,
    wake_jobs: WakeJobs,
) -> Response:
    """Take the portrait of a child: it is checked and stored, or the page says why not."""
    try:
        rules.count(rules.SELFIES, f"account {guest.id}")
        validator.check(file)
        service.send_portrait(child, file, validator.store)
    except (errors.InvalidToken, errors.TooManyRequests, errors.TooBusy):
        raise
    except errors.AppError as refused:
        return redirect_with_flash(request, HERE, problem="portrait", reason=type(refused).__name__)
    wake_jobs()
    return redirect_with_flash(request, HERE, done="sent")


@router.post("/account/children/{child_id}/consent")
def agree(
    request: Request,
    child_id: RowId,
    guest: CurrentGuest,
    language: Language,
    wake_jobs: WakeJobs,
    event_id: EventId,
    digest: Shown = "",
) -> Response:
    """Consent for the child in one of the guardian's events."""
    service.agree(guest, child_id, event_id, agreed(digest, language, GUARDIAN))
    wake_jobs()
    return redirect_with_flash(request, HERE, done="given")


@router.post("/account/children/{child_id}/withdraw")
def withdraw(request: Request, child_id: RowId, guest: CurrentGuest, event_id: EventId) -> Response:
    """Withdraw the consent for the child in an event."""
    service.withdraw(guest, child_id, event_id)
    return redirect_with_flash(request, HERE, done="withdrawn")


@router.post("/account/children/{child_id}/hide")
def hide(
    request: Request,
    child_id: RowId,
    guest: CurrentGuest,
    event_id: EventId,
    hidden: Annotated[bool, Form()] = True,
) -> Response:
    """Hide the photos of the child in an event from other guests, or show them again."""
    rules.count(rules.NOT_ME, f"account {guest.id}")
    service.hide(guest, child_id, event_id, hidden=hidden)
    return redirect_with_flash(request, HERE, done="hidden" if hidden else "shown")


@router.post("/account/children/{child_id}/erase")
def erase(request: Request, child_id: RowId, guest: CurrentGuest) -> Response:
    """Erase the child's profile."""
    service.erase(guest, child_id)
    return redirect_with_flash(request, HERE, done="erased")

"""The page on which a guest keeps an account that lives in one browser so far: by mail, by a link or a password."""

from contextlib import suppress
from typing import Annotated

from fastapi import Form, Request, Response
from pydantic import ValidationError

import errors
from accounts import login_links, password_change
from api.accounts.resets import ResetIn
from api.callers import CurrentGuest
from api.cookies import cookie_of, set_cookie
from api.dependencies import HASHES, WakeMail
from api.language import Language
from api.throttling import CallerDep
from keys import MAX_EMAIL_KEY, MAX_ID, MAX_PASSWORD
from mail import outbox
from models import User
from pages.carried import carry
from pages.login_links import qr_of, shown_link
from pages.passwords import why_refused
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render
from settings import get_settings

router = page_router()
PAGE = "/keep"
Field = Annotated[str, Form()]
DONE = ("mail_sent", "mail_kept", "revoked", "password_set")
PROBLEMS = ("address", "short", "long", "common", "guessable")
# Says that the offer in the gallery is not to be shown again for a while.
LATER_COOKIE = "reperio_later"
LATER_SECONDS = 30 * 86_400


def is_offered(request: Request, guest: User) -> bool:
    """Tell whether the gallery offers to keep the account: not if it is kept, or the guest has said "later"."""
    return cookie_of(request, LATER_COOKIE) is None and not login_links.is_kept(guest)


@router.get(PAGE)
def keep(request: Request, guest: CurrentGuest, made: str = "") -> Response:
    """Return the page with the ways to keep the account; with `made`, the personal link that was just made."""
    flash = flash_of(request)
    done, problem = flash.get("done"), flash.get("problem")
    link = shown_link(request, guest.id) if made else ""
    page = render(
        request,
        "guest/keep.html",
        done=done if done in DONE else "",
        problem=problem if problem in PROBLEMS else "",
        link=link,
        qr=qr_of(link) if link else "",
        has_link=login_links.has_personal(guest.id),
        mail_is_on=get_settings().mail_is_on,
    )
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


@router.post(f"{PAGE}/mail")
def by_mail(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    wake_mail: WakeMail,
    caller: CallerDep,
    email: Field = "",
) -> Response:
    """Mail a link to an address, which is stored when the link is followed. The answer is the same for every one."""
    try:
        asked = ResetIn(email=email)
    except ValidationError:
        return redirect_with_flash(request, PAGE, problem="address", email=email[:MAX_EMAIL_KEY])
    caller.kept_address(guest, asked.email)
    outbox.ask_to_keep(guest.id, asked.email, language)
    answer = redirect_with_flash(request, PAGE, done="mail_sent")
    wake_mail()
    return answer


@router.post(f"{PAGE}/link")
def by_link(request: Request, guest: CurrentGuest) -> Response:
    """Make a personal link, which ends the one before. The page shows it for ten minutes, in this browser alone."""
    token = login_links.issue(guest.id, login_links.PERSONAL)
    return carry(request, redirect(f"{PAGE}?made=true"), PAGE, token)


@router.post(f"{PAGE}/link/revoke")
def revoke(request: Request, guest: CurrentGuest) -> Response:
    """End the personal link."""
    login_links.revoke(guest.id)
    return redirect_with_flash(request, PAGE, done="revoked")


@router.post(f"{PAGE}/password", dependencies=[HASHES])
def by_password(
    request: Request,
    guest: CurrentGuest,
    language: Language,
    wake_mail: WakeMail,
    caller: CallerDep,
    password: Field = "",
    email: Field = "",
) -> Response:
    """Give the account a password, and an address to log in with if one is typed."""
    problem = "long" if len(password) > MAX_PASSWORD else ""
    address = None
    try:
        if email.strip():
            address = ResetIn(email=email).email
        if not problem:
            password_change.set_first(guest.id, password, address)
    except ValidationError:
        problem = "address"
    except errors.PasswordUnchanged:
        return redirect("/account/security")
    except errors.RefusedPassword as refused:
        problem = why_refused(refused)
    if problem:
        return redirect_with_flash(request, PAGE, problem=problem, login=email[:MAX_EMAIL_KEY])
    if address is not None and guest.email is None:
        # The password is stored: too many mails must not look like a failure. Another one can be asked for.
        with suppress(errors.TooManyRequests):
            caller.kept_address(guest, address)
            outbox.ask_to_keep(guest.id, address, language)
    answer = redirect_with_flash(request, PAGE, done="password_set")
    wake_mail()
    return answer


@router.post(f"{PAGE}/later")
def later(request: Request, guest: CurrentGuest, event_id: Annotated[int, Form(ge=1, le=MAX_ID)]) -> Response:
    """Hide the offer in the gallery for a month."""
    answer = redirect(f"/photos?event={event_id}")
    set_cookie(request, answer, LATER_COOKIE, "1", LATER_SECONDS)
    return answer


# --- leaving ---------------------------------------------------------------------------------------


@router.get("/leave")
def leave(request: Request, guest: CurrentGuest) -> Response:
    """Return the page that warns a guest before logging out of an account that nothing leads back to."""
    return render(request, "guest/leave.html")

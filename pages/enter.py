"""The page of a link that logs in, and the one on which a guest without a phone or a password asks for such a link.

As on the pages of `pages/resets.py`, the token comes after "#", and opening a link changes nothing.
"""

from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from fastapi import Form, Request, Response

import errors
from accounts import login_links
from api.dependencies import WakeMail
from api.language import Language
from api.sessions import Device, browser_secret
from api.throttling import CallerDep
from guests import merging
from guests.erasure import erase_guest
from keys import MAX_TYPED
from mail import outbox
from models import GUEST, User
from pages.carried import carried, carry
from pages.login import Visitor
from pages.login import enter as start_browser
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import HOMES, page_router, render
from pages.resets import mail_links
from settings import get_settings

router = page_router()
Field = Annotated[str, Form()]
PROBLEMS = ("again", "unknown", "used", "expired", "revoked", "closed")
NAMES = {
    errors.LoginLinkUsed: "used",
    errors.LoginLinkExpired: "expired",
    errors.LoginLinkRevoked: "revoked",
    errors.LoginLinkClosed: "closed",
}
LOST_PROBLEMS = ("address",)
GO_ON, ERASE = "go_on", "erase"


@router.get("/enter")
def enter_page(request: Request, user: Visitor, app: str = "", asked: str = "") -> Response:
    """Return the page whose button logs in; with `asked`, what it asks a browser of another guest.

    With `app`, the script presses the button: it is the first page of a web app on a home screen.
    """
    if app and user is not None and user.user_type == GUEST:
        # With a fragment of its own: else the browser would keep the token's in the address.
        return redirect(f"{HOMES[GUEST]}#main")
    problem = flash_of(request).get("problem")
    token = carried(request) if asked else None
    question = _question(user, token, browser_secret(request)) if token else None
    if asked and not question:
        problem = problem or "again"
    page = render(
        request,
        "account/enter.html",
        problem=problem if problem in PROBLEMS else "",
        question=question,
        token=token or "",
        app=bool(app),
        mail_is_on=get_settings().mail_is_on,
    )
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


def _question(user: User | None, token: str, browser: str) -> dict[str, Any] | None:
    """Return what to ask a browser that is logged in as another guest than the link's; None if nothing."""
    if user is None:
        return None
    with suppress(errors.LoginLinkInvalid):
        owner = login_links.owner_of(token, browser)
        if owner.id != user.id:
            second = merging.is_second_account(user, owner)
            return {
                "second": second,
                "name": owner.shown_name,
                "mine": user.shown_name,
                "guest": user.user_type == GUEST,
            }
    return None


@router.post("/enter")
def enter(
    request: Request,
    user: Visitor,
    caller: CallerDep,
    device: Device,
    token: Field = "",
    choice: Field = "",
    app: Field = "",
) -> Response:
    """Log in by the link. A browser of another account is asked first; its new second account may be erased."""
    caller.link_use()
    bare = token[: MAX_TYPED + 1].rpartition("#")[2].strip()
    browser = browser_secret(request)
    try:
        owner = login_links.owner_of(bare, browser)
        other = user if user is not None and user.id != owner.id else None
        if other is not None and choice not in (GO_ON, ERASE):
            return _asking_again(request, bare)
        erases = other is not None and choice == ERASE and merging.is_second_account(other, owner)
        if user is not None and other is None:
            # The session goes on, and with it the forms in other tabs.
            proved = login_links.use(bare, browser).email is not None and owner.email is None
            return redirect_with_flash(request, "/keep", done="mail_kept") if proved else redirect(HOMES[GUEST])
        grant = login_links.enter(bare, browser, device)
    except errors.AccountTaken:
        # Another account got the address at this moment. The link is not used up.
        return _asking_again(request, bare)
    except errors.LoginLinkInvalid as invalid:
        if user is not None and user.user_type == GUEST and (app or invalid.user_id == user.id):
            # The link of a web app has served; its browser is logged in.
            return redirect(HOMES[GUEST])
        return redirect_with_flash(request, "/enter", problem=NAMES.get(type(invalid), "unknown"))
    answer = start_browser(request, grant)
    if erases and other is not None:
        with suppress(errors.NoSuchUser):
            erase_guest(other.id, first_account=owner.id)
    return answer


def _asking_again(request: Request, token: str) -> Response:
    """Return a redirect to the question, or to the form with the link in it. A link's own address never asks."""
    return carry(request, redirect("/enter?asked=true"), "/enter", token)


@router.get("/lost")
def lost(request: Request) -> Response:
    """Return the page that asks for the address of a guest; where no mail is sent, it says whom to ask."""
    flash = flash_of(request)
    problem = flash.get("problem")
    return render(
        request,
        "account/lost.html",
        problem=problem if problem in LOST_PROBLEMS else "",
        done="done" in flash,
        mail_is_on=get_settings().mail_is_on,
    )


@router.post("/lost")
def ask(request: Request, language: Language, wake_mail: WakeMail, caller: CallerDep, email: Field = "") -> Response:
    """Ask for a mail with links that log in. The answer is the same for every address."""
    return mail_links(request, "/lost", email, caller, wake_mail, partial(outbox.ask_for_login, language=language))


@router.get("/gone")
def gone(request: Request) -> Response:
    """Return the page for a browser whose account was deleted, as with its event."""
    return render(request, "account/gone.html")

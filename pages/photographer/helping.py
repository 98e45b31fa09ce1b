"""The page on which a photographer helps a guest back into an account, by a portrait taken on the spot."""

from fastapi import Request, Response

import errors
from api.callers import CurrentPhotographer
from api.dependencies import SelfieValidator
from api.events.access import AssignedEvent
from api.rules import SELFIE_BODY, body_limit
from api.uploads import SelfiePart
from guests import helping
from pages.carried import carry
from pages.login_links import qr_of, shown_link
from pages.redirects import flash_of, redirect, redirect_with_flash
from pages.rendering import page_router, render
from throttling import rules

router = page_router()
PAGE = "/studio/{event_id}/help"
# What is said of a portrait; of any other problem, that the picture cannot be read.
PROBLEMS: dict[type[errors.AppError], str] = {
    errors.NoAccountToOpen: "nobody",
    errors.NoHelpByPortrait: "closed",
    errors.SelfieNoFace: "no_face",
    errors.SelfieSeveralFaces: "several",
    errors.SelfieFaceTooSmall: "small",
    errors.ImageTooLarge: "large",
    errors.TooManyPixels: "large",
}
UNREADABLE = "unreadable"


@router.get(PAGE)
def help_page(request: Request, event: AssignedEvent, made: str = "") -> Response:
    """Return the page that asks for the portrait; with `made`, the one with the link that was just made."""
    link = shown_link(request) if made else ""
    problem = flash_of(request).get("problem")
    page = render(
        request,
        "photographer/help.html",
        event=event,
        link=link,
        qr=qr_of(link) if link else "",
        over=bool(made) and not link,
        minutes=int(helping.LIFETIME.total_seconds() // 60),
        is_possible=helping.is_possible(event),
        problem=problem if problem in (*PROBLEMS.values(), UNREADABLE) else "",
    )
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


@router.post(PAGE)
@body_limit(SELFIE_BODY)
def help_guest(
    request: Request,
    event: AssignedEvent,
    photographer: CurrentPhotographer,
    file: SelfiePart,
    validator: SelfieValidator,
) -> Response:
    """Make a link for the guest in the portrait, which is not stored; or say on the page that there is none."""
    page = f"/studio/{event.id}/help"
    # Whatever comes of it: each answer tells whether a face has an account here.
    rules.count(rules.HELP, f"account {photographer.id}")
    try:
        if not helping.is_possible(event):
            raise errors.NoHelpByPortrait
        token = helping.make_link(event, validator.embed(file))
    except (errors.InvalidToken, errors.TooManyRequests, errors.TooBusy, errors.ServiceUnavailable):
        raise
    except errors.AppError as refused:
        return redirect_with_flash(request, page, problem=PROBLEMS.get(type(refused), UNREADABLE))
    return carry(request, redirect(f"{page}?made=true"), page, token)

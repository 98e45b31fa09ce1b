"""The forms by which guests, and visitors of a link to photos, report a photo. They work without scripts."""

from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Form, Request, Response
from pydantic import ValidationError

import errors
from api.callers import CurrentGuest
from api.fields import RowId
from api.language import language_of
from api.paging import AskedOrder
from api.photo_links.shared import PRIVATE, LinkToken, report_behind
from api.photos.reports import ReportIn
from api.throttling import Caller, CallerDep
from keys import MAX_REPORT
from models import Photo, PhotoReport
from pages.guest.gallery import MaybeGroup, MaybeWhich
from pages.redirects import Flash, fits, flash_of, redirect_with_flash
from pages.rendering import page_router, render
from photos.links import service as links
from photos.links.pictures import picture_of
from photos.ordering import OLDEST
from photos.reports import service as reports
from photos.reports.service import REASONS
from photos.service import visible_photo
from throttling import rules

router = page_router()
PAGE = "/photos/{photo_id}/report"
SHARED_PAGE = "/shared/{link_token}/photos/{photo_id}/report"
NO_REASON, BAD_TEXT, TOO_OFTEN = "no_reason", "bad_text", "too_often"
FLASH_PROBLEMS = (NO_REASON, BAD_TEXT, TOO_OFTEN)
# Plain texts: what is wrong with them is said on the page, above what was typed.
Typed = Annotated[str, Form()]


def _asked_list(which: MaybeWhich = None, group_id: MaybeGroup = None, order: AskedOrder = OLDEST) -> dict[str, Any]:
    """Return the query of the gallery's list from which the guest comes, and to which they return."""
    named = {"show": which, "group": group_id, "order": order if order != OLDEST else None}
    return {name: value for name, value in named.items() if value is not None}


FromList = Annotated[dict[str, Any], Depends(_asked_list)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a form of a photo is: its page, its picture, the page to return to; by a link, it is for a visitor."""

    page: str
    picture: str
    back: str
    by_link: bool


def _of_guest(photo_id: int, shown: dict[str, Any]) -> Place:
    query = f"?{urlencode(shown)}" if shown else ""
    page = PAGE.format(photo_id=photo_id) + query
    return Place(page, f"/api/photo/{photo_id}", f"/photos{query}", by_link=False)


def _of_visitor(token: str, photo_id: int) -> Place:
    home = f"/shared/{token}"
    page = SHARED_PAGE.format(link_token=token, photo_id=photo_id)
    return Place(page, f"/api{home}/photos/{photo_id}", home, by_link=True)


@router.get(PAGE)
def report_page(request: Request, photo_id: RowId, guest: CurrentGuest, shown: FromList) -> Response:
    """Return the form for a photo that the guest sees; with the guest's report of it, if that is not decided yet."""
    place = _of_guest(photo_id, shown)
    try:
        photo = visible_photo(guest, photo_id)
    except errors.NoSuchPhoto:
        return _gone(request, place)
    back = _gallery(shown, photo.event_id)
    return _form(
        request, replace(place, back=f"{back}#photo-{photo_id}"), photo, reports.open_report_of(guest.id, photo_id)
    )


@router.post(PAGE)
def send_report(
    request: Request, photo_id: RowId, guest: CurrentGuest, shown: FromList, reason: Typed = "", text: Typed = ""
) -> Response:
    """Report the photo; return to the gallery, or to the form with what was typed."""
    place = _of_guest(photo_id, shown)
    try:
        asked = _read(reason, text)
        rules.count(rules.REPORTS, f"account {guest.id}")
        made = reports.report(guest, photo_id, asked.reason, asked.text)
    except errors.NoSuchPhoto:
        return _gone(request, place)
    except (ValidationError, errors.TooManyRequests) as refusal:
        return _refused(request, place, refusal, reason, text)
    return redirect_with_flash(request, _gallery(shown, made.event_id), done="reported")


def _gallery(shown: dict[str, Any], event_id: int) -> str:
    return f"/photos?{urlencode({'event': event_id, **shown})}"


@router.get(SHARED_PAGE)
def shared_report_page(request: Request, link_token: LinkToken, photo_id: RowId, caller: CallerDep) -> Response:
    """Return the form for a photo behind a link."""
    place = _of_visitor(link_token, photo_id)
    try:
        photo = _photo_behind(link_token, photo_id, caller)
    except errors.NoSuchPhoto:
        return _gone(request, place)
    return _form(request, place, photo)


def _photo_behind(token: str, photo_id: int, caller: Caller) -> Photo:
    with caller.shared_link():
        return links.photo_of(token, photo_id)


@router.post(SHARED_PAGE)
def send_shared_report(
    request: Request,
    link_token: LinkToken,
    photo_id: RowId,
    caller: CallerDep,
    reason: Typed = "",
    text: Typed = "",
) -> Response:
    """Report a photo behind a link; return to the link's page, or to the form with what was typed."""
    place = _of_visitor(link_token, photo_id)
    try:
        # Before the form is read: no redirect leads to a link that does not exist.
        _photo_behind(link_token, photo_id, caller)
    except errors.NoSuchPhoto:
        return _gone(request, place)
    try:
        report_behind(request, link_token, photo_id, caller, _read(reason, text))
    except errors.NoSuchPhoto:
        return _gone(request, place)
    except (ValidationError, errors.TooManyRequests) as refusal:
        return _refused(request, place, refusal, reason, text)
    return redirect_with_flash(request, place.back, done="reported")


def _read(reason: str, text: str) -> ReportIn:
    """Return what a form says, by the rules of the API; ends of lines become spaces.

    Raises:
        ValidationError: there is no such reason, or the text is too long or cannot be stored.
    """
    return ReportIn.model_validate({"reason": reason, "text": " ".join(text.split()) or None})


def _refused(
    request: Request, place: Place, refusal: ValidationError | errors.TooManyRequests, reason: str, text: str
) -> Response:
    if isinstance(refusal, errors.TooManyRequests):
        kept: Flash = {"problem": TOO_OFTEN, "wait": refusal.wait(language_of(request))}
    else:
        wrong = {each["loc"][0] for each in refusal.errors()}
        kept = {"problem": NO_REASON if "reason" in wrong else BAD_TEXT}
    kept |= {"reason": reason if reason in REASONS else "", "text": text[: MAX_REPORT + 1]}
    if not fits(place.page, kept):
        # No browser sends so much: the form has a limit.
        kept["text"] = ""
    return redirect_with_flash(request, place.page, **kept)


def _form(request: Request, place: Place, photo: Photo, made: PhotoReport | None = None) -> Response:
    """Return the page with the form: as it was refused, else as the guest's open report, else empty."""
    flash = flash_of(request)
    problem = flash.get("problem")
    problem = problem if problem in FLASH_PROBLEMS else ""
    before = {"reason": made.reason, "text": made.text or ""} if made is not None else {}
    typed = flash if problem else before
    return _page(
        request,
        place,
        200,
        photo=picture_of(photo),
        picture=place.picture,
        back=place.back,
        problem=problem,
        wait=flash.get("wait", ""),
        is_reported=made is not None,
        reasons=REASONS,
        reason=typed.get("reason", ""),
        text=typed.get("text", ""),
        most=MAX_REPORT,
    )


def _gone(request: Request, place: Place) -> Response:
    """Return the page which says that the photo is no longer there."""
    return _page(request, place, errors.NoSuchPhoto.status_code, photo=None, back=place.back)


def _page(request: Request, place: Place, status: int, **context: Any) -> Response:
    answer = render(request, "guest/report.html", status, by_link=place.by_link, **context)
    if place.by_link:
        answer.headers.update(PRIVATE)
    return answer

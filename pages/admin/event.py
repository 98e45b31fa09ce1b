"""The page on which admins see and change one event, and its deletion."""

import json
from functools import partial
from typing import Annotated

from fastapi import Query, Request, Response
from markupsafe import Markup

import errors
from accounts import service as accounts
from api.callers import CurrentAdmin
from api.dependencies import WakeJobs
from api.events.access import staffed_event
from api.fields import RowId
from api.language import language_of
from ending import receipts
from events import losses, progress, qr
from events import service as events
from guests.removal import remove_event
from jobs import control as job_control
from jobs import listing as job_list
from keys import MAX_EMAIL_KEY, comparison_key
from matching.redetecting import service as redetecting
from models import Event, utcnow
from pages.admin.common import AnyEvent, render_admin
from pages.admin.event_form import CODE, NAME, NEW_CODE, PHOTOGRAPHERS, SETTINGS, judge_event
from pages.admin.event_guests import shown_guests
from pages.admin.event_photos import shown_photos
from pages.admin.forms import Sent, refused, shown_before, text_in
from pages.admin.jobs import reason_of
from pages.ends import ends_of
from pages.photographer.cameras import shown_cameras
from pages.redirects import redirect_with_flash
from pages.rendering import page_router
from photos.badges.service import follow_settings

router = page_router()
HOME = "/admin/events"
JOBS_SHOWN = 20
ERASED_SHOWN = 20


@router.get(f"{HOME}/{{event_id}}")
def show_event(
    request: Request,
    event: AnyEvent,
    admin: CurrentAdmin,
    q: Annotated[str, Query(max_length=MAX_EMAIL_KEY)] = "",
) -> Response:
    """Return the page of one event. `q`, `show`, `sort` and `page` are about its guests, `photos` its photos."""
    values, language = SETTINGS.values_of(event), language_of(request)
    counts = progress.progress_of(event.id)
    return render_admin(
        request,
        "event.html",
        event=event,
        is_open=event.expires_at > utcnow(),
        ends=ends_of(event, language),
        settings=SETTINGS,
        values=values,
        before=json.dumps(values),
        saved=SETTINGS.saved_values(language, event),
        code_form=NEW_CODE,
        alike=events.read_alike(event),
        progress=counts,
        photographers=accounts.list_photographers(),
        guests=shown_guests(request, event, q),
        photos=shown_photos(request, event, admin, counts),
        cameras=shown_cameras(event, language),
        search=redetecting.cost_of(event),
        erased=receipts.newest(ERASED_SHOWN, event_id=event.id).rows,
        jobs=[*job_list.list_failed(JOBS_SHOWN, event.id), *job_list.list_unfinished(JOBS_SHOWN, event.id)],
        reason=partial(reason_of, language),
        link=qr.join_link(event.event_code),
        qr=_drawn(event),
    )


def _drawn(event: Event) -> Markup:
    return Markup(qr.inline_svg(event.event_code))  # noqa: S704 - lines of numbers, made here


@router.post(f"{HOME}/{{event_id}}")
def change_event(request: Request, event: AnyEvent, sent: Sent) -> Response:
    """Save the fields that this admin changed; what another admin changed in other fields meanwhile stays.

    If another admin changed the same field meanwhile, nothing is saved: the page shows the saved value first. A form
    that comes back shows what was typed in changed fields, and the saved values in the others.
    """
    page, typed, before = f"{HOME}/{event.id}", SETTINGS.typed(sent), shown_before(sent)
    given = SETTINGS.changed(before, typed)
    judged = judge_event(SETTINGS, given, typed)
    overtaken = SETTINGS.overtaken(before, given, SETTINGS.values_of(event))
    if judged.problems or overtaken:
        return redirect_with_flash(request, page, problems=judged.problems, overtaken=overtaken, **given)
    try:
        events.update(event.id, judged.values, follow_settings)
    except errors.NoSuchPhotographer:
        return refused(request, page, [PHOTOGRAPHERS.name], given)
    except errors.BystandersAtAzure:
        return refused(request, page, ["bystanders_azure"], given)
    return redirect_with_flash(request, page, done="saved")


@router.post(f"{HOME}/{{event_id}}/code")
def change_code(request: Request, event: AnyEvent, sent: Sent) -> Response:
    """Set the code that was typed, or else a random one. The page offers to restore the previous code."""
    page, typed = f"{HOME}/{event.id}", NEW_CODE.typed(sent)
    judged = NEW_CODE.judge(typed, typed)
    if judged.problems:
        return refused(request, page, judged.problems, typed)
    try:
        events.update(event.id, judged.values) if typed[CODE.name] else events.give_code(event.id)
    except errors.EventCodeTaken:
        return refused(request, page, ["code_taken"], typed)
    return redirect_with_flash(request, page, done="code_changed", old_code=event.event_code)


@router.post(f"{HOME}/{{event_id}}/rematch")
def rematch(request: Request, event_id: RowId, _: CurrentAdmin, wake_jobs: WakeJobs) -> Response:
    """Queue a comparison of every guest with every photo."""
    queued = events.request_rematch(event_id)
    answer = redirect_with_flash(request, f"{HOME}/{event_id}", done="rematch", number=str(queued))
    wake_jobs()
    return answer


@router.post(f"{HOME}/{{event_id}}/retry-failed")
def retry_failed(request: Request, event: AnyEvent, wake_jobs: WakeJobs) -> Response:
    """Queue every failed photo of the event again."""
    retried = job_control.retry_photos(event.id)
    wake_jobs()
    return redirect_with_flash(request, f"{HOME}/{event.id}", done="retried", number=str(retried))


# --- deletion -------------------------------------------------------------------------------------


@router.get(f"{HOME}/{{event_id}}/delete")
def ask_to_delete(request: Request, event: AnyEvent) -> Response:
    """Return the page that says in numbers what would be erased."""
    return render_admin(request, "event_delete.html", event=event, losses=losses.losses_of(event.id))


@router.post(f"{HOME}/{{event_id}}/delete")
def delete_event(request: Request, event_id: RowId, admin: CurrentAdmin, sent: Sent) -> Response:
    """Delete the event if its name was typed. Idempotent: an event that is gone counts as deleted."""
    page, typed = f"{HOME}/{event_id}/delete", text_in(sent, "name")[: SETTINGS.max_length(NAME) + 1]
    try:
        if comparison_key(typed) != comparison_key(staffed_event(event_id, admin).name):
            return refused(request, page, ["confirm"], {"name": typed})
        remove_event(event_id)
    except errors.NoSuchEvent:
        return redirect_with_flash(request, HOME, done="event_deleted")
    except errors.AccountsWouldCollide:
        return refused(request, page, ["accounts_collide"], {"name": typed})
    return redirect_with_flash(request, HOME, done="event_deleted")

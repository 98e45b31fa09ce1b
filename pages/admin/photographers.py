"""The pages on which admins manage the accounts of photographers."""

import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request, Response

import errors
from accounts import service as accounts
from accounts import sessions
from accounts.service import NewAccount
from api.callers import CurrentAdmin
from api.dependencies import HASHES
from api.fields import RowId
from events import service as events
from keys import MAX_EMAIL_KEY, comparison_key
from models import PHOTOGRAPHER, Event, User, utcnow
from pages.admin.account_form import ACCOUNT, NEW_ACCOUNT, password_problem
from pages.admin.common import render_admin
from pages.admin.forms import Sent, refused, shown_before, text_in
from pages.admin.sorting import in_order, part_of, sorting_of
from pages.redirects import redirect_with_flash
from pages.rendering import page_router
from photos import service as photos
from photos.ordering import Page

router = page_router()
HOME = "/admin/photographers"
SHOWN = 100
STATES = ("all", "open", "closed")
# A form that is sent again within this time leads to the account that it created the first time.
SENT_AGAIN = timedelta(minutes=10)


def _at_work() -> dict[int, list[Event]]:
    """Return the events of each photographer, newest first."""
    found = defaultdict(list)
    for event in events.all_events():
        for photographer in event.photographers:
            found[photographer.id].append(event)
    return found


def _photographer(photographer_id: int) -> User:
    for user in accounts.list_photographers():
        if user.id == photographer_id:
            return user
    raise errors.NoSuchPhotographer


@dataclass(frozen=True, slots=True)
class AtWork:
    """A photographer in the list, with the events that are theirs, newest first."""

    user: User
    events: list[Event]


ORDERS: dict[str, Callable[[AtWork], Any]] = {
    "name": lambda row: row.user.username_key,
    "email": lambda row: row.user.email_key or "",
    "state": lambda row: not row.user.is_active,
    "events": lambda row: len(row.events),
}


@router.get(HOME)
def photographers(request: Request, _: CurrentAdmin, q: str = "", state: str = "all", page: str = "1") -> Response:
    """Return the list of photographers with their events. `q` is part of a name or address."""
    state, q = state if state in STATES else "all", q[:MAX_EMAIL_KEY]
    sorting = sorting_of(request, ORDERS, "name", q=q, state=state, page=page)
    at_work, every = _at_work(), accounts.list_photographers()
    rows = [AtWork(user, at_work.get(user.id, [])) for user in every if _fits(user, q, state)]
    return render_admin(
        request,
        "photographers.html",
        part=part_of(in_order(rows, sorting, ORDERS), page, SHOWN),
        every=len(every),
        states=STATES,
        q=q,
        state=state,
        sorting=sorting,
    )


def _fits(user: User, typed: str, state: str) -> bool:
    part = comparison_key(typed)
    named = part in user.username_key or part in (user.email_key or "")
    return named and (state == "all" or user.is_active == (state == "open"))


@router.get(f"{HOME}/new")
def new_photographer(request: Request, _: CurrentAdmin) -> Response:
    """Return the form of a new account."""
    return render_admin(request, "photographer_new.html", form=NEW_ACCOUNT, values=NEW_ACCOUNT.initial_values())


@router.post(HOME, dependencies=[HASHES])
def create_photographer(request: Request, _: CurrentAdmin, sent: Sent) -> Response:
    """Create an account. The same form sent twice creates one account."""
    typed = NEW_ACCOUNT.typed(sent)
    judged, shown_again = NEW_ACCOUNT.judge(typed, typed), NEW_ACCOUNT.to_show_again(typed)
    if judged.problems:
        return refused(request, f"{HOME}/new", judged.problems, shown_again)
    account = NewAccount(**judged.values)
    try:
        made = accounts.create_staff(account, PHOTOGRAPHER)
    except errors.AccountTaken:
        twin = _just_made(account)
        if twin is None:
            return refused(request, f"{HOME}/new", ["account_taken"], shown_again)
        made = twin
    except errors.UsernameIsNotOwnEmail:
        return refused(request, f"{HOME}/new", ["not_own_email"], shown_again)
    except errors.RefusedPassword as error:
        return refused(request, f"{HOME}/new", [password_problem(error)], shown_again)
    return redirect_with_flash(request, f"{HOME}/{made.id}", done="photographer_made")


def _just_made(account: NewAccount) -> User | None:
    for user in accounts.list_photographers():
        same = (user.username_key, user.email_key) == (account.username_key, account.email_key)
        if same and user.created_at > utcnow() - SENT_AGAIN:
            return user
    return None


@router.get(f"{HOME}/{{photographer_id}}")
def show_photographer(request: Request, photographer_id: RowId, _: CurrentAdmin) -> Response:
    """Return the page of one account: its events, its form, closing and deleting it."""
    user = _photographer(photographer_id)
    values = ACCOUNT.values_of(user)
    return render_admin(
        request,
        "photographer.html",
        photographer=user,
        at_work=_at_work()[user.id],
        form=ACCOUNT,
        values={**ACCOUNT.initial_values(), **values},
        before=json.dumps(values),
    )


@router.post(f"{HOME}/{{photographer_id}}", dependencies=[HASHES])
def change_photographer(request: Request, photographer_id: RowId, _: CurrentAdmin, sent: Sent) -> Response:
    """Save the fields that this admin changed. A new password ends every session of the account."""
    page, user, typed = f"{HOME}/{photographer_id}", _photographer(photographer_id), ACCOUNT.typed(sent)
    judged = ACCOUNT.judge(ACCOUNT.changed(shown_before(sent), typed), typed)
    shown_again = ACCOUNT.to_show_again(typed)
    if judged.problems:
        return refused(request, page, judged.problems, shown_again)
    try:
        accounts.update_photographer(user.id, **judged.values)
    except errors.AccountTaken:
        return refused(request, page, ["account_taken"], shown_again)
    except errors.UsernameIsNotOwnEmail:
        return refused(request, page, ["not_own_email"], shown_again)
    except errors.RefusedPassword as error:
        return refused(request, page, [password_problem(error)], shown_again)
    return redirect_with_flash(request, page, done="password_set" if "password" in judged.values else "saved")


@router.post(f"{HOME}/{{photographer_id}}/sessions")
def log_out_everywhere(request: Request, photographer_id: RowId, _: CurrentAdmin) -> Response:
    """End every session of an account; the password stays the same."""
    sessions.end_all(_photographer(photographer_id).id)
    return redirect_with_flash(request, f"{HOME}/{photographer_id}", done="sessions_ended")


@router.post(f"{HOME}/{{photographer_id}}/access")
def open_or_close(request: Request, photographer_id: RowId, _: CurrentAdmin, sent: Sent) -> Response:
    """Open or close an account. A closed account keeps its photos and events, but its login is refused."""
    is_open = text_in(sent, "value") == "open"
    accounts.update_photographer(photographer_id, is_active=is_open)
    return redirect_with_flash(
        request, f"{HOME}/{photographer_id}", done="access_opened" if is_open else "access_closed"
    )


@router.get(f"{HOME}/{{photographer_id}}/delete")
def ask_to_delete(request: Request, photographer_id: RowId, _: CurrentAdmin) -> Response:
    """Return the page that says what deleting an account removes and what stays."""
    user = _photographer(photographer_id)
    kept = photos.photos_by(user.id, Page(1)).total
    return render_admin(request, "photographer_delete.html", photographer=user, kept=kept)


@router.post(f"{HOME}/{{photographer_id}}/delete")
def delete_photographer(request: Request, photographer_id: RowId, _: CurrentAdmin) -> Response:
    """Delete an account; its photos stay. Idempotent: an account that is gone counts as deleted."""
    with suppress(errors.NoSuchPhotographer):
        accounts.delete_photographer(photographer_id)
    return redirect_with_flash(request, HOME, done="photographer_deleted")

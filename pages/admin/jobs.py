"""The page on which admins see the background jobs, retry failed ones and cancel others."""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import Request, Response

from api.callers import CurrentAdmin
from api.dependencies import Inference, WakeJobs
from api.language import language_of
from jobs import control as job_control
from jobs import kinds as job_kinds
from jobs import listing as job_list
from jobs import state as job_state
from jobs.listing import ListedJob
from keys import MAX_EMAIL_KEY, comparison_key, row_id
from models import FAILED, Photo, Redetection, Reembedding, Reprocessing, Selfie, UserEvent
from operations.service import remote_erasures
from pages.admin.common import render_admin
from pages.admin.forms import Sent, text_in
from pages.admin.sorting import in_order, sorting_of
from pages.i18n import text
from pages.login import same_site
from pages.redirects import redirect_with_flash
from pages.rendering import page_router
from photos.failures import reason

router = page_router()
HOME = "/admin/jobs"
# Jobs of each kind that are read, without and with a filter.
SHOWN, SEARCHED = 50, 1000
ALL = "all"
# Kinds that are shown although there was never a job of them.
USUAL = {each.__tablename__ for each in (Selfie, UserEvent, Photo)}
OF_PHOTOS = {each.__tablename__ for each in (Photo, Redetection, Reembedding, Reprocessing)}
_KINDS = [*job_kinds.BY_NAME]
ORDERS: dict[str, Callable[[ListedJob], Any]] = {
    # As they are claimed; within a kind the order of the lists stays.
    "kind": lambda job: _KINDS.index(job.kind),
    "about": lambda job: comparison_key(job.about),
    "event": lambda job: comparison_key(job.event_name or ""),
    "status": lambda job: (job.status, job.error or ""),
    "asked": lambda job: job.asked_at,
    "attempts": lambda job: job.attempts,
}


@router.get(HOME)
def jobs(request: Request, _: CurrentAdmin, inference: Inference, kind: str = "", q: str = "") -> Response:
    """Return the page: counts by kind and state, failed jobs with their reasons, and the jobs that wait longest.

    `kind` and `q`, a part of what a job is about or of its event's name, filter the two lists. It also shows why the
    recogniser cannot be used, and how many deletions a remote recogniser has not confirmed yet.
    """
    kind, q = kind if kind in job_kinds.BY_NAME else ALL, q[:MAX_EMAIL_KEY]
    sorting = sorting_of(request, ORDERS, "kind", kind=kind, q=q)
    # Of more jobs than are shown, those that fit the filter.
    read = SHOWN if kind == ALL and not q else SEARCHED
    failed, waiting = (
        in_order(_found(listed(read), kind, q), sorting, ORDERS)[: SHOWN * len(job_kinds.KINDS)]
        for listed in (job_list.list_failed, job_list.list_unfinished)
    )
    return render_admin(
        request,
        "jobs.html",
        states={name: job_state.state_of(each) for name, each in job_kinds.BY_NAME.items()},
        usual=USUAL,
        failed=failed,
        waiting=waiting,
        kinds=[ALL, *job_kinds.BY_NAME],
        kind=kind,
        q=q,
        sorting=sorting,
        reason=partial(reason_of, language_of(request)),
        problem=inference.problem,
        left_there=sum(remote_erasures().values()),
    )


def _found(jobs: list[ListedJob], kind: str, typed: str) -> list[ListedJob]:
    part = comparison_key(typed)
    return [
        each
        for each in jobs
        if kind in (ALL, each.kind)
        and any(part in comparison_key(text or "") for text in (each.about, each.event_name))
    ]


def reason_of(language: str, job: ListedJob) -> str:
    """Return why a job failed, in words and, for whoever looks further, as the program recorded it."""
    if job.error == job_control.CANCELLED:
        return text(language, "admin.job.cancelled")
    words = reason(job.error, language) if job.kind in OF_PHOTOS and job.status == FAILED else None
    return f"{words} ({job.error})" if words else job.error or ""


@router.post(f"{HOME}/retry")
def retry(request: Request, _: CurrentAdmin, sent: Sent, wake_jobs: WakeJobs) -> Response:
    """Retry one job, or all failed jobs of a kind. A job that another admin has retried already is skipped."""
    kind, number = job_kinds.BY_NAME.get(text_in(sent, "kind")), text_in(sent, "id")
    job_id = row_id(number)
    retried = job_control.retry(kind, job_id) if kind and (job_id or not number) else 0
    wake_jobs()
    return redirect_with_flash(request, _back(sent), done="retried", number=str(retried))


@router.post(f"{HOME}/cancel")
def cancel(request: Request, _: CurrentAdmin, sent: Sent) -> Response:
    """Cancel a job that waits or runs; it is listed as failed and can be retried."""
    kind, job_id = job_kinds.BY_NAME.get(text_in(sent, "kind")), row_id(text_in(sent, "id"))
    cancelled = kind is not None and job_id is not None and job_control.cancel(kind, job_id)
    return redirect_with_flash(request, _back(sent), done="cancelled" if cancelled else "not_cancelled")


def _back(sent: Sent) -> str:
    """Return the page of the button, to redirect there."""
    asked = text_in(sent, "next")
    return asked if same_site(asked) and asked.startswith("/admin/") else HOME

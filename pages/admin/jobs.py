"""The page on which admins see the background jobs, retry failed ones and cancel others."""

from fastapi import Request, Response

from api.callers import CurrentAdmin
from api.dependencies import Inference, WakeJobs
from jobs import control as job_control
from jobs import kinds as job_kinds
from jobs import listing as job_list
from jobs import state as job_state
from keys import row_id
from operations.service import remote_erasures
from pages.admin.common import render_admin
from pages.admin.forms import Sent, text_in
from pages.login import same_site
from pages.redirects import redirect_with_flash
from pages.rendering import page_router

router = page_router()
HOME = "/admin/jobs"
SHOWN = 50


@router.get(HOME)
def jobs(request: Request, _: CurrentAdmin, inference: Inference) -> Response:
    """Return the page: counts by kind and state, failed jobs with their reasons, and the jobs that wait longest.

    It also shows why the recogniser cannot be used, and how many deletions a remote recogniser has not confirmed yet.
    """
    return render_admin(
        request,
        "jobs.html",
        states={name: job_state.state_of(kind) for name, kind in job_kinds.BY_NAME.items()},
        failed=job_list.list_failed(SHOWN),
        waiting=job_list.list_unfinished(SHOWN),
        problem=inference.problem,
        left_there=sum(remote_erasures().values()),
    )


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

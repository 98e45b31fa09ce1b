"""Calls of admins: background jobs, their retry and cancellation."""

from fastapi import APIRouter

import errors
from api.accounts.schemas import Message
from api.callers import CurrentAdmin
from api.dependencies import Inference, WakeJobs
from api.documentation import SIGNED_IN, error_responses
from api.language import Language
from api.messages import Success
from api.operations.schemas import CancelIn, FailedJobOut, JobsOut, KindStateOut, Retried, RetryIn
from jobs import control as job_control
from jobs import kinds as job_kinds
from jobs import listing as job_list
from jobs import state as job_state

router = APIRouter(prefix="/api/admin/jobs", tags=["admin"])
REFUSED = (*SIGNED_IN, errors.AdminsOnly)
FAILED_SHOWN = 100


@router.get("", summary="State of the background jobs", responses=error_responses(*REFUSED))
def show_jobs(_: CurrentAdmin, inference: Inference) -> JobsOut:
    """For each kind: counts by state, age of the oldest, throughput; and the failed jobs with their reasons."""
    return JobsOut(
        kinds={
            name: KindStateOut.model_validate(job_state.state_of(kind)) for name, kind in job_kinds.BY_NAME.items()
        },
        failed=[FailedJobOut.model_validate(each) for each in job_list.list_failed(FAILED_SHOWN)],
        problem=inference.problem,
    )


@router.post("/retry", summary="Retry failed jobs", responses=error_responses(*REFUSED, errors.NoSuchJob))
def retry_jobs(asked: RetryIn, _: CurrentAdmin, wake_jobs: WakeJobs) -> Retried:
    """Queues one failed job again, or all of a kind."""
    number = job_control.retry(job_kinds.BY_NAME[asked.kind], asked.id)
    if asked.id is not None and not number:
        raise errors.NoSuchJob
    wake_jobs()
    return Retried(retried=number)


@router.post("/cancel", summary="Cancel a job", responses=error_responses(*REFUSED, errors.NoSuchJob))
def cancel_job(asked: CancelIn, _: CurrentAdmin, language: Language) -> Message:
    """A pending or running job ends as failed. A running one records nothing any more. It can be retried."""
    if not job_control.cancel(job_kinds.BY_NAME[asked.kind], asked.id):
        raise errors.NoSuchJob
    return Message(message=Success.JOB_CANCELLED.text(language))

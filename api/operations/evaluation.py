"""Calls of admins: what a recogniser would find for one guest in one event."""

import time
from typing import Annotated, Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, StringConstraints

import errors
from api.callers import CurrentAdmin
from api.dependencies import inference_of
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId, UtcTime
from evaluation import service
from evaluation.service import Shown
from jobs.elsewhere import JobRunner
from keys import MAX_ID

router = APIRouter(prefix="/api/admin/eval-recognition", tags=["admin"])
REFUSED = (*SIGNED_IN, errors.AdminsOnly)
# How long the call that asks waits for the result, and how often it looks.
WAIT_SECONDS = 2.0
LOOK_SECONDS = 0.05


class EvaluationIn(BaseModel):
    event_id: int = Field(ge=1, le=MAX_ID, examples=[17])
    user_id: int = Field(ge=1, le=MAX_ID, description="A guest of the event.", examples=[204])
    provider: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)] | None = Field(
        None, description="`local`, `dlib` or `azure`; by default the one in use.", examples=["dlib"]
    )


class CountsOut(BaseModel):
    photos: int = Field(description="Of the event.")
    photos_compared: int
    photos_failed: int = Field(description="Could not be read; `errors` says why.")
    photos_refused: int = Field(description='The guest has refused them ("not me"); never matched.')
    photos_not_processed: int = Field(description="Still in the queue, or failed there.")
    portraits: int = Field(description="Accepted selfies of the guest in which the recogniser finds a face.")
    faces_found: int
    faces_compared: int
    matched: int = Field(description="Photos that show the guest by this recogniser.")
    unmatched: int
    matched_now: int = Field(description="Photos that are matched with the guest in the service now.")


class ComparedPhotoOut(BaseModel):
    photo_id: int
    original_filename: str
    similarity: float | None = Field(
        description="Of the most similar face, in the recogniser's own measure, 1 at most; null without any face.",
        examples=[0.7312],
    )
    matched_now: bool = Field(description="Whether the service shows the photo to the guest now.")


class SimilaritiesOut(BaseModel):
    highest_matched: float | None
    median_matched: float | None
    lowest_matched: float | None
    highest_unmatched: float | None = Field(
        description="The further below `lowest_matched`, the clearer the decision."
    )


class TimingsOut(BaseModel):
    portraits_ms: float
    photos_read: int = Field(description="0 for the engine of the event: its stored faces are compared.")
    photos_ms: float
    photo_median_ms: float | None
    photo_slowest_ms: float | None
    comparison_ms: float


class ResultOut(BaseModel):
    engine_id: str
    threshold: float = Field(description="The similarity from which a face of this event counts.")
    counts: CountsOut
    matched: list[ComparedPhotoOut] = Field(description="The most similar first.")
    unmatched: list[ComparedPhotoOut] = Field(description="The most similar 500.")
    added: list[int] = Field(description="Photos that this recogniser would add to the guest's.")
    dropped: list[int] = Field(description="Photos of the guest that this recogniser would not find.")
    similarities: SimilaritiesOut
    timings: TimingsOut
    errors: dict[str, str] = Field(
        description="By the id of the photo, or `portrait` and the id of the selfie.",
        examples=[{"1204": "DamagedImage: The image cannot be decoded."}],
    )


class EvaluationOut(BaseModel):
    id: int
    event_id: int
    user_id: int
    provider: str = Field(examples=["dlib"])
    status: Literal["pending", "processing", "done", "failed"]
    error: str | None = Field(description="Why it failed, or why an attempt at it did.")
    photos_read: int = Field(description="So far; 0 if the stored faces are compared, and at the end.")
    photos: int = Field(description="Of the event.")
    created_at: UtcTime
    finished_at: UtcTime | None
    url: str = Field(description="Where the result can be fetched.", examples=["/api/admin/eval-recognition/3"])
    result: ResultOut | None

    @classmethod
    def of(cls, shown: Shown) -> "EvaluationOut":
        """Return the payload of an evaluation."""
        row = shown.evaluation
        return cls(
            id=row.id,
            event_id=row.event_id,
            user_id=row.user_id,
            provider=row.provider,
            status=row.status,
            error=row.error,
            photos_read=shown.photos_read,
            photos=shown.photos,
            created_at=row.created_at,
            finished_at=row.finished_at,
            url=f"{router.prefix}/{row.id}",
            result=_result(shown),
        )


def _result(shown: Shown) -> ResultOut | None:
    found = shown.evaluation.result
    if found is None:
        return None
    named = {
        key: [{**each, "original_filename": shown.names[each["photo_id"]]} for each in found[key]]
        for key in ("matched", "unmatched")
    }
    return ResultOut.model_validate({**found, **named})


@router.post(
    "",
    summary="Try a recogniser on one guest",
    responses={
        202: {"model": EvaluationOut, "description": "It takes longer than two seconds: `url` has the result later."},
        **error_responses(
            errors.UnknownProvider,
            errors.ProviderNotConfigured,
            *REFUSED,
            errors.NoSuchEvent,
            errors.NoSuchUser,
            errors.GuestNotInEvent,
            errors.GuestHasNoPortrait,
            errors.GuestHasWithdrawn,
            errors.GuestHasNotConsented,
            errors.FacesEnded,
        ),
    },
)
async def evaluate(
    asked: EvaluationIn,
    _: CurrentAdmin,
    inference: Annotated[JobRunner, Depends(inference_of)],
    response: Response,
) -> EvaluationOut:
    """Return in which photos of the event a recogniser finds the guest. Faces and matches are not changed.

    A background job, claimed after selfies, matchings and photos. For the engine of the event, stored faces are
    compared; another one reads portraits and photos again, and what it computes is not kept. The call waits for two
    seconds, then answers 202; the result can be fetched for a day. The audit log records the admin and the guest.
    """
    until = time.monotonic() + WAIT_SECONDS
    evaluation_id = await anyio.to_thread.run_sync(
        service.request, asked.event_id, asked.user_id, asked.provider or None
    )
    inference.wake()
    # On the event loop: no request thread waits meanwhile.
    while not await anyio.to_thread.run_sync(service.is_finished, evaluation_id):
        if time.monotonic() + LOOK_SECONDS > until:
            response.status_code = 202
            break
        await anyio.sleep(LOOK_SECONDS)
    return EvaluationOut.of(await anyio.to_thread.run_sync(service.show, evaluation_id))


@router.get(
    "/{evaluation_id}",
    summary="The result of trying a recogniser",
    responses=error_responses(*REFUSED, errors.NoSuchEvaluation),
)
def show_evaluation(evaluation_id: RowId, _: CurrentAdmin) -> EvaluationOut:
    """Return the evaluation; `result` is null until `status` is `done`."""
    return EvaluationOut.of(service.show(evaluation_id))

"""The kinds of background job, and the conditions that select jobs by state."""

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column

from models import (
    FAILED,
    PENDING,
    PROCESSING,
    Evaluation,
    Photo,
    Redetection,
    Reembedding,
    Reprocessing,
    Selfie,
    UserEvent,
)

JobRow = (
    type[Selfie]
    | type[UserEvent]
    | type[Photo]
    | type[Evaluation]
    | type[Redetection]
    | type[Reembedding]
    | type[Reprocessing]
)
# In claiming order: a guest waits for the result of a selfie and of a join, but not for a single photo. An evaluation
# has an admin who waits; a late guest has what is stored and waits for the rest; a change of engine can take hours.
# What is processed again is done already.
KINDS: tuple[JobRow, ...] = (Selfie, UserEvent, Photo, Evaluation, Redetection, Reembedding, Reprocessing)
BY_NAME: dict[str, JobRow] = {kind.__tablename__: kind for kind in KINDS}
# For each kind, the time since when a job waits.
REQUESTED_AT: dict[JobRow, Any] = {
    Selfie: Selfie.created_at,
    UserEvent: func.coalesce(UserEvent.requested_at, UserEvent.joined_at),
    Photo: Photo.uploaded_at,
    Evaluation: Evaluation.created_at,
    Redetection: Redetection.asked_at,
    Reembedding: Reembedding.created_at,
    Reprocessing: Reprocessing.created_at,
}


def unfinished(kind: JobRow) -> ColumnElement[bool]:
    """Return the condition for the jobs that are `pending` or `processing`.

    Must repeat the partial index's predicate literally, or SQLite does not use the index.
    """
    return kind.status.in_((literal_column(f"'{PENDING}'"), literal_column(f"'{PROCESSING}'")))


def failed(kind: JobRow) -> ColumnElement[bool]:
    """Return the condition for the jobs that are `failed`, literally as in their partial index."""
    return kind.status == literal_column(f"'{FAILED}'")

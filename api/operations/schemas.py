"""Payloads of the calls about the service itself."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import UtcTime
from keys import MAX_ID

JobKind = Literal["selfies", "user_events", "photos", "evaluations", "redetections", "reembeddings", "reprocessings"]


class Alive(BaseModel):
    status: str = "alive"


class Ready(BaseModel):
    status: str
    database: str
    storage: str
    face_engine: str
    sweep: str | None = Field(
        None,
        description="Only if so: why files without a row are not taken away. The service is ready all the same.",
    )
    links: str | None = Field(
        None,
        description="Only if so: why browsers are not led to the object store although the settings ask for it. "
        "The service is ready all the same.",
    )
    role: str | None = Field(None, description="Only on a machine with a role: `web` or `worker`.")


class JobCounts(BaseModel):
    pending: int
    processing: int
    failed: int


class KindStateOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    pending: int
    processing: int
    done: int
    failed: int
    oldest_seconds: float | None = Field(description="Age of the oldest unfinished job.")
    done_last_minute: int = Field(description="Jobs finished during the last minute.")


class FailedJobOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: JobKind
    id: int
    error: str | None
    attempts: int
    finished_at: UtcTime | None


class JobsOut(BaseModel):
    kinds: dict[str, KindStateOut]
    failed: list[FailedJobOut] = Field(description="The newest 100 of each kind.")
    problem: str | None = Field(description="Why jobs wait for the face engine, if they do.")


class RetryIn(BaseModel):
    kind: JobKind
    id: int | None = Field(None, ge=1, le=MAX_ID, description="Without it, all failed jobs of the kind.")


class CancelIn(BaseModel):
    kind: JobKind
    id: int = Field(ge=1, le=MAX_ID)


class Retried(BaseModel):
    retried: int


class PoolState(BaseModel):
    size: int
    checked_out: int = Field(description="Connections in use.")
    overflow: int


class CacheState(BaseModel):
    hits: int
    misses: int
    entries: int
    hit_rate: float


class Statistics(BaseModel):
    users: int
    photos: int
    faces: int
    face_matches: int = Field(description="Pairs of a guest and a photo that shows the guest, not people.")
    guests_matched: int = Field(description="Guests who were recognised in at least one photo.")
    events: int
    selfies: int
    jobs: dict[str, JobCounts]
    db_pool: PoolState = Field(description="Sum over all processes, each as last reported.")
    cache: CacheState = Field(description="Sum over all processes, each as last reported.")


class SampleOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    at: UtcTime
    guests: int
    selfies: int
    photos: int
    matches: int = Field(description="Pairs of a guest and a photo that shows the guest.")
    queue_depth: int = Field(description="Unfinished background jobs, at their most since the point before.")
    queue_age_seconds: float = Field(description="Age of the oldest of them, at its highest since the point before.")
    requests: int = Field(description="Requests answered since the point before.")
    errors: int = Field(description="Requests of these that were answered with 5xx; `/readyz` aside.")


class EventChangeOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    event_id: int
    event_name: str
    done: int = Field(description="Photos that the engine in use has looked at.")
    total: int = Field(description="The event's processed photos.")
    failed: int = Field(description="Photos that could not be read again; they hold nothing up.")


class EventReprocessingOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    event_id: int
    event_name: str
    done: int = Field(description="Photos that have new renditions and faces.")
    total: int = Field(description="The photos that the event had when this was asked for.")
    failed: int = Field(description="Photos that could not be read again; they keep what they had.")


class RemoteErasures(BaseModel):
    lists: int = Field(description="Lists of faces, of events that are deleted.")
    faces: int = Field(description="Faces of photos and selfies that are deleted, or whose consent is withdrawn.")
    doubts: int = Field(description="Faces that may be there twice, or may just be added; they are looked for.")


class Provider(BaseModel):
    provider: str
    engine_id: str
    match_threshold: float = Field(
        description="Lowest cosine similarity of a match in a small event; larger events need more."
    )
    ready: bool
    changes: list[EventChangeOut] = Field(
        description="Events that another engine has looked at and that change to this one, newest first. "
        "Until an event is changed, its guests keep the matches of the engine before."
    )
    reprocessing: list[EventReprocessingOut] = Field(
        description="Events whose renditions and faces are being made again (`python -m photos.reprocess`), newest "
        "first. Until a photo is done, it shows what it had."
    )
    problem: str | None = Field(description="Why it is not ready; what waits for it stays queued.")
    remote_erasures: RemoteErasures = Field(description="What Azure keeps and is still to be deleted there.")


class ErrorOut(BaseModel):
    detail: str = Field(description="Message for a person, in French or English.")
    error: str = Field(description="Name for programs; it never changes.", examples=["EventNotFound"])

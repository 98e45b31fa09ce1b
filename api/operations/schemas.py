"""Payloads about the service itself."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import UtcTime
from keys import MAX_ID

JobKind = Literal["selfies", "user_events", "photos"]


class Alive(BaseModel):
    status: str = "alive"


class Ready(BaseModel):
    status: str
    database: str
    storage: str
    face_engine: str


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
    oldest_seconds: float | None = Field(description="Age of the oldest that is not through.")
    done_last_minute: int = Field(description="Throughput.")


class FailedJobOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: JobKind
    id: int
    error: str | None
    attempts: int
    finished_at: UtcTime | None


class JobsOut(BaseModel):
    kinds: dict[str, KindStateOut]
    failed: list[FailedJobOut] = Field(description="Of each kind the newest 100.")


class RetryIn(BaseModel):
    kind: JobKind
    id: int | None = Field(None, ge=1, le=MAX_ID, description="Without it, all failed ones of the kind.")


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
    face_matches: int
    events: int
    selfies: int
    jobs: dict[str, JobCounts]
    db_pool: PoolState = Field(description="Of all processes together, each as it reported last.")
    cache: CacheState = Field(description="Of all processes together, each as it reported last.")


class SampleOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    at: UtcTime
    guests: int
    selfies: int
    photos: int
    matches: int
    queue_depth: int = Field(description="Background jobs not through.")
    queue_age_seconds: float = Field(description="Age of the oldest of them.")
    requests: int = Field(description="Answered since the point before.")
    errors: int = Field(description="Of those, answered with 5xx.")


class Provider(BaseModel):
    provider: str
    engine_id: str
    match_threshold: float = Field(
        description="Cosine similarity from which a face is the guest's in a small event; larger ones are stricter."
    )
    ready: bool


class ErrorOut(BaseModel):
    detail: str = Field(description="What a person reads.")
    error: str = Field(description="A stable name for programs.", examples=["EventNotFound"])

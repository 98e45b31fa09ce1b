"""Payloads about the service itself."""

from pydantic import BaseModel, Field


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
    db_pool: PoolState = Field(description="Of the process that answers.")
    cache: CacheState = Field(description="Of the process that answers.")


class Provider(BaseModel):
    provider: str
    engine_id: str
    match_threshold: float = Field(description="Cosine similarity from which a face is the guest's.")
    ready: bool


class ErrorOut(BaseModel):
    detail: str = Field(description="What a person reads.")
    error: str = Field(description="A stable name for programs.", examples=["EventNotFound"])

"""Payloads of the calls about selfies."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import UtcTime


class Valid(BaseModel):
    valid: bool


class SelfieReceived(BaseModel):
    message: str
    status: str = "processing"


class SelfieOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: int
    width: int | None
    height: int | None
    status: str
    created_at: UtcTime


class MatchingStatus(BaseModel):
    status: Literal["idle", "queued", "running", "done", "validation_failed", "error"]
    matched: int
    detail: str | None
    started_at: UtcTime | None
    finished_at: UtcTime | None
    scheduled: bool = Field(description="Whether `status` is `queued`: for older clients.")
    next_poll_seconds: int = Field(
        description="After how many seconds to ask again, for callers that do not wait: grows with the queue.", ge=1
    )

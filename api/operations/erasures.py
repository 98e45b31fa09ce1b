"""The call that reads the receipts of what was erased because its time was over."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

import errors
from api.callers import CurrentAdmin
from api.documentation import SIGNED_IN, error_responses
from api.fields import Cursor, UtcTime
from api.paging import PAGED, mark_page
from ending import receipts
from keys import row_id
from models import EndReceipt

router = APIRouter(prefix="/api/admin", tags=["admin"])
DEFAULT_LIMIT = 100


class ErasureOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str = Field(
        description="`faces`, `photos`, `portraits`, `trash`, or `bystanders`: faces that match no guest.",
        examples=["faces"],
    )
    event_id: int | None = Field(description="Null for portraits: they belong to guests.")
    counts: dict[str, int] = Field(examples=[{"faces": 312, "matches": 840}])
    begun_at: UtcTime
    ended_at: UtcTime | None = Field(description="Null while the erasure is under way.")


@router.get(
    "/erasures",
    summary="What was erased because its time was over",
    response_model=list[ErasureOut],
    responses={**PAGED, **error_responses(errors.InvalidCursor, *SIGNED_IN, errors.AdminsOnly)},
)
def erasures(
    _: CurrentAdmin,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=500)] = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> list[EndReceipt]:
    """Receipts without anything of a person, newest first. They outlive their event."""
    before = row_id(cursor) if cursor else None
    if cursor and before is None:
        raise errors.InvalidCursor
    found = receipts.newest(limit, before)
    mark_page(response, found)
    return list(found.rows)

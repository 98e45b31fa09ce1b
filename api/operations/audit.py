"""The call that reads the audit log."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

import errors
from api.callers import CurrentAdmin
from api.documentation import SIGNED_IN, error_responses
from api.fields import Cursor, UtcTime
from api.paging import PAGED, mark_page
from audit import log
from audit.log import Entry
from keys import row_id

router = APIRouter(prefix="/api/admin", tags=["admin"])
DEFAULT_LIMIT = 100


class PersonOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    pseudonym: str = Field(examples=["k3xQ2mZ9aBcD"])
    name: str | None = Field(description="Of the account; null once the account is erased.", examples=["lea"])


class AuditEntryOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    at: UtcTime
    actor: PersonOut | None
    actor_type: str = Field(description="`user`, `photographer`, `admin`, `shell` or `service`.", examples=["admin"])
    action: str = Field(examples=["selfie.viewed"])
    subject: PersonOut | None = Field(description="The person that the action was about.")
    event_id: int | None
    details: dict[str, Any] = Field(examples=[{"fields": ["event_code"]}])
    request_id: str | None


@router.get(
    "/audit",
    summary="Who did what",
    response_model=list[AuditEntryOut],
    responses={**PAGED, **error_responses(errors.InvalidCursor, *SIGNED_IN, errors.AdminsOnly)},
)
def audit(
    _: CurrentAdmin,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=500)] = DEFAULT_LIMIT,
    cursor: Cursor = None,
    action: Annotated[
        str | None, Query(pattern=r"^[a-z_.]{1,64}$", description="`event.deleted`, or `event` for all of its kind.")
    ] = None,
    about: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,16}$", description="A pseudonym, as actor or as subject.")
    ] = None,
) -> list[Entry]:
    """Log-ins of staff, views of selfies, deletions, changes of codes and accounts, exports; newest first.

    Entries are never changed or deleted. They name people by pseudonyms; when an account is erased, its
    pseudonym can no longer be traced to a person.
    """
    before = row_id(cursor) if cursor else None
    if cursor and before is None:
        raise errors.InvalidCursor
    found = log.entries(limit, before, action, about)
    mark_page(response, found)
    return list(found.entries)

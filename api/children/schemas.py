"""Payloads of the calls about profiles of children."""

from typing import Self

from pydantic import BaseModel, Field

from api.accounts.schemas import ConsentIn
from api.fields import ChildName, ConsentVersion, UtcTime
from guests.children.service import Child
from guests.wordings import GUARDIAN


class GuardianConsentIn(ConsentIn):
    version: ConsentVersion = Field(
        examples=[GUARDIAN],
        description="Of the words for guardians that were shown and agreed to: `GET /consent/{version}`.",
    )


class ChildIn(GuardianConsentIn):
    name: ChildName = Field(description="A name or nickname; only the guardian and administrators see it.")


class ChildHiddenIn(BaseModel):
    hidden: bool


class ChildEventOut(BaseModel):
    event_id: int
    event_name: str
    has_consent: bool = Field(description="Whether the guardian's consent is in force; without one, no comparison.")
    hidden: bool = Field(description="Whether other guests do not see the photos of the child.")


class ChildOut(BaseModel):
    id: int
    name: str
    created_at: UtcTime
    events: list[ChildEventOut]
    status: str = Field(description="Status of the portrait, as in `GET /api/rematch-status`.")
    matched: int = Field(description="Photos in which the child was found.")

    @classmethod
    def of(cls, child: Child) -> Self:
        """Return the payload of a child's profile."""
        events = [
            ChildEventOut(
                event_id=event.id,
                event_name=event.name,
                has_consent=bool(row.has_consent),
                hidden=event.id in child.hidden_in,
            )
            for event, row in child.joined
        ]
        return cls(
            id=child.account.id,
            name=child.account.display_name or "",
            created_at=child.account.created_at,
            events=events,
            status=child.state.status,
            matched=child.state.matched,
        )

"""Payloads of the calls about groups of guests."""

from typing import Self

from pydantic import BaseModel, Field

from guests.together import Group
from keys import MAX_ID
from models import User


class GroupIn(BaseModel):
    event_id: int | None = Field(None, ge=1, le=MAX_ID, description="One of my events; by default the first.")


class InvitationIn(BaseModel):
    token: str = Field(max_length=200, description="The last part of the invitation link.")


class MemberOut(BaseModel):
    username: str
    me: bool


class GroupOut(BaseModel):
    id: int
    event_id: int
    event_name: str
    members: list[MemberOut] = Field(description="In the order in which they joined.")
    joined: bool = Field(description="Whether I am a member.")
    token: str
    link: str = Field(
        description="The invitation link. A guest of the event who opens it can agree to join the group."
    )

    @classmethod
    def of(cls, group: Group, viewer: User) -> Self:
        """Return the payload of a group for `viewer`."""
        members = [MemberOut(username=each.username, me=each.user_id == viewer.id) for each in group.members]
        return cls(
            id=group.id,
            event_id=group.event.id,
            event_name=group.event.name,
            members=members,
            joined=any(each.me for each in members),
            token=group.token,
            link=group.link,
        )

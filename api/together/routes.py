"""Calls of guests about their groups and the photos that show all members of a group."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

import errors
from api.accounts.schemas import Message
from api.callers import CurrentGuest
from api.documentation import SIGNED_IN, error_responses
from api.fields import RowId
from api.language import Language
from api.messages import Success
from api.paging import CURSORS, PAGED, AskedPage, mark_page
from api.photos.schemas import PhotoOut
from api.together.schemas import GroupIn, GroupOut, InvitationIn
from guests import together
from throttling import rules

router = APIRouter(prefix="/api", tags=["together"])
GUESTS = (*SIGNED_IN, errors.GuestsOnly)
INVITED = (*GUESTS, errors.NoSuchInvitation, errors.TooManyRequests)
Token = Annotated[str, Query(max_length=200, description="The last part of the invitation link.")]


@router.post(
    "/together",
    summary="Invite others to see our photos together",
    responses=error_responses(
        *GUESTS, errors.NotInEvent, errors.NoSuchEvent, errors.TooManyGroups, errors.TooManyRequests
    ),
)
def start_group(guest: CurrentGuest, asked: GroupIn | None = None) -> GroupOut:
    """Makes a group, of which I am the first member. Its `link` invites other guests of the event to join it."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    return GroupOut.of(together.start(guest, asked.event_id if asked is not None else None), guest)


@router.get("/together", summary="List my groups", responses=error_responses(*GUESTS))
def my_groups(guest: CurrentGuest) -> list[GroupOut]:
    """Newest first, each with its members and its invitation link."""
    return [GroupOut.of(each, guest) for each in together.groups_of(guest)]


@router.get("/together-invitation", summary="See an invitation", responses=error_responses(*INVITED))
def see_invitation(token: Token, guest: CurrentGuest) -> GroupOut:
    """Shows the group and its members, and changes nothing. For guests of the group's event."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    return GroupOut.of(together.invitation(guest, token), guest)


@router.post(
    "/together-invitation",
    summary="Accept an invitation",
    responses=error_responses(*INVITED, errors.GroupFull, errors.TooManyGroups),
)
def accept_invitation(asked: InvitationIn, guest: CurrentGuest) -> GroupOut:
    """Makes me a member of the group. Idempotent."""
    rules.count(rules.FAVOURITES, f"account {guest.id}")
    return GroupOut.of(together.accept(guest, asked.token), guest)


@router.get(
    "/together/{group_id}/photos",
    summary="List the photos that show all of us",
    responses={**PAGED, **error_responses(*CURSORS, *GUESTS, errors.NoSuchGroup)},
)
def group_photos(group_id: RowId, guest: CurrentGuest, page: AskedPage, response: Response) -> list[PhotoOut]:
    """Newest first. The list is empty while I am the only member."""
    found = together.photos_of(guest, group_id, page)
    mark_page(response, found)
    return [PhotoOut.of(row, guest) for row in found.rows]


@router.delete(
    "/together/{group_id}", summary="Leave a group", responses=error_responses(*GUESTS, errors.NoSuchGroup)
)
def leave_group(group_id: RowId, guest: CurrentGuest, language: Language) -> Message:
    """The group then lists the photos that show all its other members. The last member's call deletes it."""
    together.leave(guest, group_id)
    return Message(message=Success.GROUP_LEFT.text(language))

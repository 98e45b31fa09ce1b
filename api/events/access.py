"""Dependencies that return the event of a call and check that the caller may work with it."""

from typing import Annotated

from fastapi import Depends

import errors
from accounts import queries as account_queries
from api.before_body import before_body
from api.callers import CurrentPhotographer, PhotographerOrAdmin
from api.fields import RowId
from database import reading
from events import queries as event_queries
from models import PHOTOGRAPHER, Event


def assigned_event(event_id: RowId, photographer: CurrentPhotographer) -> Event:
    """Return the event if the photographer is assigned to it.

    Raises:
        NoSuchEvent: there is no such event, or the photographer is not assigned to it.
    """
    with reading() as session:
        event = event_queries.by_id(session, event_id)
        if event is None or not account_queries.assigned(session, photographer.id, event_id):
            raise errors.NoSuchEvent
    return event


AssignedEvent = Annotated[Event, Depends(before_body(assigned_event))]


def staffed_event(event_id: RowId, staff: PhotographerOrAdmin) -> Event:
    """Return the event if the caller is assigned to it or is an admin.

    Raises:
        NoSuchEvent: there is no such event, or the photographer is not assigned to it.
    """
    if staff.user_type == PHOTOGRAPHER:
        return assigned_event(event_id, staff)
    with reading() as session:
        event = event_queries.by_id(session, event_id)
    if event is None:
        raise errors.NoSuchEvent
    return event


StaffedEvent = Annotated[Event, Depends(before_body(staffed_event))]


def only_event(photographer: CurrentPhotographer) -> Event:
    """Return the only event of the photographer.

    Raises:
        NoEventAssigned: there is none. SeveralEvents: there are several.
    """
    with reading() as session:
        events = event_queries.of_photographer(session, photographer.id)
    if not events:
        raise errors.NoEventAssigned
    if len(events) > 1:
        raise errors.SeveralEvents
    return events[0]


OnlyEvent = Annotated[Event, Depends(before_body(only_event))]

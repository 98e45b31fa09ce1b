"""The lists of an event at Azure: made when they are needed, trained before they are searched."""

import logging
from dataclasses import dataclass

from sqlalchemy.orm import Session

from azure_face.problems import NotThere
from azure_face.service import FaceService
from database import reading, transaction
from events import queries as event_queries
from events.rematching import queries as rematch_queries
from matching.azure import queries
from matching.azure.searches import queries as search_queries
from models import RemoteList, utcnow
from stored import queries as stored_queries

log = logging.getLogger("reperio.azure")
PHOTOS, PORTRAITS = "photos", "portraits"


class EventGone(Exception):
    """The event was deleted meanwhile."""


@dataclass(frozen=True, slots=True)
class MadeList:
    """A list that exists there: the id of its row, and its name there."""

    id: int
    name: str


def prefix(session: Session) -> str:
    """Return the prefix of the names of this installation's lists: several installations may share one resource."""
    installation = stored_queries.installation(session)
    return f"reperio-{installation.uuid.replace('-', '') if installation is not None else ''}-"


def name_of(session: Session, event_id: int, kind: str) -> str:
    """Return the name of a list."""
    return f"{prefix(session)}{event_id}-{kind}"


def known(event_id: int, kind: str) -> RemoteList | None:
    """Return the row of a list that exists there and has a face with an owner, or None."""
    with reading() as session:
        row = queries.remote_list(session, event_id, kind)
        return row if row is not None and row.made and queries.has_faces(session, row.id) else None


def version(event_id: int, kind: str) -> int:
    """Return the version of the event's list of that kind, whether or not it has faces; 0 if there is none."""
    with reading() as session:
        row = queries.remote_list(session, event_id, kind)
        return row.changed if row is not None else 0


def made(service: FaceService, event_id: int, kind: str) -> MadeList:
    """Return the event's list of that kind, made there if it does not exist.

    Raises:
        EventGone: the event is deleted. RecogniserAway: Azure cannot be used now.
    """
    with reading() as session:
        row = queries.remote_list(session, event_id, kind)
        name = name_of(session, event_id, kind)
    if row is not None and row.made:
        return MadeList(row.id, row.name)
    # The row is written first, so that no list is made there without a row.
    with transaction() as session:
        if event_queries.lock_event(session, event_id) is None:
            raise EventGone
        queries.add_list(session, event_id, kind, name)
        row = queries.remote_list(session, event_id, kind)
        if row is None:
            raise EventGone
        listed = MadeList(row.id, row.name)
    service.make_list(listed.name)
    with transaction() as session:
        queries.mark_made(session, listed.id)
    return listed


def trained(service: FaceService, row: RemoteList) -> int:
    """Train a list unless all its faces that are committed now are trained; return the version that searches cover.

    Raises:
        RecogniserAway: Azure cannot be used now. NotThere: the list is gone there, or the event here.
        TrainingFailed: Azure could not train it.
    """
    with reading() as session:
        now = session.get(RemoteList, row.id)
    if now is None or now.event_id is None:
        # The event is deleted, or another process has found that the list is gone there.
        raise NotThere("LargeFaceListNotFound", f"the list {row.name} is given up")
    if now.trained >= now.changed:
        return now.trained
    service.train(now.name)
    with transaction() as session:
        queries.raise_trained(session, now.id, now.changed)
    return now.changed


def forget(listed: MadeList | RemoteList) -> None:
    """Replace a list that is gone there by one of another name, and queue the photos or guests that fill it again.

    The old row stays for some minutes, like that of a deleted event: a process that is adding faces has rows in
    `remote_doubts` that refer to it, and what it still adds is deleted there with the list of the old name.
    """
    with transaction() as session:
        row = session.get(RemoteList, listed.id)
        if row is None or row.event_id is None:
            return
        event_id, kind = row.event_id, row.kind
        event_queries.lock_event(session, event_id)
        session.refresh(row)
        if row.event_id is None:
            return
        name = name_of(session, event_id, kind)
        queries.give_up_list(session, row.id)
        # A search that is under way has a lower version, and so is made again.
        queries.add_list(session, event_id, kind, f"{name}-{row.id}", changed=row.changed + 1)
        search_queries.forget_searches(session, event_id)
        if kind == PHOTOS:
            queries.queue_photos(session, event_id)
        rematch_queries.request_rematch(session, event_id, utcnow(), asked=False)
    log.warning("the list of %s of event %d is gone at Azure: it is filled again", kind, event_id)

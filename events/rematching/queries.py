"""SQL that queues the matching of guests again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased

from events.consents.queries import is_looked_for
from models import Face, FaceCandidate, FaceMatch, UserEvent
from tracing import current_request_id


def request_rematch(
    session: Session, event_id: int, now: datetime, *, asked: bool = True, shown_in: Sequence[int] | None = None
) -> int:
    """Queue a matching for every guest who is looked for in the event; return how many.

    With `shown_in`, only for guests whose candidates these photos have: a photo may have helped to find another one
    without being theirs. With `asked` false, the state that the guests see does not change.
    """
    chosen = [UserEvent.event_id == event_id, is_looked_for()]
    if shown_in is not None:
        matched = select(FaceMatch.user_id).where(FaceMatch.photo_id.in_(shown_in))
        faces = select(Face.id).where(Face.photo_id.in_(shown_in))
        found = select(FaceCandidate.user_id).where(FaceCandidate.face_id.in_(faces))
        chosen.append(UserEvent.user_id.in_(matched.union(found)))
    result = session.execute(
        update(UserEvent)
        .where(*chosen)
        .values(
            **UserEvent.requeue_values(request_id=current_request_id(), **({"requested_at": now} if asked else {}))
        )
        .returning(UserEvent.id)
    )
    return len(result.all())


def request_rematch_of_rivals(session: Session, user_id: int, event_id: int | None = None) -> None:
    """Queue a matching for the guests who share a candidate with this one, in one event or in all.

    Called when this guest's candidates are deleted: guests who were less similar may then be matched. The caller has
    locked the events' rows.
    """
    own, other = aliased(FaceCandidate), aliased(FaceCandidate)
    shared = exists().where(
        own.user_id == user_id,
        other.face_id == own.face_id,
        other.user_id == UserEvent.user_id,
        other.event_id == UserEvent.event_id,
    )
    if event_id is not None:
        shared = shared.where(own.event_id == event_id)
    session.execute(
        update(UserEvent)
        .where(UserEvent.user_id != user_id, UserEvent.withdrawn_at.is_(None), shared)
        .values(**UserEvent.requeue_values(request_id=current_request_id()))
        .execution_options(synchronize_session=False)
    )

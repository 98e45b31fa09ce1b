"""Ask for an evaluation, read its result, and erase old ones."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

import errors
from accounts import queries as account_queries
from audit.log import Action, record
from database import reading, transaction
from evaluation import providers, queries
from events import queries as event_queries
from events.consents.queries import suffices
from events.ending import compares_faces
from models import Evaluation, utcnow
from photos.staff import queries as staff_queries
from settings import get_settings

# How long a result can be fetched.
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """An evaluation, how many photos it has read so far and how many the event has.

    `names` are those of the event's photos by id, as uploaded; empty while there is no result.
    """

    evaluation: Evaluation
    photos_read: int
    photos: int
    names: dict[int, str]


def request(event_id: int, user_id: int, provider: str | None) -> int:
    """Queue the evaluation of a provider, by default the service's own; return its id.

    If the same is unfinished already, its id is returned.

    Raises:
        UnknownProvider, ProviderNotConfigured: see `providers.check`.
        NoSuchEvent, NoSuchUser: there is no such row. GuestNotInEvent: the account is no guest of the event.
        GuestHasWithdrawn: the guest has withdrawn the consent in this event. GuestHasNotConsented: none is in force.
        FacesEnded: faces are no longer compared in the event.
        GuestHasNoPortrait: none of the guest's selfies is accepted.
    """
    name = provider or get_settings().face_recognizer_provider
    providers.check(name)
    with transaction() as session:
        event = event_queries.lock_event(session, event_id)
        if event is None:
            raise errors.NoSuchEvent
        if not compares_faces(event):
            raise errors.FacesEnded
        _check_guest(session, event_id, user_id)
        found = queries.unfinished(session, event_id, user_id, name)
        if found is None:
            found = Evaluation(event_id=event_id, user_id=user_id, provider=name)
            session.add(found)
            session.flush()
        record(session, Action.SELFIE_EVALUATED, subject_id=user_id, event_id=event_id, provider=name)
        return found.id


def _check_guest(session: Session, event_id: int, user_id: int) -> None:
    if account_queries.user(session, user_id) is None:
        raise errors.NoSuchUser
    membership = event_queries.membership(session, user_id, event_id)
    if membership is None:
        raise errors.GuestNotInEvent
    if membership.withdrawn_at is not None:
        raise errors.GuestHasWithdrawn
    if not queries.portraits(session, user_id, event_id, ""):
        raise errors.GuestHasNoPortrait
    if not suffices(session, user_id, event_id):
        raise errors.GuestHasNotConsented


def is_finished(evaluation_id: int) -> bool:
    """Return whether the evaluation has ended, or is gone."""
    with reading() as session:
        found = queries.evaluation(session, evaluation_id)
    return found is None or found.finished_at is not None


def show(evaluation_id: int) -> Shown:
    """Return an evaluation. Photos that were deleted since are left out of its result.

    Raises:
        NoSuchEvaluation: there is none with this id, or it is erased.
    """
    with reading() as session:
        found = queries.evaluation(session, evaluation_id)
        if found is None:
            raise errors.NoSuchEvaluation
        names = queries.photo_names(session, found.event_id) if found.result is not None else {}
        read, photos = (
            queries.count_read(session, evaluation_id),
            staff_queries.count_of_event(session, found.event_id),
        )
    if found.result is not None:
        found.result = _without_deleted(found.result, names)
    return Shown(found, read, photos, names)


def _without_deleted(result: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    listed = {key: [each for each in result[key] if each["photo_id"] in names] for key in ("matched", "unmatched")}
    plain = {key: [each for each in result[key] if each in names] for key in ("added", "dropped")}
    return {**result, **listed, **plain}


def erase_old() -> None:
    """Delete results that are older than a day, and what failed evaluations had read."""
    before = utcnow() - KEPT
    with reading() as session:
        if not queries.has_old(session, before):
            return
    with transaction() as session:
        queries.delete_old(session, before)

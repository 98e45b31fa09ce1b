"""SQL of the audit. Each statement returns the keys of at most `LIMIT` rows, whatever a table holds."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ForeignKeyConstraint,
    Row,
    Select,
    Table,
    exists,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased

from events.consents.queries import has_consent
from models import (
    DONE,
    UNKNOWN,
    Badge,
    BadgeMark,
    Base,
    CameraClock,
    Consent,
    ErasedFace,
    Erasure,
    Face,
    FaceCandidate,
    FaceMatch,
    GivenPhoto,
    Photo,
    PhotoRaw,
    Selfie,
    SelfieEmbedding,
    TrashedPhoto,
    User,
    UserEvent,
    UserSession,
)

# More rows than this are as bad as this many; each check keeps its keys in memory.
LIMIT = 10_000
# Numbers modulo a prime, times another number, are shuffled: the same sample at both looks.
PRIME = 10_007


class WordedConsent(NamedTuple):
    """A consent that is not withdrawn, as far as its wording goes."""

    id: int
    basis: str
    version: str
    locale: str
    text_sha256: str | None
    is_child: bool


class FaceByPlace(NamedTuple):
    """The place of an erased face in a photo, in fractions of its size, and a face that is stored there, in px."""

    photo_id: int
    width: int
    height: int
    place: list[float]
    face_id: int | None
    box: list[float]


def keys_of(session: Session, statement: Select[*tuple[Any, ...]]) -> list[str]:
    """Return the keys that a statement selects, at most `LIMIT`, as text; the parts of a key joined by slashes."""
    return ["/".join(map(str, row)) for row in session.execute(statement.limit(LIMIT))]


# --- consents ----------------------------------------------------------------------------------------


def embeddings_without_consent(session: Session) -> list[str]:
    """Return the ids of selfies' embeddings in events in which no consent of the guest is in force."""
    owned = select(SelfieEmbedding.id).join(Selfie, Selfie.id == SelfieEmbedding.selfie_id)
    return keys_of(session, owned.where(~has_consent(Selfie.user_id, SelfieEmbedding.event_id)))


def candidates_without_consent(session: Session) -> list[str]:
    """Return guest and face of candidates in events in which no consent of the guest is in force."""
    found = select(FaceCandidate.user_id, FaceCandidate.face_id)
    return keys_of(session, found.where(~has_consent(FaceCandidate.user_id, FaceCandidate.event_id)))


def matches_without_consent(session: Session) -> list[str]:
    """Return the ids of matches with photos of events in which no consent of the guest is in force."""
    placed = select(FaceMatch.id).join(Photo, Photo.id == FaceMatch.photo_id)
    return keys_of(session, placed.where(~has_consent(FaceMatch.user_id, Photo.event_id)))


def selfies_without_consent(session: Session) -> list[str]:
    """Return the ids of selfies that have a file, or an embedding, of guests without a consent in force anywhere."""
    kept = or_(Selfie.storage_key.is_not(None), exists().where(SelfieEmbedding.selfie_id == Selfie.id))
    joined = exists().where(UserEvent.user_id == Selfie.user_id, has_consent()).correlate(Selfie)
    return keys_of(session, select(Selfie.id).where(kept, ~joined))


def wordings_in_force(session: Session, after: int, limit: int) -> Sequence[WordedConsent]:
    """Return the consents that are not withdrawn with an id above `after`, `unknown` ones left out, by id."""
    is_child = exists().where(User.id == Consent.user_id, User.guardian_id.is_not(None)).correlate(Consent)
    columns = (Consent.id, Consent.basis, Consent.version, Consent.locale, Consent.text_sha256, is_child)
    counted = (Consent.id > after, Consent.withdrawn_at.is_(None), Consent.basis != UNKNOWN)
    found = session.execute(select(*columns).where(*counted).order_by(Consent.id).limit(limit))
    return [WordedConsent(*row) for row in found]


def children_without_guardian(session: Session) -> list[str]:
    """Return the ids of memberships of children in events that their guardian is not in."""
    guardian = aliased(UserEvent)
    there = exists().where(guardian.user_id == User.guardian_id, guardian.event_id == UserEvent.event_id)
    found = select(UserEvent.id).join(User, User.id == UserEvent.user_id).where(User.guardian_id.is_not(None), ~there)
    return keys_of(session, found)


def guardians_missing(session: Session) -> list[str]:
    """Return the ids of children whose guardian's account is gone."""
    guardian = aliased(User)
    there = exists().where(guardian.id == User.guardian_id)
    return keys_of(session, select(User.id).where(User.guardian_id.is_not(None), ~there))


def logins_of_children(session: Session) -> list[str]:
    """Return the ids of accounts of children that can log in."""
    session_of = exists().where(UserSession.user_id == User.id)
    able = or_(User.hashed_password.is_not(None), User.email.is_not(None), session_of)
    return keys_of(session, select(User.id).where(User.guardian_id.is_not(None), able))


# --- rows that refer to nothing ----------------------------------------------------------------------


def references() -> Iterator[tuple[Table, ForeignKeyConstraint]]:
    """Return every table with each of its foreign keys."""
    for table in Base.metadata.sorted_tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda each: str(each.name)):
            yield table, constraint


def dangling(session: Session, table: Table, constraint: ForeignKeyConstraint) -> list[str]:
    """Return the primary keys of rows whose foreign key names a row that is not there."""
    target = constraint.referred_table.alias("target")
    pairs = [(each.parent, target.c[each.column.name]) for each in constraint.elements]
    named = [column.is_not(None) for column, _ in pairs]
    there = exists().where(*(column == other for column, other in pairs)).correlate(table)
    return keys_of(session, select(*table.primary_key.columns).where(*named, ~there))


def cameras_missing(session: Session) -> list[str]:
    """Return the ids of photos whose camera has no row, or one of another event."""
    there = exists().where(CameraClock.id == Photo.camera_id, CameraClock.event_id == Photo.event_id)
    return keys_of(session, select(Photo.id).where(Photo.camera_id.is_not(None), ~there))


def matches_of_others(session: Session) -> list[str]:
    """Return the ids of matches by another guest's selfie or another photo's face, or of no guest of the event."""
    member = exists().where(UserEvent.user_id == FaceMatch.user_id, UserEvent.event_id == Photo.event_id)
    wrong = or_(Selfie.user_id != FaceMatch.user_id, Face.photo_id != FaceMatch.photo_id, ~member)
    joined = (
        select(FaceMatch.id)
        .join(Selfie, Selfie.id == FaceMatch.selfie_id)
        .join(Photo, Photo.id == FaceMatch.photo_id)
        .outerjoin(Face, Face.id == FaceMatch.face_id)
    )
    return keys_of(session, joined.where(wrong))


def candidates_of_others(session: Session) -> list[str]:
    """Return guest and face of candidates by the selfie of another guest, or in another event than the face's."""
    joined = (
        select(FaceCandidate.user_id, FaceCandidate.face_id)
        .join(Selfie, Selfie.id == FaceCandidate.selfie_id)
        .join(Face, Face.id == FaceCandidate.face_id)
    )
    wrong = or_(Selfie.user_id != FaceCandidate.user_id, Face.event_id != FaceCandidate.event_id)
    return keys_of(session, joined.where(wrong))


def given_elsewhere(session: Session) -> list[str]:
    """Return the ids of photos given to a guest in another event than the photo's, or to nobody of the event."""
    member = exists().where(UserEvent.user_id == GivenPhoto.user_id, UserEvent.event_id == Photo.event_id)
    joined = select(GivenPhoto.id).join(Photo, Photo.id == GivenPhoto.photo_id)
    return keys_of(session, joined.where(or_(Photo.event_id != GivenPhoto.event_id, ~member)))


def marks_elsewhere(session: Session) -> list[str]:
    """Return the ids of marks of a badge of another event."""
    joined = select(BadgeMark.id).join(Badge, Badge.id == BadgeMark.badge_id)
    return keys_of(session, joined.where(Badge.event_id != BadgeMark.event_id))


def faces_elsewhere(session: Session) -> list[str]:
    """Return the ids of faces in another event than their photo's."""
    joined = select(Face.id).join(Photo, Photo.id == Face.photo_id)
    return keys_of(session, joined.where(Photo.event_id != Face.event_id))


def faces_and_erased_places(session: Session, after: int, limit: int) -> Sequence[FaceByPlace]:
    """Return each place of an erased face with each face of its photo, by photo.

    Those of the next `limit` photos with such a place and an id above `after`; without a face, `face_id` is None.
    """
    some = select(ErasedFace.photo_id).where(ErasedFace.photo_id > after).distinct()
    columns = (ErasedFace.photo_id, Photo.width, Photo.height, ErasedFace.box, Face.id, Face.box)
    found = session.execute(
        select(*columns)
        .join(Photo, Photo.id == ErasedFace.photo_id)
        .outerjoin(Face, Face.photo_id == ErasedFace.photo_id)
        .where(ErasedFace.photo_id.in_(some.order_by(ErasedFace.photo_id).limit(limit)))
        .order_by(ErasedFace.photo_id)
    )
    return [FaceByPlace(*row) for row in found]


# --- files -----------------------------------------------------------------------------------------


def photos_after(session: Session, after: int, limit: int) -> Sequence[Row[int, Photo]]:
    """Return id and photo of the photos with an id above `after`, by id."""
    return session.execute(select(Photo.id, Photo).where(Photo.id > after).order_by(Photo.id).limit(limit)).all()


def selfie_files_after(session: Session, after: int, limit: int) -> Sequence[Row[int, str | None]]:
    """Return id and storage key of the selfies with a file and an id above `after`, by id."""
    wanted = select(Selfie.id, Selfie.storage_key).where(Selfie.id > after, Selfie.storage_key.is_not(None))
    return session.execute(wanted.order_by(Selfie.id).limit(limit)).all()


def raw_files_after(session: Session, after: int, limit: int) -> Sequence[Row[int, int, str]]:
    """Return the photo, the event and the name of RAW files whose photo's id is above `after`, by photo."""
    wanted = select(PhotoRaw.photo_id, PhotoRaw.event_id, PhotoRaw.filename).where(PhotoRaw.photo_id > after)
    return session.execute(wanted.order_by(PhotoRaw.photo_id).limit(limit)).all()


def trashed_files_after(session: Session, after: int, limit: int) -> Sequence[Row[int, int, str, str | None]]:
    """Return id, event, name and name of the RAW file of photos in the trash with an id above `after`, by id."""
    wanted = select(TrashedPhoto.id, TrashedPhoto.event_id, TrashedPhoto.filename, TrashedPhoto.raw_filename)
    return session.execute(wanted.where(TrashedPhoto.id > after).order_by(TrashedPhoto.id).limit(limit)).all()


def overdue_erasures(session: Session, before: datetime) -> list[str]:
    """Return the keys of files that were to be erased before a time, and whose record is still there."""
    return keys_of(session, select(Erasure.key).where(Erasure.requested_at < before))


def some_processed(session: Session, number: int | None, dice: int) -> Sequence[int]:
    """Return the ids of processed photos: all, or `number` of them as the dice fell."""
    wanted = select(Photo.id).where(Photo.status == DONE)
    return session.scalars(wanted.order_by(Photo.id * dice % PRIME, Photo.id).limit(number)).all()


def some_selfies(session: Session, number: int | None, dice: int) -> Sequence[str | None]:
    """Return the storage keys of selfies that have a file: all, or `number` of them as the dice fell."""
    wanted = select(Selfie.storage_key).where(Selfie.storage_key.is_not(None))
    return session.scalars(wanted.order_by(Selfie.id * dice % PRIME, Selfie.id).limit(number)).all()


def photo(session: Session, photo_id: int) -> Photo | None:
    """Return a photo, or None if it is gone."""
    return session.get(Photo, photo_id)

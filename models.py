"""Every table, constraint and index, declared once."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import DateTime, TypeDecorator

from keys import (
    MAX_CODE_KEY,
    MAX_CONSENT_VERSION,
    MAX_EMAIL,
    MAX_EMAIL_KEY,
    MAX_EVENT_CODE,
    MAX_EVENT_NAME,
    MAX_FILENAME,
    MAX_TIMEZONE,
    MAX_USERNAME,
    MAX_USERNAME_KEY,
)
from tracing import current_request_id

NAMING = {
    "ix": "idx_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# Never give a deleted row's number again: tokens, links and caches may still name it.
KEEP_NUMBERS = {"sqlite_autoincrement": True}
# SQLite numbers rows only in a column that is exactly INTEGER PRIMARY KEY.
BigId = BigInteger().with_variant(Integer(), "sqlite")

PENDING, PROCESSING, DONE, FAILED, REJECTED = "pending", "processing", "done", "failed", "rejected"
GUEST, PHOTOGRAPHER, ADMIN = "user", "photographer", "admin"


def utcnow() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC on every database (SQLite gives naive ones back)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: they would be read as something else elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The registry of tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON()}  # noqa: RUF012 - SQLAlchemy reads it


class Job:
    """The columns that make a row its own background job."""

    status: Mapped[str] = mapped_column(String(16), default=PENDING, server_default=PENDING)
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # The request that asked for it, for the logs.
    request_id: Mapped[str | None] = mapped_column(String(64), default=current_request_id)


def _job_table_args(table: str) -> tuple[CheckConstraint, Index, Index]:
    """The states a job may have, and indexes that hold only what is still to do and what was given up."""
    return (
        CheckConstraint("status IN ('pending','processing','done','failed','rejected')", name="status"),
        Index(
            f"idx_{table}_open",
            "status",
            "lease_until",
            "id",
            postgresql_where=text("status IN ('pending','processing')"),
            sqlite_where=text("status IN ('pending','processing')"),
        ),
        Index(
            f"idx_{table}_failed",
            "status",
            "id",
            postgresql_where=text("status = 'failed'"),
            sqlite_where=text("status = 'failed'"),
        ),
    )


class Event(Base):
    __tablename__ = "events"
    __table_args__ = (KEEP_NUMBERS,)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_EVENT_NAME))
    event_code: Mapped[str] = mapped_column(String(MAX_EVENT_CODE))
    code_key: Mapped[str] = mapped_column(String(MAX_CODE_KEY), unique=True)
    date: Mapped[date | None]
    timezone: Mapped[str] = mapped_column(String(MAX_TIMEZONE), default="Europe/Paris", server_default="Europe/Paris")
    expires_at: Mapped[datetime]
    guests_see_all_photos: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    active_engine_id: Mapped[str] = mapped_column(String(64))
    # Rises when faces disappear, so that every process drops the embeddings it holds of this event.
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    photographers: Mapped[list["User"]] = relationship(
        secondary="event_photographers", lazy="raise", order_by="User.id", viewonly=True
    )
    cover: Mapped["EventCover | None"] = relationship(lazy="raise", viewonly=True)


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("user_type IN ('user','photographer','admin')", name="user_type"),
        UniqueConstraint("event_id", "username_key"),
        UniqueConstraint("event_id", "email_key"),
        Index(
            "uq_users_username_key_no_event",
            "username_key",
            unique=True,
            postgresql_where=text("event_id IS NULL"),
            sqlite_where=text("event_id IS NULL"),
        ),
        Index(
            "uq_users_email_key_no_event",
            "email_key",
            unique=True,
            postgresql_where=text("event_id IS NULL"),
            sqlite_where=text("event_id IS NULL"),
        ),
        # Login has a name or an address and no event.
        Index("idx_users_username_key", "username_key"),
        Index("idx_users_email_key", "email_key"),
        Index("idx_users_user_type", "user_type"),
        Index("idx_users_event_user_type", "event_id", "user_type"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    username: Mapped[str] = mapped_column(String(MAX_USERNAME))
    username_key: Mapped[str] = mapped_column(String(MAX_USERNAME_KEY))
    email: Mapped[str] = mapped_column(String(MAX_EMAIL))
    email_key: Mapped[str] = mapped_column(String(MAX_EMAIL_KEY))
    hashed_password: Mapped[str] = mapped_column(String(255))
    user_type: Mapped[str] = mapped_column(String(16), default=GUEST, server_default=GUEST)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    token_version: Mapped[int] = mapped_column(default=0, server_default="0")
    locale: Mapped[str] = mapped_column(String(8), default="fr", server_default="fr")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    event: Mapped[Event | None] = relationship(lazy="raise", viewonly=True)


class EventPhotographer(Base):
    __tablename__ = "event_photographers"
    __table_args__ = (Index("idx_event_photographers_photographer_id", "photographer_id"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    photographer_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


class EventCover(Base):
    """The photo that stands for an event. Every member sees it, even where guests see only those they are in."""

    __tablename__ = "event_covers"
    __table_args__ = (UniqueConstraint("photo_id"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))


class UserEvent(Job, Base):
    """A guest's membership of an event, and the job that matches the guest there (again)."""

    __tablename__ = "user_events"
    __table_args__ = (
        Index("idx_user_events_user_event", "user_id", "event_id", unique=True),
        Index("idx_user_events_user_id", "user_id"),
        Index("idx_user_events_event_id", "event_id"),
        # The order of an event's guest list, and enough to count guests from the index alone.
        Index("idx_user_events_event_order", "event_id", "id", "user_id"),
        *_job_table_args("user_events"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    joined_at: Mapped[datetime] = mapped_column(default=utcnow)
    requested_at: Mapped[datetime | None]
    # Since when the guest does not want to be looked for there; nothing is matched until they consent again.
    withdrawn_at: Mapped[datetime | None]


class Selfie(Job, Base):
    """A reference picture of a guest. A rejected one keeps its row, for the reason, and no bytes."""

    __tablename__ = "selfies"
    __table_args__ = (
        Index("idx_selfies_user_id", "user_id", "id"),
        *_job_table_args("selfies"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    storage_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    width: Mapped[int | None]
    height: Mapped[int | None]
    strict: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    # The name of the error for which it was rejected.
    detail: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class SelfieEmbedding(Base):
    __tablename__ = "selfie_embeddings"
    __table_args__ = (
        UniqueConstraint("selfie_id", "event_id", "engine_id"),
        Index("idx_selfie_embeddings_event_engine", "event_id", "engine_id", "id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    selfie_id: Mapped[int] = mapped_column(ForeignKey("selfies.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    engine_id: Mapped[str] = mapped_column(String(64))
    embedding: Mapped[bytes] = mapped_column(LargeBinary)
    # The unit mean of it and the guest's surest faces in the event, for the second look; none found, none kept.
    mean: Mapped[bytes | None] = mapped_column(LargeBinary)


class Photo(Job, Base):
    __tablename__ = "photos"
    __table_args__ = (
        UniqueConstraint("event_id", "sha256"),
        UniqueConstraint("filename"),
        Index("idx_photos_event_id", "event_id"),
        Index("idx_photos_photographer_id", "photographer_id"),
        Index("idx_photos_event_photographer", "event_id", "photographer_id"),
        # The lists' order: newest first within an event, and among one photographer's own.
        Index("idx_photos_event_uploaded", "event_id", "uploaded_at", "id"),
        Index("idx_photos_photographer_uploaded", "photographer_id", "uploaded_at", "id"),
        # An event's progress is counted and summed from the index alone: its guests ask while they wait.
        Index("idx_photos_event_status", "event_id", "status", "size"),
        *_job_table_args("photos"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    photographer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    original_filename: Mapped[str] = mapped_column(String(MAX_FILENAME))
    filename: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str] = mapped_column(String(64))
    photo_type: Mapped[str] = mapped_column(String(32), default="event", server_default="event")
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    taken_at: Mapped[datetime | None]
    # `#rrggbb`, shown until the picture has loaded.
    mean_colour: Mapped[str | None] = mapped_column(String(7))
    uploaded_at: Mapped[datetime] = mapped_column(default=utcnow)


class Face(Base):
    """One detected face. Box and landmarks are in pixels of the upright photo."""

    __tablename__ = "faces"
    __table_args__ = (
        Index("idx_faces_photo_id", "photo_id"),
        Index("idx_faces_event_engine", "event_id", "engine_id", "id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    box: Mapped[list[float]] = mapped_column(JSON)
    landmarks: Mapped[list[list[float]]] = mapped_column(JSON)
    quality: Mapped[float]
    engine_id: Mapped[str] = mapped_column(String(64))
    embedding: Mapped[bytes] = mapped_column(LargeBinary)


class FaceMatch(Base):
    """This guest is in this photo. `confidence_score` is the cosine similarity times 100."""

    __tablename__ = "face_matches"
    __table_args__ = (
        Index("idx_face_matches_user_photo", "user_id", "photo_id", unique=True),
        Index("idx_face_matches_user_id", "user_id"),
        Index("idx_face_matches_photo_id", "photo_id"),
        Index("idx_face_matches_face_id", "face_id"),
        Index("idx_face_matches_selfie_id", "selfie_id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id", ondelete="CASCADE"))
    selfie_id: Mapped[int] = mapped_column(ForeignKey("selfies.id", ondelete="CASCADE"))
    confidence_score: Mapped[float]
    detected_at: Mapped[datetime] = mapped_column(default=utcnow)


class Favourite(Base):
    """A guest keeps this photo."""

    __tablename__ = "favourites"
    __table_args__ = (Index("idx_favourites_photo_id", "photo_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Refusal(Base):
    """A guest said that this photo does not show them: it is never matched with them again."""

    __tablename__ = "refusals"
    __table_args__ = (Index("idx_refusals_photo_id", "photo_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Consent(Base):
    """A guest agreed, in these words and this language, to be looked for in an event's photos; kept as evidence."""

    __tablename__ = "consents"
    __table_args__ = (
        Index(
            "uq_consents_in_force",
            "user_id",
            "event_id",
            "version",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
            sqlite_where=text("withdrawn_at IS NULL"),
        ),
        Index("idx_consents_user_id", "user_id", "id"),
        Index("idx_consents_event_id", "event_id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(String(MAX_CONSENT_VERSION))
    locale: Mapped[str] = mapped_column(String(8))
    given_at: Mapped[datetime] = mapped_column(default=utcnow)
    withdrawn_at: Mapped[datetime | None]


class Sample(Base):
    """How the service stood in one minute; whichever process comes first writes it."""

    __tablename__ = "samples"

    # Minutes since 1970: a number, so that points can be put together by division.
    minute: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    guests: Mapped[int] = mapped_column(BigInteger)
    selfies: Mapped[int] = mapped_column(BigInteger)
    photos: Mapped[int] = mapped_column(BigInteger)
    matches: Mapped[int] = mapped_column(BigInteger)
    queue_depth: Mapped[int] = mapped_column(BigInteger)
    queue_age_seconds: Mapped[float]
    requests: Mapped[int] = mapped_column(BigInteger)
    errors: Mapped[int] = mapped_column(BigInteger)
    # What the counters of that machine's processes showed then: the next sample of the machine counts from there.
    machine: Mapped[str] = mapped_column(String(255))
    requests_seen: Mapped[int] = mapped_column(BigInteger)
    errors_seen: Mapped[int] = mapped_column(BigInteger)


class ChangeMark(Base):
    """A number that rises with each change of what processes keep in their caches, in the same transaction."""

    __tablename__ = "change_marks"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")

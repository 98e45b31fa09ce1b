"""Every table, constraint and index, declared once."""

import uuid
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    and_,
    exists,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, query_expression, relationship
from sqlalchemy.types import DateTime, TypeDecorator

import clock
from keys import (
    BADGE_NUMBER_CHARACTERS,
    BADGE_SECONDS,
    LINK_KEY_CHARACTERS,
    MAX_CAMERA,
    MAX_CODE_KEY,
    MAX_CONSENT_VERSION,
    MAX_DEVICE,
    MAX_EMAIL,
    MAX_EMAIL_KEY,
    MAX_EVENT_CODE,
    MAX_EVENT_NAME,
    MAX_FILENAME,
    MAX_REPORT,
    MAX_SECTION_TITLE,
    MAX_SESSION_ID,
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

# The id of a deleted row is never used again: tokens, links and caches may still hold it.
KEEP_NUMBERS = {"sqlite_autoincrement": True}
# SQLite generates ids only for a column declared exactly INTEGER PRIMARY KEY.
BigId = BigInteger().with_variant(Integer(), "sqlite")

PENDING, PROCESSING, DONE, FAILED, REJECTED = "pending", "processing", "done", "failed", "rejected"
INCOMPLETE = "incomplete"
GUEST, PHOTOGRAPHER, ADMIN = "user", "photographer", "admin"
# How long an event keeps the templates of faces that are no guest's: see `events/bystanders.py`.
KEEP, UNTIL_EXPIRY, NEVER = "keep", "until_expiry", "none"
# What a consent rests on: see `Consent`.
WORDS, SELFIE, UNKNOWN = "words", "selfie", "unknown"
STAFF_ARE_REACHABLE = "user_type = 'user' OR (email IS NOT NULL AND hashed_password IS NOT NULL)"


def utcnow() -> datetime:
    """Return the current time as an aware datetime in UTC; on PostgreSQL, by the database's clock."""
    return clock.now()


def new_event_key() -> str:
    """Return a random name for the key of an event's templates."""
    return f"events/{uuid.uuid4().hex}"


def _partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index over the rows that fulfil a condition, on both databases."""
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC on every database; SQLite itself stores naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC.

        Raises:
            ValueError: the time is naive, so that its meaning would depend on the machine.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base class of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON()}  # noqa: RUF012 - SQLAlchemy reads it


class Job:
    """The columns that make a row a background job. Only these methods queue a job again or end it.

    `requeue` and `finish` change one row; `requeue_values` and `finish_values` are the same change for an UPDATE.

    A job starts as `pending`. A claim (`jobs/queue.py`) makes it `processing` with a lease and increments `attempts`,
    whose value identifies the claim. It ends as `done`, `failed` (with `error`) or, selfies only, as `rejected`.
    """

    status: Mapped[str] = mapped_column(String(16), default=PENDING, server_default=PENDING)
    # `processing`: when the claim expires. `pending`: not to be claimed before, after a failed attempt.
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # The request that created the job or queued it again, for the logs.
    request_id: Mapped[str | None] = mapped_column(String(64), default=current_request_id)

    @staticmethod
    def requeue_values(**columns: Any) -> dict[str, Any]:
        """Return the columns of a new pending job; `columns` are added, or replace the usual values."""
        return {"status": PENDING, "attempts": 0, "lease_until": None, "error": None, **columns}

    @staticmethod
    def finish_values(status: str, error: str | None = None) -> dict[str, Any]:
        """Return the columns of a job that ends now, as `done`, `failed` or `rejected`."""
        return {"status": status, "lease_until": None, "finished_at": utcnow(), "error": error}

    def requeue(self, **columns: Any) -> None:
        """Set `requeue_values` on this row."""
        self._set(self.requeue_values(**columns))

    def finish(self, status: str, error: str | None = None) -> None:
        """Set `finish_values` on this row."""
        self._set(self.finish_values(status, error))

    def _set(self, columns: dict[str, Any]) -> None:
        for name, value in columns.items():
            setattr(self, name, value)


def _job_table_args(table: str) -> tuple[CheckConstraint, Index, Index]:
    """Return the check of the status, and partial indexes of the unfinished and of the failed jobs."""
    return (
        CheckConstraint("status IN ('pending','processing','done','failed','rejected')", name="status"),
        _partial_index(
            f"idx_{table}_open", "status", "lease_until", "id", where="status IN ('pending','processing')"
        ),
        _partial_index(f"idx_{table}_failed", "status", "id", where="status = 'failed'"),
    )


class PhotoJob(Job):
    """The columns of a job about one photo, beside the photo's own: there is at most one of a kind for each photo."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))


def _photo_job_table_args(table: str) -> tuple[UniqueConstraint, CheckConstraint, Index, Index, dict[str, bool]]:
    """Return the arguments of every table of a `PhotoJob`; its own indexes come before them."""
    return (UniqueConstraint("photo_id"), *_job_table_args(table), KEEP_NUMBERS)


class Event(Base):
    """An event: the code that guests register with, and the settings of its matching.

    Written by admins. `code_key` is the form in which the code is unique and looked up (`keys.comparison_key`),
    `loose_key` the one in which codes that read alike are found (`keys.loose_key`).
    Writers of the event's faces or matches lock this row first. `version` is incremented when faces are deleted,
    so that every process reads the event's faces again. Only embeddings of `active_engine_id` are compared; it
    follows the settings once that engine has looked at all photos (`matching/changing/`).
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("idx_events_loose_key", "loose_key", "expires_at"),
        Index("uq_events_key_id", "key_id", unique=True),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_EVENT_NAME))
    event_code: Mapped[str] = mapped_column(String(MAX_EVENT_CODE))
    code_key: Mapped[str] = mapped_column(String(MAX_CODE_KEY), unique=True)
    loose_key: Mapped[str] = mapped_column(String(MAX_CODE_KEY), default="", server_default="")
    date: Mapped[date | None]
    timezone: Mapped[str] = mapped_column(String(MAX_TIMEZONE), default="Europe/Paris", server_default="Europe/Paris")
    expires_at: Mapped[datetime]
    guests_see_all_photos: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # Guests may make links to photos for people without an account (`photos/links/`).
    guests_may_share: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    # What guests download says when it was taken and whose rights it is under, if the original does.
    keep_capture_details: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # A selfie sent by an app counts as the consent (`selfies/consent.py`).
    selfie_is_consent: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    # Until when the photos stay and faces are compared. Null: as many days after the expiry as the settings say.
    photos_until: Mapped[datetime | None]
    faces_until: Mapped[datetime | None]
    # An upgrade lets nothing end before this moment, unless an admin has set a time.
    kept_at_least_until: Mapped[datetime | None]
    # When the erasure began; from then on there are no templates, and no photos are received (`events/ending.py`).
    faces_ended_at: Mapped[datetime | None]
    photos_ended_at: Mapped[datetime | None]
    # What becomes of templates of faces that are no guest's (`events/bystanders.py`), and how many days after the
    # upload of their photo, if that is before the expiry.
    bystanders: Mapped[str] = mapped_column(String(16), default=KEEP, server_default=KEEP)
    bystander_days: Mapped[int | None]
    # When photos with faces that are not stored are to be searched again, because a guest's mean has changed.
    search_due_at: Mapped[datetime | None]
    # Guests see a photo only once a photographer has approved it (`photos/withheld/`).
    photos_need_approval: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # Photographers photograph guests' badges; the photos that follow are these guests' (`photos/badges/`).
    badges: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # They are used, or were: photos may be given to guests.
    badges_used: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # At most so many seconds lie between two photos of a badge's series.
    badge_seconds: Mapped[int] = mapped_column(default=BADGE_SECONDS, server_default=str(BADGE_SECONDS))
    active_engine_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    # The name of the key of its templates in the key store, made with the first and destroyed with the last of them.
    key_id: Mapped[str | None] = mapped_column(String(64), default=new_event_key)
    # False while templates of a release without encryption may be left.
    is_encrypted: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    photographers: Mapped[list["User"]] = relationship(
        secondary="event_photographers", lazy="raise", order_by="User.id", viewonly=True
    )
    # None while the photo is withheld from guests.
    cover: Mapped["EventCover | None"] = relationship(
        lazy="raise",
        viewonly=True,
        primaryjoin=lambda: and_(
            Event.id == EventCover.event_id,
            ~exists().where(WithheldPhoto.photo_id == EventCover.photo_id).correlate(EventCover),
        ),
    )


class User(Base):
    """An account: a guest (`user`), a photographer or an admin.

    Guests write theirs by registering, admins those of photographers; the master process makes the first admin.
    `username_key` and `email_key` are unique within the event, or among the accounts without one. `event_id` is the
    event in which a guest registered; when it is deleted, another event the guest has joined, or none. Photographers
    and admins have none. Incrementing `token_version` ends all sessions and revokes all tokens issued before.

    A guest may have neither address nor password; the name is then made up (`has_made_up_username`), and
    `display_name` is what the guest typed as a name, which is not unique and logs nobody in. `typed_email` is an
    address that the guest typed beside a password and that nobody has confirmed: it logs in, together with the
    password, and is not unique. It becomes `email` when its owner follows a link that was mailed there.

    A child (`guardian_id`) is a guest without a way to log in, in events of the guest who holds it and consents for
    it (`guests/children/`). It is erased with that account.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("user_type IN ('user','photographer','admin')", name="user_type"),
        CheckConstraint(STAFF_ARE_REACHABLE, name="staff"),
        CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email"),
        UniqueConstraint("event_id", "username_key"),
        UniqueConstraint("event_id", "email_key"),
        _partial_index("uq_users_username_key_no_event", "username_key", where="event_id IS NULL", unique=True),
        _partial_index("uq_users_email_key_no_event", "email_key", where="event_id IS NULL", unique=True),
        # For logins without an event code.
        Index("idx_users_username_key", "username_key"),
        Index("idx_users_email_key", "email_key"),
        Index("idx_users_typed_email_key", "typed_email_key"),
        Index("idx_users_user_type", "user_type"),
        Index("idx_users_event_user_type", "event_id", "user_type"),
        Index("uq_users_start_mark", "start_mark", unique=True),
        _partial_index("idx_users_guardian_id", "guardian_id", where="guardian_id IS NOT NULL"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    username: Mapped[str] = mapped_column(String(MAX_USERNAME))
    username_key: Mapped[str] = mapped_column(String(MAX_USERNAME_KEY))
    has_made_up_username: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    display_name: Mapped[str | None] = mapped_column(String(MAX_USERNAME))
    email: Mapped[str | None] = mapped_column(String(MAX_EMAIL))
    email_key: Mapped[str | None] = mapped_column(String(MAX_EMAIL_KEY))
    typed_email: Mapped[str | None] = mapped_column(String(MAX_EMAIL))
    typed_email_key: Mapped[str | None] = mapped_column(String(MAX_EMAIL_KEY))
    hashed_password: Mapped[str | None] = mapped_column(String(255))
    user_type: Mapped[str] = mapped_column(String(16), default=GUEST, server_default=GUEST)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    token_version: Mapped[int] = mapped_column(default=0, server_default="0")
    locale: Mapped[str] = mapped_column(String(8), default="fr", server_default="fr")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    # When the second factor was confirmed; None without one.
    second_factor_at: Mapped[datetime | None]
    # When the owner followed a link that was mailed to the address; None: not yet, or the address has changed since.
    email_confirmed_at: Mapped[datetime | None]
    # A keyed hash of the browser and the event for which the account was made without a form: the same button,
    # pressed twice or in two tabs, makes one account.
    start_mark: Mapped[str | None] = mapped_column(String(64))
    # No foreign key: SQLite adds one to a table in use only by making the table anew. The audit looks.
    guardian_id: Mapped[int | None] = mapped_column(BigInteger)

    event: Mapped[Event | None] = relationship(lazy="raise", viewonly=True)
    # No columns: the session of the request, where the account was loaded for one.
    session_id: Mapped[str | None] = query_expression()
    session_used_at: Mapped[datetime | None] = query_expression()
    session_follows_events: Mapped[bool | None] = query_expression()

    @property
    def shown_name(self) -> str | None:
        """The name that other people see; None for a guest who gave none."""
        return self.display_name if self.has_made_up_username else self.username


class UserSession(Base):
    """A login and the tokens and signed links made from it, which end with this row.

    Written by the login, by each refresh and, at most every ten minutes, by the account's calls. It counts only while
    its `token_version` is the account's. `device` names a browser and a system; no address is kept. Of refresh tokens
    the row holds SHA-256 hashes: the one that is good now, and the one exchanged for it at `refreshed_at`.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index("idx_sessions_user_id", "user_id"), Index("idx_sessions_expires_at", "expires_at"))

    id: Mapped[str] = mapped_column(String(MAX_SESSION_ID), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    device: Mapped[str | None] = mapped_column(String(MAX_DEVICE))
    follows_events: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    refresh_hash: Mapped[str | None] = mapped_column(String(64))
    previous_refresh_hash: Mapped[str | None] = mapped_column(String(64))
    refreshed_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A link with which the owner of an account sets a new password, once, until `expires_at`.

    Written when the link is mailed, or made by an admin; deleted when one of the account's links is used. The link
    holds the token, the row only its SHA-256. `account_mark` is a digest of the password's hash and the address when
    the link was made: after a change of either, the link is not valid.
    """

    __tablename__ = "password_resets"
    __table_args__ = (
        Index("idx_password_resets_user_id", "user_id"),
        Index("idx_password_resets_expires_at", "expires_at"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_mark: Mapped[str] = mapped_column(String(64))
    # Whoever uses a mailed link has shown that the address is theirs.
    by_mail: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]


class LoginLink(Base):
    """A link that logs a guest in, until `expires_at`; the link holds the token, the row only its SHA-256.

    Written by `accounts/login_links.py`. `purpose` is why it was made: `personal` ones work many times, the others
    once, and keep their row with `used_at`, so that a second use can be told why it fails. `used_by` is a signature
    of the browser that used it, where it works again for a moment. `address` is where the link was mailed to: who
    follows it has shown that the address is theirs. A link counts only while the account has the `token_version` that
    it had when the link was made.
    """

    __tablename__ = "login_links"
    __table_args__ = (
        CheckConstraint("purpose IN ('personal','mail','help','home','address')", name="purpose"),
        Index("idx_login_links_user_id", "user_id", "purpose"),
        Index("idx_login_links_expires_at", "expires_at"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_version: Mapped[int]
    address: Mapped[str | None] = mapped_column(String(MAX_EMAIL))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None] = mapped_column(String(24))


class SecondFactor(Base):
    """The secret of an account's authenticator app, encrypted; it counts once `users.second_factor_at` is set.

    `last_step` is the newest time step (30 s) whose code was accepted: each code is accepted once.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(255))
    last_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class RecoveryCode(Base):
    """A code that replaces the authenticator app once, as a keyed hash."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class EventPhotographer(Base):
    """This photographer works at this event: uploads photos there and sees all of them."""

    __tablename__ = "event_photographers"
    __table_args__ = (Index("idx_event_photographers_photographer_id", "photographer_id"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    photographer_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


class EventCover(Base):
    """The cover photo of an event. Every member sees it, even if guests see only the photos that show them."""

    __tablename__ = "event_covers"
    __table_args__ = (UniqueConstraint("photo_id"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))


class Ending(Base):
    """What was announced of an end of an event's `faces` or `photos`: nothing is erased before its people were told.

    Written by `ending/` only, while the event's row is locked. The notices are about `due_at`: of another time, the
    row says nothing. `not_before` is the time that the last notice named.
    """

    __tablename__ = "endings"
    __table_args__ = (CheckConstraint("what IN ('faces','photos')", name="what"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    what: Mapped[str] = mapped_column(String(8), primary_key=True)
    due_at: Mapped[datetime]
    first_notice_at: Mapped[datetime | None]
    last_notice_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]


class EndReceipt(Base):
    """What was erased because its time was over: the kind, the event, numbers and times, nothing of a person.

    Written by `ending/` only. `event_id` has no foreign key: the receipt outlives the event. It is null for
    portraits, which belong to guests. While an erasure is under way, `counts` rise and `ended_at` is null.
    """

    __tablename__ = "end_receipts"
    __table_args__ = (
        CheckConstraint("kind IN ('faces','photos','portraits','trash','bystanders')", name="kind"),
        Index("idx_end_receipts_event_id", "event_id", "id"),
        _partial_index("idx_end_receipts_open", "id", where="ended_at IS NULL"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    counts: Mapped[dict[str, Any]]
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class EventSection(Base):
    """A part of an event's gallery: a title over the photos taken from `starts_at` until the next one starts.

    Written by photographers and admins (`events/sections/`).
    """

    __tablename__ = "event_sections"
    __table_args__ = (UniqueConstraint("event_id", "starts_at"), KEEP_NUMBERS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(MAX_SECTION_TITLE))
    starts_at: Mapped[datetime]


class UserEvent(Job, Base):
    """A guest's membership of an event, and the job that matches the guest there, at first or again."""

    __tablename__ = "user_events"
    __table_args__ = (
        Index("idx_user_events_user_event", "user_id", "event_id", unique=True),
        Index("idx_user_events_user_id", "user_id"),
        Index("idx_user_events_event_id", "event_id"),
        # The order of an event's guest list; also lets guests be counted from the index alone.
        Index("idx_user_events_event_order", "event_id", "id", "user_id"),
        *_job_table_args("user_events"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    joined_at: Mapped[datetime] = mapped_column(default=utcnow)
    # When a person last asked for a matching; None if no one has.
    requested_at: Mapped[datetime | None]
    # When the guest withdrew the consent: nothing is matched there until the guest consents again.
    withdrawn_at: Mapped[datetime | None]
    # The guest asked that others do not see photos of them, found now or later (`photos/withheld/`).
    hides_photos: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # The engine of the process that did the job last.
    engine_id: Mapped[str | None] = mapped_column(String(64))
    # When the photos with faces that are not stored were last to be searched again for the guest.
    search_asked_at: Mapped[datetime | None]
    # No column: whether a consent is in force, where `events.queries.joined` has loaded the membership.
    has_consent: Mapped[bool | None] = query_expression()


class Selfie(Job, Base):
    """A guest's picture of their own face, and the job that embeds and matches it.

    Guests write it by uploading; the file is in storage before the row. A selfie that is `done` replaces the older
    ones of its guest: their rows, embeddings, matches and files are deleted. With `keep` it is a further portrait
    beside them. A `rejected` one keeps its row with the error's name in `detail`, but no file: `storage_key`,
    `sha256`, `width` and `height` are null.
    """

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
    keep: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # False for the file of a release without encryption.
    is_encrypted: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    detail: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class SelfieEmbedding(Base):
    """A selfie's embedding by one engine for one event: a float32 unit vector, encrypted (`encryption/templates.py`).

    Per event, because withdrawing the consent for one event deletes it there only.
    """

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
    # The mean of the embedding and the guest's faces in the event, for the second pass; null if none was found.
    mean: Mapped[bytes | None] = mapped_column(LargeBinary)


class Photo(Job, Base):
    """A photo of an event, and the job that makes its renditions and matches its faces.

    Photographers and admins write it by uploading; the file is in storage before the row. The same bytes (`sha256`)
    are one photo per event. `filename` is the random name of the stored file, `original_filename` the uploaded one.
    `width` and `height` are in pixels of the upright picture. The job sets `mean_colour` and `engine_id`: the engine
    that has looked at the photo, also if it found no face (`Reembedding` tells when that changes). `photographer_id`
    becomes null when the account is deleted: the photo stays. `warning` is also the job's: what is wrong with a photo
    that is shown all the same. `rendition_set` is 0 for the renditions that this job made, else the id of the
    `Reprocessing` that made them again; it is part of the names of their files.
    """

    __tablename__ = "photos"
    __table_args__ = (
        UniqueConstraint("event_id", "sha256"),
        UniqueConstraint("filename"),
        Index("idx_photos_event_id", "event_id"),
        Index("idx_photos_photographer_id", "photographer_id"),
        Index("idx_photos_event_photographer", "event_id", "photographer_id"),
        # The order of the lists: newest first in an event, and of one photographer.
        Index("idx_photos_event_uploaded", "event_id", "uploaded_at", "id"),
        # The same of the few photos that every guest sees. Each condition is as SQLAlchemy writes it in a query, or
        # the index is not used.
        Index(
            "idx_photos_for_everyone",
            "event_id",
            "uploaded_at",
            "id",
            postgresql_where=text("for_everyone"),
            sqlite_where=text("for_everyone = 1"),
        ),
        # How many photos of an event the photographer should look at.
        _partial_index("idx_photos_warned", "event_id", where="warning IS NOT NULL"),
        Index("idx_photos_photographer_uploaded", "photographer_id", "uploaded_at", "id"),
        # The same by the time they were taken; and a camera's first and last photo.
        Index("idx_photos_event_taken", "event_id", "taken_at", "id"),
        Index("idx_photos_photographer_taken", "photographer_id", "taken_at", "id"),
        Index("idx_photos_camera_taken", "camera_id", "taken_at"),
        # Waiting guests poll an event's progress: it is counted and summed from the index alone.
        Index("idx_photos_event_status", "event_id", "status", "size"),
        # Photos that another engine than the configured one has looked at.
        Index("idx_photos_event_engine", "event_id", "engine_id"),
        # The other form of a photo that comes as RAW and as JPEG has the same name, but for its ending.
        Index("idx_photos_event_name", "event_id", "original_filename"),
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
    # When it was taken, as everyone sees it: `recorded_at` and the shift of its camera, or a satellite's time.
    taken_at: Mapped[datetime | None]
    # What the camera's clock said; None where the time is a satellite's, or none is known.
    recorded_at: Mapped[datetime | None]
    # Of `camera_clocks`, whose rows are deleted with their event only. No foreign key: SQLite cannot add one to
    # a table that exists, and rebuilding this one would delete the rows that refer to it.
    camera_id: Mapped[int | None] = mapped_column(BigId)
    # `#rrggbb`, shown until the picture is loaded.
    mean_colour: Mapped[str | None] = mapped_column(String(7))
    engine_id: Mapped[str | None] = mapped_column(String(64))
    rendition_set: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    # Whether it has the rendition `medium`: photos that earlier releases have processed have none.
    has_medium: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # Bytes and CRC-32 of the rendition `full`, which guests get where the original cannot be stripped. Null: none.
    full_size: Mapped[int | None] = mapped_column(BigInteger)
    full_crc32: Mapped[int | None] = mapped_column(BigInteger)
    # `incomplete`: a part of the picture is missing or damaged.
    warning: Mapped[str | None] = mapped_column(String(16))
    # Every member of the event sees it, also where guests see only the photos that show them.
    for_everyone: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    uploaded_at: Mapped[datetime] = mapped_column(default=utcnow)

    raw: Mapped["PhotoRaw | None"] = relationship(lazy="raise", viewonly=True)

    def note_renditions(
        self, mean_colour: str | None, warning: str | None, full: tuple[int, int] | None = None
    ) -> None:
        """Set what was found while the renditions were made, and that all are there; `full`: bytes and CRC-32."""
        self.mean_colour, self.warning, self.has_medium = mean_colour, warning, True
        self.full_size, self.full_crc32 = full or (None, None)


class TrashedPhoto(Base):
    """A photo that was deleted, and that its photographer can restore for some days (`TRASH_DAYS`).

    It is no row of `photos`, so that nothing finds it that looks for photos; what was computed from it, and what
    guests said of it, is deleted. Written by `photos/trash/` only. The columns are those of the photo, which gets its
    number (`photo_id`) back. Of its files the original, the RAW file and two renditions stay; `raw` has the other
    columns of the RAW file (`PhotoRaw`). `attempts` are those of a job that was under way: it must not be taken for
    the one that processes the photo again. `withheld` are the reasons of staff for which guests did not see it (rows
    of earlier releases also have `guest`, see `TrashedWish`), `erased_faces` the places of erased ones in it: both
    hold for it again when it is back.
    """

    __tablename__ = "trashed_photos"
    __table_args__ = (
        UniqueConstraint("photo_id"),
        UniqueConstraint("filename"),
        Index("idx_trashed_photos_event_id", "event_id", "sha256"),
        Index("idx_trashed_photos_photographer_id", "photographer_id", "id"),
        Index("idx_trashed_photos_raw_filename", "raw_filename"),
        Index("idx_trashed_photos_trashed_at", "trashed_at"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    photo_id: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    photographer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    original_filename: Mapped[str] = mapped_column(String(MAX_FILENAME))
    filename: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str] = mapped_column(String(64))
    photo_type: Mapped[str] = mapped_column(String(32))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    taken_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime | None]
    camera_id: Mapped[int | None] = mapped_column(BigInteger)
    mean_colour: Mapped[str | None] = mapped_column(String(7))
    rendition_set: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int]
    for_everyone: Mapped[bool]
    uploaded_at: Mapped[datetime]
    raw_filename: Mapped[str | None] = mapped_column(String(64))
    raw_sha256: Mapped[str | None] = mapped_column(String(64))
    raw: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    withheld: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    erased_faces: Mapped[list[list[float]] | None] = mapped_column(JSON(none_as_null=True))
    trashed_at: Mapped[datetime] = mapped_column(default=utcnow)


class TrashedWish(Base):
    """A guest asked that others do not see a photo that is now in the trash; it holds again when the photo is back.

    When the guest's account is erased, `user_id` becomes null, as in `WithheldPhoto`, and no guest will see it.
    """

    __tablename__ = "trashed_wishes"
    __table_args__ = (
        UniqueConstraint("trashed_id", "user_id"),
        Index("idx_trashed_wishes_user_id", "user_id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    trashed_id: Mapped[int] = mapped_column(ForeignKey("trashed_photos.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]


class GuestCopy(Base):
    """What guests download of a photo's original: which of its bytes, and which few in place of others (`parts`).

    Written with the photo (`photos/copies/`), and for photos of earlier releases by the sweep or the first download.
    `size` and `parts` are null where the original cannot be stripped. `filename` is the stored file it is about: of
    another one, the row says nothing. `detailed`: the copy for events that keep capture time and copyright.
    """

    __tablename__ = "guest_copies"

    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    detailed: Mapped[bool] = mapped_column(primary_key=True)
    filename: Mapped[str] = mapped_column(String(64))
    size: Mapped[int | None] = mapped_column(BigInteger)
    # CRC-32 of the copy, as ZIP files have it; null until a download needs it.
    crc32: Mapped[int | None] = mapped_column(BigInteger)
    parts: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))


class Upload(Base):
    """A file that a photographer sends in parts; no photo before it is complete and judged (`photos/uploads/`).

    `token` is how its files in storage begin. What the sender says of the file (`filename`, `size`, `sha256`) is
    checked when the parts are there. `way` is how they come: `through` the service, in `parts` to the store
    (`store_upload` is its own id), or the file as a `whole` to the store. Once it is a photo, `photo_id` says which,
    and `duplicate` whether the event had it: so that the sender can ask again. Rows go after a day.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint("way IN ('through','parts','whole')", name="way"),
        UniqueConstraint("token"),
        Index("idx_uploads_event_id", "event_id"),
        Index("idx_uploads_photographer_id", "photographer_id"),
        Index("idx_uploads_photo_id", "photo_id"),
        Index("idx_uploads_created_at", "created_at"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    photographer_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token: Mapped[str] = mapped_column(String(32))
    filename: Mapped[str] = mapped_column(String(MAX_FILENAME))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    part_size: Mapped[int]
    way: Mapped[str] = mapped_column(String(8))
    store_upload: Mapped[str | None] = mapped_column(Text)
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("photos.id", ondelete="SET NULL"))
    duplicate: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    completed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    touched_at: Mapped[datetime] = mapped_column(default=utcnow)


class UploadPart(Base):
    """A part of an upload that passed through the service and is in storage."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[int] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]


class PhotoRaw(Base):
    """The RAW file of a photo: a photo in two forms is one row of `photos`.

    Written with the photo, or when one of the two arrives later. If the RAW file came alone (`alone`), the photo's
    original is the JPEG preview that lies in it; a JPEG of the same name replaces that. `filename` is the random name
    of the stored file, `original_filename` the uploaded one. The same bytes are one file per event.
    """

    __tablename__ = "photo_raws"
    __table_args__ = (UniqueConstraint("event_id", "sha256"), UniqueConstraint("filename"))

    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    filename: Mapped[str] = mapped_column(String(64))
    original_filename: Mapped[str] = mapped_column(String(MAX_FILENAME))
    content_type: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    alone: Mapped[bool]
    uploaded_at: Mapped[datetime] = mapped_column(default=utcnow)


class CameraClock(Base):
    """A camera that took photos of an event, and by how many seconds their times are shifted.

    Written with the first photo of the camera there; photographers and admins set the shift (`photos/clocks/`).
    `camera_key` is a keyed hash of event, make, model and the serial number of the body, which is kept nowhere: two
    bodies of one model are two cameras, and nothing tells that the same body was at another event.
    """

    __tablename__ = "camera_clocks"
    __table_args__ = (UniqueConstraint("event_id", "camera_key"), KEEP_NUMBERS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    camera_key: Mapped[str] = mapped_column(String(24))
    make: Mapped[str] = mapped_column(String(MAX_CAMERA))
    model: Mapped[str] = mapped_column(String(MAX_CAMERA))
    shift_seconds: Mapped[int] = mapped_column(default=0, server_default="0")


class Reembedding(PhotoJob, Base):
    """A processed photo that the engine `engine_id` is to process again, and the job that does it.

    Written by `matching/changing/` when the settings name another engine than the one that has processed the photo.
    A job that is done stays until its event is switched to the engine; then the photo's `engine_id` becomes that
    engine. A failed one stays until it is tried again. The photo's own status does not change.
    """

    __tablename__ = "reembeddings"
    __table_args__ = (
        # Of each event: the next one to do, whether any is left, and the progress.
        Index("idx_reembeddings_event_engine", "event_id", "engine_id", "status", "id"),
        *_photo_job_table_args("reembeddings"),
    )

    engine_id: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class UnstoredFaces(Base):
    """How many faces an engine has found in a photo of which no template is stored: no row where all are.

    Written while the event's row is locked, with the photo's faces (`matching/bystanders/`). These faces count for
    the thresholds of the event.
    """

    __tablename__ = "unstored_faces"
    __table_args__ = (Index("idx_unstored_faces_event_engine", "event_id", "engine_id", "number"),)

    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    engine_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    number: Mapped[int]


class Redetection(PhotoJob, Base):
    """A photo with faces that are not stored, which are to be found again for guests who came later, and that job.

    Written by `matching/redetecting/`, while the event's row is locked. `asked_at` is when the photo was last queued,
    or asked for while the job was under way; `searched_at` is when the last attempt began that came to its end. So a
    guest who asked before that has been searched for. The row stays when the job is done.
    """

    __tablename__ = "redetections"
    __table_args__ = (
        # Of each event: the next one to do, and whether any is left.
        Index("idx_redetections_event_status", "event_id", "status", "asked_at", "id"),
        *_photo_job_table_args("redetections"),
    )

    asked_at: Mapped[datetime] = mapped_column(default=utcnow)
    searched_at: Mapped[datetime | None]


class Reprocessing(PhotoJob, Base):
    """A photo whose renditions and faces are to be made again, and the job that does it.

    Written by `photos/reprocessing/` when an operator asks for it. The photo keeps what it has until the transaction
    that ends the job: it then has the renditions whose `rendition_set` is this row's id. `replaced` is the set that
    they replaced. The row stays, as what is known of the event's last run, until the next run of the event begins.
    """

    __tablename__ = "reprocessings"
    __table_args__ = (
        # Of each event: the next one to do, whether any is left, and the progress.
        Index("idx_reprocessings_event_status", "event_id", "status", "id"),
        *_photo_job_table_args("reprocessings"),
    )

    replaced: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Face(Base):
    """A face that one engine has detected in a photo.

    Written by the jobs that look at the photo only, while the event's row is locked: so ids rise in the order of the
    commits within an event. Never updated: a repeated job deletes the photo's faces by that engine and inserts new
    ones. While an event changes to another engine, a photo has faces by both; those of the event's
    `active_engine_id` count.
    `event_id` is the photo's. `box` (x, y, width, height) and `landmarks` (five x, y) are in pixels of the upright
    photo, `quality` is the detector's score, `embedding` a vector of length 1, or less where the face is weak or tiny
    (`faces/certainty.py`), encrypted (`encryption/templates.py`).
    """

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


class FaceCandidate(Base):
    """A face that may be a guest's, by the guest's portraits: what an engine found, before guests are compared.

    Written by `matching/claims/` only, while the event's row is locked. `similarity` is the engine's, with the
    portrait `selfie_id` or with the mean of it and the faces found. `accepted`: it reaches the event's threshold.
    `confirmed`: the guest has said that it is theirs. `standing` follows from all guests' candidates for the face:
    `match`, `maybe` (shown to the guest alone, as a question) or `lost` to a guest who is more similar.
    """

    __tablename__ = "face_candidates"
    __table_args__ = (
        CheckConstraint("standing IN ('match','maybe','lost')", name="standing"),
        Index("idx_face_candidates_face_id", "face_id"),
        Index("idx_face_candidates_selfie_id", "selfie_id"),
        Index("idx_face_candidates_event_user", "event_id", "user_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id", ondelete="CASCADE"), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    selfie_id: Mapped[int] = mapped_column(ForeignKey("selfies.id", ondelete="CASCADE"))
    similarity: Mapped[float]
    accepted: Mapped[bool]
    confirmed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    standing: Mapped[str] = mapped_column(String(8))


class Confirmation(Base):
    """A guest has said which face of a photo is theirs ("this is me").

    Written by guests. `box` (x, y, width, height, in px of the upright photo) is the place of the face, by which it
    is found again when the photo's faces are made again. Matching sets `face_id` to the event's engine's face there,
    and `similarity` to that of the guest's most similar portrait; both are null without one. `likely`: when the guest
    said so, the face resembled the guest's portraits; it is a match then, however large the event becomes.
    """

    __tablename__ = "confirmations"
    __table_args__ = (
        Index("idx_confirmations_photo_id", "photo_id"),
        Index("idx_confirmations_face_id", "face_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    box: Mapped[list[float]] = mapped_column(JSON)
    face_id: Mapped[int | None] = mapped_column(ForeignKey("faces.id", ondelete="SET NULL"))
    similarity: Mapped[float | None]
    likely: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class FaceMatch(Base):
    """A photo shows a guest.

    Written by `matching/claims/` only, while the event's row is locked. At most one per guest and photo. The matches
    are a function of the guests' portraits, the event's faces, and what guests confirmed or refused: matching again
    changes nothing. `face_id` is the most similar face of the photo, `confidence_score` the similarity as shown
    (`faces/calibration.py`). `declared`: only the guest says so, the similarity does not show it; it is in the
    guest's list where the guest may see the photo anyway, and its `face_id` may be null. There is no match for a
    photo the guest has refused, nor in an event for which the guest has withdrawn the consent.
    """

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
    face_id: Mapped[int | None] = mapped_column(ForeignKey("faces.id", ondelete="CASCADE"))
    selfie_id: Mapped[int] = mapped_column(ForeignKey("selfies.id", ondelete="CASCADE"))
    confidence_score: Mapped[float]
    declared: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    detected_at: Mapped[datetime] = mapped_column(default=utcnow)


class TogetherGroup(Base):
    """Guests of an event who look at the photos that show all of them.

    A guest makes it and shares its invitation link. Guests who open the link and agree are members until they leave.
    """

    __tablename__ = "together_groups"
    __table_args__ = (Index("idx_together_groups_event_id", "event_id"), KEEP_NUMBERS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class TogetherMember(Base):
    """A guest has agreed to be in a group."""

    __tablename__ = "together_members"
    __table_args__ = (Index("idx_together_members_user_id", "user_id"),)

    group_id: Mapped[int] = mapped_column(ForeignKey("together_groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(default=utcnow)


class PhotoLink(Base):
    """A link with which people without an account see photos that a guest has chosen, until it expires.

    Written by the guest; to revoke it is to delete it. The link holds `link_key` and a signature that is not stored,
    so a copy of this table opens nothing. It shows those of its photos (`LinkedPhoto`) that the guest may still see,
    while the event is open and lets guests share. `shows_name`: it says whose link it is. `opened` counts visits.
    """

    __tablename__ = "photo_links"
    __table_args__ = (
        UniqueConstraint("link_key"),
        Index("idx_photo_links_user_event", "user_id", "event_id"),
        Index("idx_photo_links_event_id", "event_id"),
        Index("idx_photo_links_expires_at", "expires_at"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    link_key: Mapped[str] = mapped_column(String(LINK_KEY_CHARACTERS))
    shows_name: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    opened: Mapped[int] = mapped_column(default=0, server_default="0")


class LinkedPhoto(Base):
    """A link was made for this photo."""

    __tablename__ = "linked_photos"
    __table_args__ = (Index("idx_linked_photos_photo_id", "photo_id"),)

    link_id: Mapped[int] = mapped_column(ForeignKey("photo_links.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)


class PhotoChoice(Base):
    """Photos that a guest has just chosen for a ZIP, so that the address of the ZIP is short and the ZIP resumes.

    Of the ids in `photo_ids`, those count whose photos are still there and shown to the guest. Deleted after a day.
    """

    __tablename__ = "photo_choices"
    __table_args__ = (
        Index("idx_photo_choices_user_id", "user_id"),
        Index("idx_photo_choices_event_id", "event_id"),
        Index("idx_photo_choices_created_at", "created_at"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    photo_ids: Mapped[list[int]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Evaluation(Job, Base):
    """What a provider would find for a guest in an event's photos, and the job that finds it out.

    Written by admins; changes no face, embedding or match. `result` is set when the job is done (`evaluation/`). The
    row goes with the guest, the event, the guest's selfies or consent, and a day after its job ended.
    """

    __tablename__ = "evaluations"
    __table_args__ = (
        Index("idx_evaluations_user_id", "user_id"),
        Index("idx_evaluations_event_id", "event_id"),
        *_job_table_args("evaluations"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class EvaluatedPhoto(Base):
    """What an unfinished evaluation has found in a photo so far, so that another process can continue it.

    `embeddings` are the faces' float32 unit vectors, one after another, encrypted. `error` says why the photo
    could not be read.
    Deleted when the evaluation ends.
    """

    __tablename__ = "evaluated_photos"
    __table_args__ = (Index("idx_evaluated_photos_photo_id", "photo_id"),)

    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    faces: Mapped[int]
    embeddings: Mapped[bytes] = mapped_column(LargeBinary)
    milliseconds: Mapped[float]
    error: Mapped[str | None] = mapped_column(Text)


class Favourite(Base):
    """A guest has marked this photo as a favourite."""

    __tablename__ = "favourites"
    __table_args__ = (Index("idx_favourites_photo_id", "photo_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Refusal(Base):
    """A guest has said that a photo does not show them: the two are never matched again."""

    __tablename__ = "refusals"
    __table_args__ = (Index("idx_refusals_photo_id", "photo_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Badge(Base):
    """A number under which a guest of an event can be given photos without a face: the guest's phone shows it.

    Written when the guest first asks for it (`photos/badges/`), deleted with the membership. The number is random and
    says nothing about the guest. An account that took over another one may have two in an event.
    """

    __tablename__ = "badges"
    __table_args__ = (
        UniqueConstraint("event_id", "number"),
        ForeignKeyConstraint(
            ["user_id", "event_id"], ["user_events.user_id", "user_events.event_id"], ondelete="CASCADE"
        ),
        Index("idx_badges_user_event", "user_id", "event_id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId)
    event_id: Mapped[int] = mapped_column(BigId)
    number: Mapped[str] = mapped_column(String(BADGE_NUMBER_CHARACTERS))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class BadgeMark(Base):
    """A mark at the time of a photo: it begins, ends or continues a series of one photographer's camera.

    `seen`: the photo shows this badge, or (null) a badge of no guest here. `set`: staff give the series from this
    photo on to this badge, or (null) end it; these replace what is seen in the photo. `gone`: the photo was
    deleted, but still counts between its neighbours. Written by `photos/badges/` only, while the event's row is
    locked. The times are the photo's, kept here so that a mark outlives its photo: `photo_id` has no foreign key.
    When a badge is deleted, `badge_id` becomes null: the photos after it are not given to the guest before.
    """

    __tablename__ = "badge_marks"
    __table_args__ = (
        CheckConstraint("kind IN ('seen','set','gone')", name="kind"),
        Index("idx_badge_marks_event_camera", "event_id", "camera_id", "photographer_id", "taken_at"),
        Index("idx_badge_marks_photo_id", "photo_id"),
        Index("idx_badge_marks_badge_id", "badge_id"),
        Index("idx_badge_marks_photographer_id", "photographer_id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    photo_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(8))
    badge_id: Mapped[int | None] = mapped_column(ForeignKey("badges.id", ondelete="SET NULL"))
    photographer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    camera_id: Mapped[int | None] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]


class GivenPhoto(Base):
    """A photo that is given to a guest without a face: by a badge, or by staff. No consent is needed for it.

    Written by `photos/badges/` only, while the event's row is locked. `badge` ones follow from the marks
    (`BadgeMark`) and are computed anew when these or the photos change. `hand` ones stay until staff take them away.
    `taken`: staff said that the photo is not the guest's, and no badge gives it again. `shown`: neither staff took
    it away nor the guest refused it (`Refusal`); only these count.
    """

    __tablename__ = "given_photos"
    __table_args__ = (
        CheckConstraint("given_by IN ('badge','hand','taken')", name="given_by"),
        UniqueConstraint("user_id", "photo_id"),
        ForeignKeyConstraint(
            ["user_id", "event_id"], ["user_events.user_id", "user_events.event_id"], ondelete="CASCADE"
        ),
        Index("idx_given_photos_photo_id", "photo_id"),
        Index("idx_given_photos_user_event", "user_id", "event_id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId)
    event_id: Mapped[int] = mapped_column(BigId)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    given_by: Mapped[str] = mapped_column(String(8))
    shown: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class TrashedGift(Base):
    """What staff decided by hand about a photo in the trash and a guest: it holds again when the photo is back."""

    __tablename__ = "trashed_gifts"
    __table_args__ = (
        CheckConstraint("given_by IN ('hand','taken')", name="given_by"),
        ForeignKeyConstraint(
            ["user_id", "event_id"], ["user_events.user_id", "user_events.event_id"], ondelete="CASCADE"
        ),
        Index("idx_trashed_gifts_user_event", "user_id", "event_id"),
    )

    trashed_id: Mapped[int] = mapped_column(ForeignKey("trashed_photos.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigId)
    given_by: Mapped[str] = mapped_column(String(8))


class WithheldPhoto(Base):
    """A photo is withheld from guests, for one reason; while a row says so, `photos/visible/` shows it to none.

    `guest`: a guest asked that others do not see the photo, which shows them. That guest (`user_id`) still sees it;
    when their account is erased, `user_id` becomes null and no guest sees it. `staff`: a photographer or an admin hid
    it. `approval`: no photographer has approved it yet. `badge`: it shows a badge; the guests to whom
    it is given still see it. Photographers of the event and admins see it in any case.
    """

    __tablename__ = "withheld_photos"
    __table_args__ = (
        CheckConstraint("reason IN ('guest','staff','approval','badge')", name="reason"),
        CheckConstraint("reason = 'guest' OR user_id IS NULL", name="owner"),
        UniqueConstraint("photo_id", "user_id"),
        _partial_index("uq_withheld_photos_staff", "photo_id", "reason", where="reason <> 'guest'", unique=True),
        Index("idx_withheld_photos_user_id", "user_id"),
        Index("idx_withheld_photos_event_reason", "event_id", "reason", "photo_id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class ErasedFace(Base):
    """At this place of a photo was the face of a guest who erased their account: no face is stored there again.

    Written by the erasure (`matching/erased/`), without saying whose face it was. `box` (x, y, width, height) is in
    fractions of the upright photo's width and height.
    """

    __tablename__ = "erased_faces"
    __table_args__ = (Index("idx_erased_faces_photo_id", "photo_id"), KEEP_NUMBERS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    box: Mapped[list[float]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class PhotoReport(Base):
    """A guest or a visitor asks the photographers to look at a photo (`photos/reports/`).

    Sent by a guest (`user_id`), or by a visitor of a link to photos (`link_id`). `open` until staff decide:
    `kept`, `hidden` or `deleted`; `photo_id` is null once the photo is deleted. When the guest's account is erased,
    `user_id` and `text` become null.
    """

    __tablename__ = "photo_reports"
    __table_args__ = (
        CheckConstraint("reason IN ('me','child','private','offensive','other')", name="reason"),
        CheckConstraint("status IN ('open','kept','hidden','deleted')", name="status"),
        # A guest has one open report of a photo.
        _partial_index("uq_photo_reports_open", "photo_id", "user_id", where="status = 'open'", unique=True),
        Index("idx_photo_reports_event_status", "event_id", "status", "id"),
        Index("idx_photo_reports_user_id", "user_id"),
        Index("idx_photo_reports_link_id", "link_id"),
        Index("idx_photo_reports_photo_id", "photo_id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("photos.id", ondelete="SET NULL"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    link_id: Mapped[int | None] = mapped_column(ForeignKey("photo_links.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(String(16))
    text: Mapped[str | None] = mapped_column(String(MAX_REPORT))
    status: Mapped[str] = mapped_column(String(16), default="open", server_default="open")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    decided_at: Mapped[datetime | None]


class Consent(Base):
    """A guest has consented to be searched for in an event's photos; kept as evidence of what it rests on.

    `basis` is `words` (the guest agreed to a wording of ours), `selfie` (the guest sent a selfie from an app that has
    shown its own notice), or `unknown` (a client of an earlier release named a version that nothing is known of).
    A template exists only while a consent in force does: not withdrawn, and not `unknown`.

    `version` and `locale` are those of the wording, and `text_sha256` is its digest (`guests/wordings.py`). The
    digest is null for consents of before digests were recorded, and where no wording of ours was shown; the version
    is then `selfie`. `taken_over`: made by an upgrade or an import, from a selfie that was there. `ends_at`: it rests
    on a selfie where that is no consent any more, and is withdrawn then, unless the guest agrees in words before.
    """

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("basis IN ('words','selfie','unknown')", name="basis"),
        _partial_index(
            "uq_consents_in_force", "user_id", "event_id", "version", where="withdrawn_at IS NULL", unique=True
        ),
        Index("idx_consents_user_id", "user_id", "id"),
        Index("idx_consents_event_id", "event_id"),
        _partial_index("idx_consents_ends_at", "ends_at", where="ends_at IS NOT NULL"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(String(MAX_CONSENT_VERSION))
    locale: Mapped[str] = mapped_column(String(8))
    basis: Mapped[str] = mapped_column(String(8), server_default=UNKNOWN)
    text_sha256: Mapped[str | None] = mapped_column(String(64))
    taken_over: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    given_at: Mapped[datetime] = mapped_column(default=utcnow)
    withdrawn_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Someone did something: append-only, the database refuses to change or delete a row.

    `actor` and `subject` are pseudonyms (`pseudonyms`), without a foreign key: they stay when the account is erased,
    and then name nobody. `actor_type` is the type of the account, `shell` or `service`.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("idx_audit_entries_action", "action", "id"),
        Index("idx_audit_entries_actor", "actor", "id"),
        Index("idx_audit_entries_subject", "subject", "id"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    actor: Mapped[str | None] = mapped_column(String(16))
    actor_type: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(16))
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any]]
    request_id: Mapped[str | None] = mapped_column(String(64))


class Pseudonym(Base):
    """The name of an account in the audit log. Deleted with the account: its entries then name nobody."""

    __tablename__ = "pseudonyms"
    __table_args__ = (UniqueConstraint("user_id"),)

    pseudonym: Mapped[str] = mapped_column(String(16), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))


class Mail(Job, Base):
    """A mail to send, and the job that sends it (`mail/delivery.py`). It is deleted when it has been sent.

    `kind` is `reset_asked` or `login_asked` (somebody typed `asked_address`; becomes a `password_reset` or a
    `login_link`, or nothing if no account has the address), one of these two, `confirm_address`, `keep_address` (to
    `asked_address`, which the account `user_id` does not have yet), or `faces_end`, `photos_end` and `consent_ends`
    (about the event `event_id`). The others go to the address that the account has when they are sent. No link is
    stored. A failed one stays for a week.
    """

    __tablename__ = "mails"
    __table_args__ = (Index("idx_mails_user_id", "user_id"), *_job_table_args("mails"), KEEP_NUMBERS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    asked_address: Mapped[str | None] = mapped_column(String(MAX_EMAIL))
    # No foreign key: SQLite cannot add one to a table that exists. Without the event, the mail is dropped.
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Subscription(Job, Base):
    """A guest wants to be told of new photos in an event, by mail or on one device, and the job that tells.

    Guests write it; it goes with the membership, the consent and the event's end. `done`: nothing is to be told.
    `pending`: something is, from `lease_until` on. `processing`: a process sends. `failed`: what it goes to refused
    it for good; the page says so. `told` are the ids of the photos that the guest was told of, or knew when it began;
    `seen_match_id` is the highest id of a match that was compared with them, `new_since` when the first photo was
    found that is not among them. `messages` counts those sent; the next number is part of the next one's id.
    `attempts` only rises. A device has the address (`endpoint`) and the keys that its browser gave: secrets of the
    guest.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("channel IN ('mail','push')", name="channel"),
        UniqueConstraint("user_id", "event_id", "endpoint_hash"),
        # It goes with the membership; by its index, which is unique.
        ForeignKeyConstraint(
            ["user_id", "event_id"], ["user_events.user_id", "user_events.event_id"], ondelete="CASCADE"
        ),
        Index("idx_subscriptions_event_id", "event_id"),
        Index("idx_subscriptions_endpoint_hash", "endpoint_hash"),
        *_job_table_args("subscriptions"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId)
    event_id: Mapped[int] = mapped_column(BigId)
    channel: Mapped[str] = mapped_column(String(8))
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    told: Mapped[list[int]] = mapped_column(JSON)
    seen_match_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    # The same of photos given without a face (`GivenPhoto`).
    seen_given_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    new_since: Mapped[datetime | None]
    messages: Mapped[int] = mapped_column(default=0, server_default="0")
    sent_at: Mapped[datetime | None]
    # Attempts at the present message that failed.
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    endpoint: Mapped[str | None] = mapped_column(Text)
    # SHA-256 of the endpoint; empty for mail, of which there is one.
    endpoint_hash: Mapped[str] = mapped_column(String(64), default="", server_default="")
    host: Mapped[str | None] = mapped_column(String(255))
    p256dh: Mapped[str | None] = mapped_column(String(88))
    auth: Mapped[str | None] = mapped_column(String(24))
    # The login of the device; no foreign key: when it expires, the device is still the guest's.
    session_id: Mapped[str | None] = mapped_column(String(MAX_SESSION_ID))


class Sample(Base):
    """The state of the service in one minute; the first process that tries writes it."""

    __tablename__ = "samples"

    # Minutes since 1970, as a number: several minutes are grouped by division.
    minute: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    guests: Mapped[int] = mapped_column(BigInteger)
    selfies: Mapped[int] = mapped_column(BigInteger)
    photos: Mapped[int] = mapped_column(BigInteger)
    matches: Mapped[int] = mapped_column(BigInteger)
    queue_depth: Mapped[int] = mapped_column(BigInteger)
    queue_age_seconds: Mapped[float]
    requests: Mapped[int] = mapped_column(BigInteger)
    errors: Mapped[int] = mapped_column(BigInteger)
    # The counters of this machine's processes: the machine's next sample counts from there.
    machine: Mapped[str] = mapped_column(String(255))
    requests_seen: Mapped[int] = mapped_column(BigInteger)
    errors_seen: Mapped[int] = mapped_column(BigInteger)


class MachineCounter(Base):
    """What one server had answered when it last counted: the samples' requests are the sum over all servers.

    `machine` is a host's name with the port. `minute` is that of the last sample to which the server added.
    """

    __tablename__ = "machine_counters"

    machine: Mapped[str] = mapped_column(String(255), primary_key=True)
    minute: Mapped[int] = mapped_column(Integer)
    requests_seen: Mapped[int] = mapped_column(BigInteger)
    errors_seen: Mapped[int] = mapped_column(BigInteger)


class RunningProcess(Base):
    """A process of this installation, on any machine; it renews `seen_at` and deletes its row when it ends."""

    __tablename__ = "running_processes"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    machine: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    engine_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    # Why it runs no job, or null.
    problem: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class ChangeMark(Base):
    """A number that is incremented in the transaction of each change to what processes cache under `name`."""

    __tablename__ = "change_marks"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class Change(Base):
    """The mark of the last change to a subject's state: SQLite only, where triggers write it (migration 0037).

    `subject` is `guest NUMBER`, `event NUMBER`, or a word (`changes/subjects.py`). A change gets the next number, so
    whoever remembers the highest number finds what has changed since. PostgreSQL notifies instead: no rows there.
    """

    __tablename__ = "changes"
    __table_args__ = (KEEP_NUMBERS,)

    number: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(32), unique=True)


class Installation(Base):
    """The one row that names this installation. The same id lies beside the files in storage: see `jobs/pairing.py`.

    The first start writes it. `paired_at` is when the storage carried the id for the first time; `strangers_since`
    when the storage was first seen full of files of which the database knew none. `sweep_problem` is why the last
    sweep of orphans refused, or null.
    """

    __tablename__ = "installation"
    ONLY: ClassVar[int] = 1

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    uuid: Mapped[str] = mapped_column(String(36))
    paired_at: Mapped[datetime | None]
    strangers_since: Mapped[datetime | None]
    sweep_problem: Mapped[str | None] = mapped_column(Text)


class Erasure(Base):
    """A file in storage that is to be erased, recorded in the transaction that deletes the row that named it.

    Written by `stored/erasure.py` only, and deleted once the file is gone. `late` ones may be written once more by a
    job under way: they are erased at `erased_at` and again later.
    """

    __tablename__ = "erasures"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(default=utcnow)
    late: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    erased_at: Mapped[datetime | None]


class ErasureReceipt(Base):
    """Something was erased for good: what kind of thing, when, and how much went with it; nothing of a person.

    Written by `stored/receipts.py` only, in the transaction that erases. `digests` are what the line of the log of
    erasures holds about it; null once that line is on disk.
    """

    __tablename__ = "erasure_receipts"
    __table_args__ = (_partial_index("idx_erasure_receipts_waiting", "erased_at", where="digests IS NOT NULL"),)

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    erased_at: Mapped[datetime]
    counts: Mapped[dict[str, Any]]
    digests: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class RemoteList(Base):
    """A list of faces that a recogniser over the network keeps for us: an event's photos, or its guests' portraits.

    Written by `matching/azure/` only, before the list is made there. `name` is its id there. `changed` is incremented
    with each face that is added or deleted; searches cover the version `trained`. A list without an event, which
    was deleted or has another list since this one was lost there, is to be deleted there: first at `erased_at`, and
    once more later, because a job under way may make it again.
    """

    __tablename__ = "remote_lists"
    __table_args__ = (
        CheckConstraint("kind IN ('photos','portraits')", name="kind"),
        UniqueConstraint("event_id", "kind"),
        UniqueConstraint("name"),
        _partial_index("idx_remote_lists_left", "id", where="event_id IS NULL"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    made: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    changed: Mapped[int] = mapped_column(default=0, server_default="0")
    trained: Mapped[int] = mapped_column(default=0, server_default="0")
    erased_at: Mapped[datetime | None]


class RemoteFace(Base):
    """A face in a list there: that of a photo (`face_id`), or that of a selfie in an event (`embedding_id`).

    When the face or the selfie's row is deleted, this row loses its owner in the same transaction. A row without an
    owner records that the face is to be deleted there, and is deleted when that is done.
    """

    __tablename__ = "remote_faces"
    __table_args__ = (
        UniqueConstraint("list_id", "persisted_id"),
        Index("idx_remote_faces_face_id", "face_id"),
        Index("idx_remote_faces_embedding_id", "embedding_id"),
        _partial_index("idx_remote_faces_left", "id", where="face_id IS NULL AND embedding_id IS NULL"),
        KEEP_NUMBERS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("remote_lists.id", ondelete="CASCADE"))
    persisted_id: Mapped[str] = mapped_column(String(64))
    face_id: Mapped[int | None] = mapped_column(ForeignKey("faces.id", ondelete="SET NULL"))
    embedding_id: Mapped[int | None] = mapped_column(ForeignKey("selfie_embeddings.id", ondelete="SET NULL"))


class RemoteDoubt(Base):
    """A face that may be in a list there without a row of `remote_faces`.

    Written before a face is added, and deleted in the transaction that inserts the face's row. From `due_at` on, the
    list is searched for faces with this `note`, and those without a row are deleted there.
    """

    __tablename__ = "remote_doubts"
    __table_args__ = (Index("idx_remote_doubts_due_at", "due_at"), Index("idx_remote_doubts_list_id", "list_id"))

    note: Mapped[str] = mapped_column(String(36), primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("remote_lists.id", ondelete="CASCADE"))
    due_at: Mapped[datetime]


class RemoteSearch(Base):
    """The last search with a portrait in the list of an event's photos there.

    `version` is the `changed` of the list that the search covered; -1 before the first one. A photo that may show the
    guest sets `wanted`: the search must cover that version.
    """

    __tablename__ = "remote_searches"

    embedding_id: Mapped[int] = mapped_column(
        ForeignKey("selfie_embeddings.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int]
    wanted: Mapped[int] = mapped_column(default=0, server_default="0")


class RemoteSimilarity(Base):
    """How similar a portrait and a photo's face are, 0 to 1, by the last search; low ones are not kept."""

    __tablename__ = "remote_similarities"
    __table_args__ = (Index("idx_remote_similarities_face_id", "face_id"),)

    embedding_id: Mapped[int] = mapped_column(
        ForeignKey("selfie_embeddings.id", ondelete="CASCADE"), primary_key=True
    )
    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id", ondelete="CASCADE"), primary_key=True)
    similarity: Mapped[float]


class RemoteTwin(Base):
    """Portraits of two accounts surely show one person; the one with the lower number comes first."""

    __tablename__ = "remote_twins"
    __table_args__ = (Index("idx_remote_twins_other_id", "other_id"),)

    embedding_id: Mapped[int] = mapped_column(
        ForeignKey("selfie_embeddings.id", ondelete="CASCADE"), primary_key=True
    )
    other_id: Mapped[int] = mapped_column(ForeignKey("selfie_embeddings.id", ondelete="CASCADE"), primary_key=True)

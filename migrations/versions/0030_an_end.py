"""Until when events keep photos and compare faces; nothing of an event that is there ends within 30 days."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

COLUMNS = ("photos_until", "faces_until", "kept_at_least_until", "faces_ended_at", "photos_ended_at")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TRASH_INDEXES = {
    "event_id": ["event_id", "sha256"],
    "photographer_id": ["photographer_id", "id"],
    "raw_filename": ["raw_filename"],
    "trashed_at": ["trashed_at"],
}
# Time for admins to see what will end, and to choose other times.
FLOOR = timedelta(days=30)


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("events", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    events = sa.table("events", sa.column("kept_at_least_until", sa.DateTime(timezone=True)))
    op.execute(events.update().values(kept_at_least_until=datetime.now(UTC) + FLOOR))
    op.add_column("mails", sa.Column("event_id", sa.BigInteger(), nullable=True))
    op.create_table(
        "endings",
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_notice_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_notice_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("what IN ('faces','photos')", name=op.f("ck_endings_what")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_endings_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "what", name=op.f("pk_endings")),
    )
    op.create_table(
        "end_receipts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('faces','photos','portraits','trash')", name=op.f("ck_end_receipts_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_end_receipts")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_end_receipts_event_id", "end_receipts", ["event_id", "id"])
    op.create_index(
        "idx_end_receipts_open",
        "end_receipts",
        ["id"],
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    _make_trash()


def _make_trash() -> None:
    op.create_table(
        "trashed_photos",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("photographer_id", BIG_ID, nullable=True),
        sa.Column("original_filename", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("photo_type", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("camera_id", sa.BigInteger(), nullable=True),
        sa.Column("mean_colour", sa.String(length=7), nullable=True),
        sa.Column("rendition_set", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("for_everyone", sa.Boolean(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raw_filename", sa.String(length=64), nullable=True),
        sa.Column("raw_sha256", sa.String(length=64), nullable=True),
        sa.Column("raw", sa.JSON(), nullable=True),
        sa.Column("withheld", sa.JSON(), nullable=True),
        sa.Column("erased_faces", sa.JSON(), nullable=True),
        sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_trashed_photos_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photographer_id"],
            ["users.id"],
            name=op.f("fk_trashed_photos_photographer_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trashed_photos")),
        sa.UniqueConstraint("photo_id", name=op.f("uq_trashed_photos_photo_id")),
        sa.UniqueConstraint("filename", name=op.f("uq_trashed_photos_filename")),
        sqlite_autoincrement=True,
    )
    for name, columns in TRASH_INDEXES.items():
        op.create_index(f"idx_trashed_photos_{name}", "trashed_photos", columns)


def downgrade() -> None:
    # The release before sweeps the files that only these rows name.
    op.drop_table("trashed_photos")
    op.drop_table("end_receipts")
    op.drop_table("endings")
    # The release before does not know these mails.
    op.execute("DELETE FROM mails WHERE event_id IS NOT NULL")
    op.drop_column("mails", "event_id")
    for name in COLUMNS:
        op.drop_column("events", name)

"""Badges: photos that are a guest's without a face."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
REASONS = "reason IN ('guest','staff','approval'{})"


def upgrade() -> None:
    op.add_column("events", sa.Column("badges", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("events", sa.Column("badges_used", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("events", sa.Column("badge_seconds", sa.Integer(), server_default="90", nullable=False))
    op.add_column("subscriptions", sa.Column("seen_given_id", sa.BigInteger(), server_default="0", nullable=False))
    _allow_reasons(",'badge'")
    op.create_table(
        "badges",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("number", sa.String(length=8), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _membership("badges"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges")),
        sa.UniqueConstraint("event_id", "number", name=op.f("uq_badges_event_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_badges_user_event", "badges", ["user_id", "event_id"])
    _marks()
    _given()


def _allow_reasons(further: str) -> None:
    with op.batch_alter_table("withheld_photos", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint(op.f("ck_withheld_photos_reason"), type_="check")
        table.create_check_constraint(op.f("ck_withheld_photos_reason"), REASONS.format(further))


def _marks() -> None:
    op.create_table(
        "badge_marks",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("badge_id", BIG_ID, nullable=True),
        sa.Column("photographer_id", BIG_ID, nullable=True),
        sa.Column("camera_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", TIME, nullable=True),
        sa.Column("taken_at", TIME, nullable=True),
        sa.CheckConstraint("kind IN ('seen','set','gone')", name=op.f("ck_badge_marks_kind")),
        _reference("badge_marks", "event_id", "events", "CASCADE"),
        _reference("badge_marks", "badge_id", "badges", "SET NULL"),
        _reference("badge_marks", "photographer_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badge_marks")),
        sqlite_autoincrement=True,
    )
    columns = ["event_id", "camera_id", "photographer_id", "taken_at"]
    op.create_index("idx_badge_marks_event_camera", "badge_marks", columns)
    for column in ("photo_id", "badge_id", "photographer_id"):
        op.create_index(f"idx_badge_marks_{column}", "badge_marks", [column])


def _given() -> None:
    op.create_table(
        "given_photos",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("given_by", sa.String(length=8), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("given_by IN ('badge','hand','taken')", name=op.f("ck_given_photos_given_by")),
        _membership("given_photos"),
        _reference("given_photos", "photo_id", "photos", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_given_photos")),
        sa.UniqueConstraint("user_id", "photo_id", name=op.f("uq_given_photos_user_id_photo_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_given_photos_photo_id", "given_photos", ["photo_id"])
    op.create_index("idx_given_photos_user_event", "given_photos", ["user_id", "event_id"])
    op.create_table(
        "trashed_gifts",
        sa.Column("trashed_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("given_by", sa.String(length=8), nullable=False),
        sa.CheckConstraint("given_by IN ('hand','taken')", name=op.f("ck_trashed_gifts_given_by")),
        _membership("trashed_gifts"),
        _reference("trashed_gifts", "trashed_id", "trashed_photos", "CASCADE"),
        sa.PrimaryKeyConstraint("trashed_id", "user_id", name=op.f("pk_trashed_gifts")),
    )
    op.create_index("idx_trashed_gifts_user_event", "trashed_gifts", ["user_id", "event_id"])


def _reference(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)


def _membership(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id", "event_id"],
        ["user_events.user_id", "user_events.event_id"],
        name=op.f(f"fk_{table}_user_id_user_events"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    for table in ("trashed_gifts", "given_photos", "badge_marks", "badges"):
        op.drop_table(table)
    # The release before does not know this reason; it shows pictures of badges as any other.
    op.execute("DELETE FROM withheld_photos WHERE reason = 'badge'")
    _allow_reasons("")
    op.drop_column("subscriptions", "seen_given_id")
    op.drop_column("events", "badge_seconds")
    op.drop_column("events", "badges_used")
    op.drop_column("events", "badges")

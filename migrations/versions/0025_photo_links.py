"""Links to chosen photos for people without an account, photos chosen for a ZIP, and whether guests may share."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "events", sa.Column("guests_may_share", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.create_table(
        "photo_links",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("link_key", sa.String(length=24), nullable=False),
        sa.Column("shows_name", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("opened", sa.Integer(), server_default="0", nullable=False),
        _reference("photo_links", "user_id", "users"),
        _reference("photo_links", "event_id", "events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_links")),
        sa.UniqueConstraint("link_key", name=op.f("uq_photo_links_link_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_photo_links_user_event", "photo_links", ["user_id", "event_id"])
    op.create_index("idx_photo_links_event_id", "photo_links", ["event_id"])
    op.create_index("idx_photo_links_expires_at", "photo_links", ["expires_at"])
    op.create_table(
        "linked_photos",
        sa.Column("link_id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        _reference("linked_photos", "link_id", "photo_links"),
        _reference("linked_photos", "photo_id", "photos"),
        sa.PrimaryKeyConstraint("link_id", "photo_id", name=op.f("pk_linked_photos")),
    )
    op.create_index("idx_linked_photos_photo_id", "linked_photos", ["photo_id"])
    op.create_table(
        "photo_choices",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("photo_ids", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _reference("photo_choices", "user_id", "users"),
        _reference("photo_choices", "event_id", "events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_choices")),
        sqlite_autoincrement=True,
    )
    for column in ("user_id", "event_id", "created_at"):
        op.create_index(f"idx_photo_choices_{column}", "photo_choices", [column])


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("photo_choices")
    op.drop_table("linked_photos")
    op.drop_table("photo_links")
    op.drop_column("events", "guests_may_share")

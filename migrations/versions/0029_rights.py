"""Photos withheld from guests, places of erased faces, reports of photos, and approval before guests see a photo."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "events", sa.Column("photos_need_approval", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "user_events", sa.Column("hides_photos", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    _withheld_photos()
    op.create_table(
        "erased_faces",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _reference("erased_faces", "photo_id", "photos"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_faces")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_erased_faces_photo_id", "erased_faces", ["photo_id"])
    _photo_reports()


def _withheld_photos() -> None:
    op.create_table(
        "withheld_photos",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("reason IN ('guest','staff','approval')", name=op.f("ck_withheld_photos_reason")),
        sa.CheckConstraint("reason = 'guest' OR user_id IS NULL", name=op.f("ck_withheld_photos_owner")),
        _reference("withheld_photos", "photo_id", "photos"),
        _reference("withheld_photos", "event_id", "events"),
        _reference("withheld_photos", "user_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withheld_photos")),
        sa.UniqueConstraint("photo_id", "user_id", name=op.f("uq_withheld_photos_photo_id_user_id")),
        sqlite_autoincrement=True,
    )
    condition = sa.text("reason <> 'guest'")
    op.create_index(
        "uq_withheld_photos_staff",
        "withheld_photos",
        ["photo_id", "reason"],
        unique=True,
        postgresql_where=condition,
        sqlite_where=condition,
    )
    op.create_index("idx_withheld_photos_user_id", "withheld_photos", ["user_id"])
    op.create_index("idx_withheld_photos_event_reason", "withheld_photos", ["event_id", "reason", "photo_id"])


def _photo_reports() -> None:
    op.create_table(
        "photo_reports",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=True),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.Column("link_id", BIG_ID, nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.CheckConstraint(
            "reason IN ('me','child','private','offensive','other')", name=op.f("ck_photo_reports_reason")
        ),
        sa.CheckConstraint("status IN ('open','kept','hidden','deleted')", name=op.f("ck_photo_reports_status")),
        _reference("photo_reports", "event_id", "events"),
        _reference("photo_reports", "photo_id", "photos", "SET NULL"),
        _reference("photo_reports", "user_id", "users", "SET NULL"),
        _reference("photo_reports", "link_id", "photo_links", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_reports")),
        sqlite_autoincrement=True,
    )
    condition = sa.text("status = 'open'")
    op.create_index(
        "uq_photo_reports_open",
        "photo_reports",
        ["photo_id", "user_id"],
        unique=True,
        postgresql_where=condition,
        sqlite_where=condition,
    )
    op.create_index("idx_photo_reports_event_status", "photo_reports", ["event_id", "status", "id"])
    for column in ("user_id", "link_id", "photo_id"):
        op.create_index(f"idx_photo_reports_{column}", "photo_reports", [column])


def _reference(table: str, column: str, to: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)


def downgrade() -> None:
    for table in ("photo_reports", "erased_faces", "withheld_photos"):
        op.drop_table(table)
    op.drop_column("user_events", "hides_photos")
    op.drop_column("events", "photos_need_approval")

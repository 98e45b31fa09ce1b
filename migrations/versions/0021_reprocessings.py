"""Photos whose renditions and faces are to be made again, and which renditions a photo has."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "status IN ('pending','processing','done','failed','rejected')"
OPEN, FAILED = sa.text("status IN ('pending','processing')"), sa.text("status = 'failed'")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("photos", sa.Column("rendition_set", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "reprocessings",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("replaced", sa.BigInteger(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_reprocessings_status")),
        _reference("photo_id", "photos"),
        _reference("event_id", "events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reprocessings")),
        sa.UniqueConstraint("photo_id", name=op.f("uq_reprocessings_photo_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_reprocessings_event_status", "reprocessings", ["event_id", "status", "id"])
    for name, columns, where in (
        ("open", ["status", "lease_until", "id"], OPEN),
        ("failed", ["status", "id"], FAILED),
    ):
        op.create_index(
            f"idx_reprocessings_{name}", "reprocessings", columns, postgresql_where=where, sqlite_where=where
        )


def _reference(column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_reprocessings_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("reprocessings")
    op.drop_column("photos", "rendition_set")

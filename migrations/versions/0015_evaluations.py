"""What a provider would find for a guest, and what an unfinished evaluation has found so far."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "status IN ('pending','processing','done','failed','rejected')"
OPEN, FAILED = sa.text("status IN ('pending','processing')"), sa.text("status = 'failed'")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _evaluations()
    _evaluated_photos()


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE")


def _evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_evaluations_status")),
        _reference("evaluations", "event_id", "events"),
        _reference("evaluations", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sqlite_autoincrement=True,
    )
    for column in ("user_id", "event_id"):
        op.create_index(f"idx_evaluations_{column}", "evaluations", [column])
    for name, columns, where in (
        ("open", ["status", "lease_until", "id"], OPEN),
        ("failed", ["status", "id"], FAILED),
    ):
        op.create_index(f"idx_evaluations_{name}", "evaluations", columns, postgresql_where=where, sqlite_where=where)


def _evaluated_photos() -> None:
    op.create_table(
        "evaluated_photos",
        sa.Column("evaluation_id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.Column("embeddings", sa.LargeBinary(), nullable=False),
        sa.Column("milliseconds", sa.Double(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        _reference("evaluated_photos", "evaluation_id", "evaluations"),
        _reference("evaluated_photos", "photo_id", "photos"),
        sa.PrimaryKeyConstraint("evaluation_id", "photo_id", name=op.f("pk_evaluated_photos")),
    )
    op.create_index("idx_evaluated_photos_photo_id", "evaluated_photos", ["photo_id"])


def downgrade() -> None:
    op.drop_table("evaluated_photos")
    op.drop_table("evaluations")

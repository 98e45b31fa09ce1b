"""What becomes of templates of faces that are no guest's, and photos that are searched again for later guests."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0036"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "status IN ('pending','processing','done','failed','rejected')"
OPEN, FAILED = sa.text("status IN ('pending','processing')"), sa.text("status = 'failed'")
TIME = sa.DateTime(timezone=True)
KINDS_BEFORE = "kind IN ('faces','photos','portraits','trash')"
KINDS = "kind IN ('faces','photos','portraits','trash','bystanders')"
KIND_CHECK = "ck_end_receipts_kind"


def upgrade() -> None:
    # Events that are there keep what they have.
    op.add_column("events", sa.Column("bystanders", sa.String(length=16), server_default="keep", nullable=False))
    op.add_column("events", sa.Column("bystander_days", sa.Integer(), nullable=True))
    op.add_column("events", sa.Column("search_due_at", TIME, nullable=True))
    op.add_column("user_events", sa.Column("search_asked_at", TIME, nullable=True))
    op.create_table(
        "unstored_faces",
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("engine_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _reference("unstored_faces", "photo_id", "photos"),
        _reference("unstored_faces", "event_id", "events"),
        sa.PrimaryKeyConstraint("photo_id", "engine_id", name=op.f("pk_unstored_faces")),
    )
    op.create_index("idx_unstored_faces_event_engine", "unstored_faces", ["event_id", "engine_id", "number"])
    _redetections()
    _allow_receipts_of(KINDS)


def _redetections() -> None:
    op.create_table(
        "redetections",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("searched_at", TIME, nullable=True),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_redetections_status")),
        _reference("redetections", "photo_id", "photos"),
        _reference("redetections", "event_id", "events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redetections")),
        sa.UniqueConstraint("photo_id", name=op.f("uq_redetections_photo_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_redetections_event_status", "redetections", ["event_id", "status", "asked_at", "id"])
    for name, columns, where in (
        ("open", ["status", "lease_until", "id"], OPEN),
        ("failed", ["status", "id"], FAILED),
    ):
        op.create_index(
            f"idx_redetections_{name}", "redetections", columns, postgresql_where=where, sqlite_where=where
        )


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE")


def _allow_receipts_of(kinds: str) -> None:
    with op.batch_alter_table("end_receipts", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint(op.f(KIND_CHECK), type_="check")
        table.create_check_constraint(op.f(KIND_CHECK), kinds)


def downgrade() -> None:
    op.execute("DELETE FROM end_receipts WHERE kind = 'bystanders'")
    _allow_receipts_of(KINDS_BEFORE)
    op.drop_table("redetections")
    op.drop_table("unstored_faces")
    op.drop_column("user_events", "search_asked_at")
    for name in ("search_due_at", "bystander_days", "bystanders"):
        op.drop_column("events", name)

"""Which engine has looked at each photo, and the photos that another engine is to look at."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "status IN ('pending','processing','done','failed','rejected')"
OPEN, FAILED = sa.text("status IN ('pending','processing')"), sa.text("status = 'failed'")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("photos", sa.Column("engine_id", sa.String(length=64), nullable=True))
    # Until now, a photo had faces by one engine. One without any face was looked at by the event's.
    op.execute(
        """
        UPDATE photos SET engine_id = COALESCE(
            (SELECT max(faces.engine_id) FROM faces WHERE faces.photo_id = photos.id),
            (SELECT active_engine_id FROM events WHERE events.id = photos.event_id)
        )
        WHERE status = 'done'
        """
    )
    op.add_column("user_events", sa.Column("engine_id", sa.String(length=64), nullable=True))
    op.create_index("idx_photos_event_engine", "photos", ["event_id", "engine_id"])
    op.create_table(
        "reembeddings",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("engine_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_reembeddings_status")),
        _reference("photo_id", "photos"),
        _reference("event_id", "events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reembeddings")),
        sa.UniqueConstraint("photo_id", name=op.f("uq_reembeddings_photo_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_reembeddings_event_engine", "reembeddings", ["event_id", "engine_id", "status", "id"])
    for name, columns, where in (
        ("open", ["status", "lease_until", "id"], OPEN),
        ("failed", ["status", "id"], FAILED),
    ):
        op.create_index(
            f"idx_reembeddings_{name}", "reembeddings", columns, postgresql_where=where, sqlite_where=where
        )


def _reference(column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_reembeddings_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("reembeddings")
    op.drop_index("idx_photos_event_engine", table_name="photos")
    op.drop_column("photos", "engine_id")
    op.drop_column("user_events", "engine_id")

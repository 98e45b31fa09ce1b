"""Guests who want to be told of new photos, by mail or on a device."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "status IN ('pending','processing','done','failed','rejected')"
OPEN, FAILED = sa.text("status IN ('pending','processing')"), sa.text("status = 'failed'")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("seen_match_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("new_since", TIME, nullable=True),
        sa.Column("messages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        *_device(),
        *_job(),
        sa.CheckConstraint("channel IN ('mail','push')", name=op.f("ck_subscriptions_channel")),
        sa.CheckConstraint(STATES, name=op.f("ck_subscriptions_status")),
        sa.ForeignKeyConstraint(
            ["user_id", "event_id"],
            ["user_events.user_id", "user_events.event_id"],
            name=op.f("fk_subscriptions_user_id_event_id_user_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint(
            "user_id", "event_id", "endpoint_hash", name=op.f("uq_subscriptions_user_id_event_id_endpoint_hash")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_subscriptions_event_id", "subscriptions", ["event_id"])
    op.create_index("idx_subscriptions_endpoint_hash", "subscriptions", ["endpoint_hash"])
    for name, columns, where in (
        ("open", ["status", "lease_until", "id"], OPEN),
        ("failed", ["status", "id"], FAILED),
    ):
        op.create_index(
            f"idx_subscriptions_{name}", "subscriptions", columns, postgresql_where=where, sqlite_where=where
        )


def _device() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("endpoint", sa.Text(), nullable=True),
        sa.Column("endpoint_hash", sa.String(length=64), server_default="", nullable=False),
        sa.Column("host", sa.String(length=255), nullable=True),
        sa.Column("p256dh", sa.String(length=88), nullable=True),
        sa.Column("auth", sa.String(length=24), nullable=True),
        sa.Column("session_id", sa.String(length=16), nullable=True),
    )


def _job() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("subscriptions")

"""Sections of an event's gallery, and which photos have the rendition `medium`."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("photos", sa.Column("has_medium", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "event_sections",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_sections_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_sections")),
        sa.UniqueConstraint("event_id", "starts_at", name=op.f("uq_event_sections_event_id_starts_at")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("event_sections")
    op.drop_column("photos", "has_medium")

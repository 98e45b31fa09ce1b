"""Receipts of erasures, without personal data."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

WAITING = sa.text("digests IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "erasure_receipts",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("digests", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_erasure_receipts")),
    )
    op.create_index(
        "idx_erasure_receipts_waiting",
        "erasure_receipts",
        ["erased_at"],
        postgresql_where=WAITING,
        sqlite_where=WAITING,
    )


def downgrade() -> None:
    op.drop_table("erasure_receipts")

"""A number that tells every process when events have changed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    marks = op.create_table(
        "change_marks",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_change_marks")),
    )
    op.bulk_insert(marks, [{"name": "events", "number": 0}])


def downgrade() -> None:
    op.drop_table("change_marks")

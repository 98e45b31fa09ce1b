"""Which photos are shown although a part of them is missing or damaged."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

WARNED = sa.text("warning IS NOT NULL")


def upgrade() -> None:
    op.add_column("photos", sa.Column("warning", sa.String(length=16), nullable=True))
    op.create_index("idx_photos_warned", "photos", ["event_id"], postgresql_where=WARNED, sqlite_where=WARNED)


def downgrade() -> None:
    op.drop_index("idx_photos_warned", table_name="photos")
    op.drop_column("photos", "warning")

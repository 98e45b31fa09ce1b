"""Until when events keep photos and compare faces; nothing of an event that is there ends within 30 days."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0031"
branch_labels = None
depends_on = None

COLUMNS = ("photos_until", "faces_until", "kept_at_least_until", "faces_ended_at", "photos_ended_at")
# Time for admins to see what will end, and to choose other times.
FLOOR = timedelta(days=30)


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("events", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    events = sa.table("events", sa.column("kept_at_least_until", sa.DateTime(timezone=True)))
    op.execute(events.update().values(kept_at_least_until=datetime.now(UTC) + FLOOR))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("events", name)

"""The form in which event codes are compared that were typed inexactly; existing events get theirs."""

import sqlalchemy as sa
from alembic import op

from keys import loose_key

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

EVENTS = sa.table("events", sa.column("id", sa.BigInteger), sa.column("event_code"), sa.column("loose_key"))


def upgrade() -> None:
    op.add_column("events", sa.Column("loose_key", sa.String(length=128), server_default="", nullable=False))
    connection = op.get_bind()
    for event_id, code in connection.execute(sa.select(EVENTS.c.id, EVENTS.c.event_code)).all():
        connection.execute(EVENTS.update().where(EVENTS.c.id == event_id).values(loose_key=loose_key(code)))
    op.create_index("idx_events_loose_key", "events", ["loose_key", "expires_at"])


def downgrade() -> None:
    op.drop_index("idx_events_loose_key", "events")
    op.drop_column("events", "loose_key")

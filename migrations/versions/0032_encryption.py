"""Keys of events, and a mark on what earlier releases did not encrypt: templates, and files of portraits."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("key_id", sa.String(length=64), nullable=True))
    events = sa.table("events", sa.column("id", sa.BigInteger()), sa.column("key_id", sa.String()))
    connection = op.get_bind()
    for (event_id,) in connection.execute(sa.select(events.c.id)).all():
        named = events.update().where(events.c.id == event_id).values(key_id=f"events/{uuid.uuid4().hex}")
        connection.execute(named)
    op.create_index("uq_events_key_id", "events", ["key_id"], unique=True)
    for table in ("events", "selfies"):
        op.add_column(table, sa.Column("is_encrypted", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.execute("UPDATE events SET is_encrypted = false")
    op.execute("UPDATE selfies SET is_encrypted = false")
    op.execute("INSERT INTO change_marks (name, number) VALUES ('keys', 0)")


def downgrade() -> None:
    # The release before reads no encrypted template: what is encrypted is made again with `photos.reprocess`.
    op.execute("DELETE FROM change_marks WHERE name = 'keys'")
    op.drop_column("selfies", "is_encrypted")
    op.drop_column("events", "is_encrypted")
    op.drop_index("uq_events_key_id", "events")
    op.drop_column("events", "key_id")

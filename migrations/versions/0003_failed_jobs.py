"""A partial index of the failed jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
TABLES = ("user_events", "selfies", "photos")


def upgrade() -> None:
    where = sa.text("status = 'failed'")
    for table in TABLES:
        op.create_index(f"idx_{table}_failed", table, ["status", "id"], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"idx_{table}_failed", table_name=table)

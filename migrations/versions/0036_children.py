"""Profiles of children, held by a guest: accounts without a way to log in."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

IS_CHILD = sa.text("guardian_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("users", sa.Column("guardian_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "idx_users_guardian_id", "users", ["guardian_id"], postgresql_where=IS_CHILD, sqlite_where=IS_CHILD
    )


def downgrade() -> None:
    # The release before would not know who answers for them.
    op.execute("DELETE FROM users WHERE guardian_id IS NOT NULL")
    op.drop_index("idx_users_guardian_id", table_name="users")
    op.drop_column("users", "guardian_id")

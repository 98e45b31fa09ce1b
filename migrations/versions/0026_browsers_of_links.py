"""Which browser has used a link that logs in: only there it works again for half a minute."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("login_links", sa.Column("used_by", sa.String(length=24), nullable=True))


def downgrade() -> None:
    op.drop_column("login_links", "used_by")

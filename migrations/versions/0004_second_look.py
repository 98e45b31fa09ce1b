"""The mean of a selfie and the faces found, for the second pass of the matching."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("selfie_embeddings", sa.Column("mean", sa.LargeBinary()))
    # Guests who are here already are matched again, by the stricter rule of larger events.
    op.execute(
        "UPDATE user_events SET status = 'pending', attempts = 0, lease_until = NULL, error = NULL, "
        "requested_at = CURRENT_TIMESTAMP WHERE id IN (SELECT ue.id FROM user_events ue "
        "JOIN selfies s ON s.user_id = ue.user_id WHERE s.status = 'done')"
    )


def downgrade() -> None:
    op.drop_column("selfie_embeddings", "mean")

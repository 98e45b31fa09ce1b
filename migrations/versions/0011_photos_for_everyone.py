"""Photos that every guest of their event sees, also where guests see only their own."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("photos", sa.Column("for_everyone", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(
        "idx_photos_for_everyone",
        "photos",
        ["event_id", "uploaded_at", "id"],
        postgresql_where=sa.text("for_everyone"),
        sqlite_where=sa.text("for_everyone = 1"),
    )


def downgrade() -> None:
    op.drop_index("idx_photos_for_everyone", table_name="photos")
    op.drop_column("photos", "for_everyone")

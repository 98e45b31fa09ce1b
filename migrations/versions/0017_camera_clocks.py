"""Cameras of an event and the shift of each clock; when the camera's clock says a photo was taken."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INDEXES = {
    "idx_photos_event_taken": ["event_id", "taken_at", "id"],
    "idx_photos_photographer_taken": ["photographer_id", "taken_at", "id"],
    "idx_photos_camera_taken": ["camera_id", "taken_at"],
}


def upgrade() -> None:
    op.create_table(
        "camera_clocks",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("camera_key", sa.String(length=24), nullable=False),
        sa.Column("make", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("shift_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_camera_clocks_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_clocks")),
        sa.UniqueConstraint("event_id", "camera_key", name=op.f("uq_camera_clocks_event_id_camera_key")),
        sqlite_autoincrement=True,
    )
    op.add_column("photos", sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("photos", sa.Column("camera_id", BIG_ID, nullable=True))
    for name, columns in INDEXES.items():
        op.create_index(name, "photos", columns)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="photos")
    op.drop_column("photos", "camera_id")
    op.drop_column("photos", "recorded_at")
    op.drop_table("camera_clocks")

"""RAW files beside the photos they belong to, and the index by which the two find each other."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "photo_raws",
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("filename", sa.String(length=64), nullable=False),
        sa.Column("original_filename", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        _reference("photo_id", "photos"),
        _reference("event_id", "events"),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_photo_raws")),
        sa.UniqueConstraint("event_id", "sha256", name=op.f("uq_photo_raws_event_id_sha256")),
        sa.UniqueConstraint("filename", name=op.f("uq_photo_raws_filename")),
    )
    op.create_index("idx_photos_event_name", "photos", ["event_id", "original_filename"])


def _reference(column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_photo_raws_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_index("idx_photos_event_name", table_name="photos")
    op.drop_table("photo_raws")

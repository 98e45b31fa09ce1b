"""What guests download of an original: the plan of a copy without metadata, or a JPEG as large as the picture."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FULL = ("full_size", "full_crc32")


def upgrade() -> None:
    op.add_column(
        "events", sa.Column("keep_capture_details", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    for column in FULL:
        op.add_column("photos", sa.Column(column, sa.BigInteger(), nullable=True))
    # Of originals; what ZIP files now hold are copies, with checksums of their own.
    op.drop_column("photos", "crc32")
    op.create_table(
        "guest_copies",
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("detailed", sa.Boolean(), nullable=False),
        sa.Column("filename", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("crc32", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_guest_copies_photo_id_photos"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("photo_id", "detailed", name=op.f("pk_guest_copies")),
    )


def downgrade() -> None:
    op.drop_table("guest_copies")
    op.add_column("photos", sa.Column("crc32", sa.BigInteger(), nullable=True))
    for column in FULL:
        op.drop_column("photos", column)
    op.drop_column("events", "keep_capture_details")

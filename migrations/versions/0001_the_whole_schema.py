"""The whole schema

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("status IN ('pending','processing')")
NO_EVENT = sa.text("event_id IS NULL")


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("code_key", sa.String(length=128), nullable=False),
        sa.Column("date", sa.Date(), nullable=True),
        sa.Column("timezone", sa.String(length=64), server_default="Europe/Paris", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("guests_see_all_photos", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("active_engine_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("code_key", name=op.f("uq_events_code_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "users",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=True),
        sa.Column("username", sa.String(length=150), nullable=False),
        sa.Column("username_key", sa.String(length=450), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("hashed_password", sa.String(length=255), nullable=False),
        sa.Column("user_type", sa.String(length=16), server_default="user", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("token_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locale", sa.String(length=8), server_default="fr", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("user_type IN ('user','photographer','admin')", name=op.f("ck_users_user_type")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_users_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("event_id", "email_key", name=op.f("uq_users_event_id_email_key")),
        sa.UniqueConstraint("event_id", "username_key", name=op.f("uq_users_event_id_username_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_users_email_key", "users", ["email_key"], unique=False)
    op.create_index("idx_users_event_user_type", "users", ["event_id", "user_type"], unique=False)
    op.create_index("idx_users_user_type", "users", ["user_type"], unique=False)
    op.create_index("idx_users_username_key", "users", ["username_key"], unique=False)
    op.create_index(
        "uq_users_email_key_no_event",
        "users",
        ["email_key"],
        unique=True,
        postgresql_where=NO_EVENT,
        sqlite_where=NO_EVENT,
    )
    op.create_index(
        "uq_users_username_key_no_event",
        "users",
        ["username_key"],
        unique=True,
        postgresql_where=NO_EVENT,
        sqlite_where=NO_EVENT,
    )

    op.create_table(
        "event_photographers",
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("photographer_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_photographers_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photographer_id"],
            ["users.id"],
            name=op.f("fk_event_photographers_photographer_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "photographer_id", name=op.f("pk_event_photographers")),
    )
    op.create_index(
        "idx_event_photographers_photographer_id", "event_photographers", ["photographer_id"], unique=False
    )

    op.create_table(
        "photos",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("photographer_id", BIG_ID, nullable=True),
        sa.Column("original_filename", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("photo_type", sa.String(length=32), server_default="event", nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending','processing','done','failed','rejected')", name=op.f("ck_photos_status")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_photos_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photographer_id"], ["users.id"], name=op.f("fk_photos_photographer_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photos")),
        sa.UniqueConstraint("event_id", "sha256", name=op.f("uq_photos_event_id_sha256")),
        sa.UniqueConstraint("filename", name=op.f("uq_photos_filename")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_photos_event_id", "photos", ["event_id"], unique=False)
    op.create_index("idx_photos_event_photographer", "photos", ["event_id", "photographer_id"], unique=False)
    op.create_index("idx_photos_event_uploaded", "photos", ["event_id", "uploaded_at", "id"], unique=False)
    op.create_index(
        "idx_photos_open",
        "photos",
        ["status", "lease_until", "id"],
        unique=False,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_index("idx_photos_photographer_id", "photos", ["photographer_id"], unique=False)
    op.create_index(
        "idx_photos_photographer_uploaded", "photos", ["photographer_id", "uploaded_at", "id"], unique=False
    )

    op.create_table(
        "selfies",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("storage_key", sa.String(length=255), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("strict", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending','processing','done','failed','rejected')", name=op.f("ck_selfies_status")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_selfies_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selfies")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_selfies_storage_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "idx_selfies_open",
        "selfies",
        ["status", "lease_until", "id"],
        unique=False,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_index("idx_selfies_user_id", "selfies", ["user_id", "id"], unique=False)

    op.create_table(
        "user_events",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending','processing','done','failed','rejected')", name=op.f("ck_user_events_status")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_user_events_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_events_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_events")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_user_events_event_id", "user_events", ["event_id"], unique=False)
    op.create_index(
        "idx_user_events_open",
        "user_events",
        ["status", "lease_until", "id"],
        unique=False,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_index("idx_user_events_user_event", "user_events", ["user_id", "event_id"], unique=True)
    op.create_index("idx_user_events_user_id", "user_events", ["user_id"], unique=False)

    op.create_table(
        "faces",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("landmarks", sa.JSON(), nullable=False),
        sa.Column("quality", sa.Double(), nullable=False),
        sa.Column("engine_id", sa.String(length=64), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_faces_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_faces_photo_id_photos"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faces")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_faces_event_engine", "faces", ["event_id", "engine_id", "id"], unique=False)
    op.create_index("idx_faces_photo_id", "faces", ["photo_id"], unique=False)

    op.create_table(
        "selfie_embeddings",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("selfie_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("engine_id", sa.String(length=64), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_selfie_embeddings_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["selfie_id"], ["selfies.id"], name=op.f("fk_selfie_embeddings_selfie_id_selfies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selfie_embeddings")),
        sa.UniqueConstraint(
            "selfie_id", "event_id", "engine_id", name=op.f("uq_selfie_embeddings_selfie_id_event_id_engine_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "idx_selfie_embeddings_event_engine", "selfie_embeddings", ["event_id", "engine_id", "id"], unique=False
    )

    op.create_table(
        "face_matches",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("face_id", BIG_ID, nullable=False),
        sa.Column("selfie_id", BIG_ID, nullable=False),
        sa.Column("confidence_score", sa.Double(), nullable=False),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["face_id"], ["faces.id"], name=op.f("fk_face_matches_face_id_faces"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_face_matches_photo_id_photos"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["selfie_id"], ["selfies.id"], name=op.f("fk_face_matches_selfie_id_selfies"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_face_matches_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_face_matches")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_face_matches_face_id", "face_matches", ["face_id"], unique=False)
    op.create_index("idx_face_matches_photo_id", "face_matches", ["photo_id"], unique=False)
    op.create_index("idx_face_matches_selfie_id", "face_matches", ["selfie_id"], unique=False)
    op.create_index("idx_face_matches_user_id", "face_matches", ["user_id"], unique=False)
    op.create_index("idx_face_matches_user_photo", "face_matches", ["user_id", "photo_id"], unique=True)


def downgrade() -> None:
    for table in (
        "face_matches",
        "selfie_embeddings",
        "faces",
        "user_events",
        "selfies",
        "photos",
        "event_photographers",
        "users",
        "events",
    ):
        op.drop_table(table)

"""The faces that a recogniser over the network keeps, what it found, and what is to be deleted there."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "remote_twins",
    "remote_similarities",
    "remote_searches",
    "remote_doubts",
    "remote_faces",
    "remote_lists",
)
# Those that record what Azure may keep.
HOLDERS = ("remote_lists", "remote_faces", "remote_doubts")


def upgrade() -> None:
    op.create_table(
        "remote_lists",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("made", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trained", sa.Integer(), server_default="0", nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('photos','portraits')", name=op.f("ck_remote_lists_kind")),
        _reference("remote_lists", "event_id", "events", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remote_lists")),
        sa.UniqueConstraint("event_id", "kind", name=op.f("uq_remote_lists_event_id_kind")),
        sa.UniqueConstraint("name", name=op.f("uq_remote_lists_name")),
        sqlite_autoincrement=True,
    )
    _partial("idx_remote_lists_left", "remote_lists", "event_id IS NULL")
    op.create_table(
        "remote_faces",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("list_id", BIG_ID, nullable=False),
        sa.Column("persisted_id", sa.String(length=64), nullable=False),
        sa.Column("face_id", BIG_ID, nullable=True),
        sa.Column("embedding_id", BIG_ID, nullable=True),
        _reference("remote_faces", "list_id", "remote_lists"),
        _reference("remote_faces", "face_id", "faces", "SET NULL"),
        _reference("remote_faces", "embedding_id", "selfie_embeddings", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remote_faces")),
        sa.UniqueConstraint("list_id", "persisted_id", name=op.f("uq_remote_faces_list_id_persisted_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_remote_faces_face_id", "remote_faces", ["face_id"])
    op.create_index("idx_remote_faces_embedding_id", "remote_faces", ["embedding_id"])
    _partial("idx_remote_faces_left", "remote_faces", "face_id IS NULL AND embedding_id IS NULL")
    op.create_table(
        "remote_doubts",
        sa.Column("note", sa.String(length=36), nullable=False),
        sa.Column("list_id", BIG_ID, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        _reference("remote_doubts", "list_id", "remote_lists"),
        sa.PrimaryKeyConstraint("note", name=op.f("pk_remote_doubts")),
    )
    op.create_index("idx_remote_doubts_due_at", "remote_doubts", ["due_at"])
    op.create_index("idx_remote_doubts_list_id", "remote_doubts", ["list_id"])
    _found()


def _found() -> None:
    """Make the tables of what searches found."""
    op.create_table(
        "remote_searches",
        sa.Column("embedding_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), server_default="0", nullable=False),
        _reference("remote_searches", "embedding_id", "selfie_embeddings"),
        sa.PrimaryKeyConstraint("embedding_id", name=op.f("pk_remote_searches")),
    )
    op.create_table(
        "remote_similarities",
        sa.Column("embedding_id", BIG_ID, nullable=False),
        sa.Column("face_id", BIG_ID, nullable=False),
        sa.Column("similarity", sa.Double(), nullable=False),
        _reference("remote_similarities", "embedding_id", "selfie_embeddings"),
        _reference("remote_similarities", "face_id", "faces"),
        sa.PrimaryKeyConstraint("embedding_id", "face_id", name=op.f("pk_remote_similarities")),
    )
    op.create_index("idx_remote_similarities_face_id", "remote_similarities", ["face_id"])
    op.create_table(
        "remote_twins",
        sa.Column("embedding_id", BIG_ID, nullable=False),
        sa.Column("other_id", BIG_ID, nullable=False),
        _reference("remote_twins", "embedding_id", "selfie_embeddings"),
        _reference("remote_twins", "other_id", "selfie_embeddings"),
        sa.PrimaryKeyConstraint("embedding_id", "other_id", name=op.f("pk_remote_twins")),
    )
    op.create_index("idx_remote_twins_other_id", "remote_twins", ["other_id"])


def downgrade() -> None:
    for table in HOLDERS:
        any_row = sa.select(sa.literal(1)).select_from(sa.table(table)).limit(1)
        if op.get_bind().execute(any_row).first():
            raise RuntimeError(
                f"Azure may still keep faces: the table {table} has rows. Erase the faces first: delete the events "
                "that Azure has matched and wait until the tables are empty, 15 minutes later."
            )
    for table in TABLES:
        op.drop_table(table)


def _reference(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def _partial(name: str, table: str, where: str) -> None:
    op.create_index(name, table, ["id"], postgresql_where=sa.text(where), sqlite_where=sa.text(where))

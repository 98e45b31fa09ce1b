"""Several portraits, candidates for each guest, what guests confirm, and groups who look at photos together."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("selfies", sa.Column("keep", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    with op.batch_alter_table("face_matches", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("face_id", existing_type=BIG_ID, nullable=True)
        table.add_column(sa.Column("declared", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _create_candidates()
    _create_confirmations()
    _create_groups()
    _fill()


def _create_candidates() -> None:
    op.create_table(
        "face_candidates",
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("face_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("selfie_id", BIG_ID, nullable=False),
        sa.Column("similarity", sa.Double(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("standing", sa.String(length=8), nullable=False),
        sa.CheckConstraint("standing IN ('match','maybe','lost')", name=op.f("ck_face_candidates_standing")),
        *(
            _reference("face_candidates", column, table)
            for column, table in (("user", "users"), ("face", "faces"), ("event", "events"), ("selfie", "selfies"))
        ),
        sa.PrimaryKeyConstraint("user_id", "face_id", name=op.f("pk_face_candidates")),
    )
    op.create_index("idx_face_candidates_face_id", "face_candidates", ["face_id"])
    op.create_index("idx_face_candidates_selfie_id", "face_candidates", ["selfie_id"])
    op.create_index("idx_face_candidates_event_user", "face_candidates", ["event_id", "user_id"])


def _create_confirmations() -> None:
    op.create_table(
        "confirmations",
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("face_id", BIG_ID, nullable=True),
        sa.Column("similarity", sa.Double(), nullable=True),
        sa.Column("likely", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _reference("confirmations", "user", "users"),
        _reference("confirmations", "photo", "photos"),
        _reference("confirmations", "face", "faces", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("user_id", "photo_id", name=op.f("pk_confirmations")),
    )
    op.create_index("idx_confirmations_photo_id", "confirmations", ["photo_id"])
    op.create_index("idx_confirmations_face_id", "confirmations", ["face_id"])


def _create_groups() -> None:
    op.create_table(
        "together_groups",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _reference("together_groups", "event", "events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_together_groups")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_together_groups_event_id", "together_groups", ["event_id"])
    op.create_table(
        "together_members",
        sa.Column("group_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        _reference("together_members", "group", "together_groups"),
        _reference("together_members", "user", "users"),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_together_members")),
    )
    op.create_index("idx_together_members_user_id", "together_members", ["user_id"])


def _fill() -> None:
    """Make candidates of the matches, and have every guest of an open event matched again in the background."""
    op.execute(
        """
        INSERT INTO face_candidates (user_id, face_id, event_id, selfie_id, similarity, accepted, standing)
        SELECT face_matches.user_id, faces.id, faces.event_id, face_matches.selfie_id,
               face_matches.confidence_score / 100, true, 'match'
        FROM face_matches JOIN faces ON faces.id = face_matches.face_id
        """
    )
    again = sa.text(
        """
        UPDATE user_events SET status = 'pending', attempts = 0, lease_until = NULL
        WHERE status = 'done' AND withdrawn_at IS NULL
          AND event_id IN (SELECT id FROM events WHERE expires_at > :now)
          AND user_id IN (SELECT user_id FROM selfies WHERE status = 'done')
        """
    ).bindparams(sa.bindparam("now", datetime.now(UTC), type_=sa.DateTime(timezone=True)))
    op.execute(again)


def downgrade() -> None:
    for table in ("together_members", "together_groups", "confirmations", "face_candidates"):
        op.drop_table(table)
    op.execute("DELETE FROM face_matches WHERE declared")
    with op.batch_alter_table("face_matches", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_column("declared")
        batch.alter_column("face_id", existing_type=BIG_ID, nullable=False)
    op.drop_column("selfies", "keep")


def _reference(table: str, name: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [f"{name}_id"], [f"{target}.id"], name=op.f(f"fk_{table}_{name}_id_{target}"), ondelete=ondelete
    )

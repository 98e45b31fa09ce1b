"""Who asked that others do not see a photo that is in the trash; until when consents by selfie stay in force."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"
branch_labels = None
depends_on = None

ENDING = sa.text("ends_at IS NOT NULL")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("consents", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("idx_consents_ends_at", "consents", ["ends_at"], postgresql_where=ENDING, sqlite_where=ENDING)
    op.create_table(
        "trashed_wishes",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("trashed_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["trashed_id"],
            ["trashed_photos.id"],
            name=op.f("fk_trashed_wishes_trashed_id_trashed_photos"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_trashed_wishes_user_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trashed_wishes")),
        sa.UniqueConstraint("trashed_id", "user_id", name=op.f("uq_trashed_wishes_trashed_id_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_trashed_wishes_user_id", "trashed_wishes", ["user_id"])


def downgrade() -> None:
    op.drop_index("idx_consents_ends_at", table_name="consents")
    op.drop_column("consents", "ends_at")
    # The release before knows only that some guest asked. `withheld` may have reasons of staff beside it.
    connection = op.get_bind()
    trashed = sa.table("trashed_photos", sa.column("id", sa.BigInteger()), sa.column("withheld", sa.JSON()))
    wishes = sa.table("trashed_wishes", sa.column("trashed_id", sa.BigInteger()))
    wished = sa.select(trashed.c.id, trashed.c.withheld).where(trashed.c.id.in_(sa.select(wishes.c.trashed_id)))
    for trashed_id, withheld in connection.execute(wished).all():
        reasons = sorted({*(withheld or []), "guest"})
        connection.execute(trashed.update().where(trashed.c.id == trashed_id).values(withheld=reasons))
    op.drop_table("trashed_wishes")

"""Mails to send, links that reset a password, and when an address was confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "status IN ('pending','processing','done','failed','rejected')"
OPEN, FAILED = sa.text("status IN ('pending','processing')"), sa.text("status = 'failed'")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("users", sa.Column("email_confirmed_at", TIME, nullable=True))
    _password_resets()
    _mails()


def _account(table: str, *, nullable: bool) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    """Return the column that names an account, and its foreign key: the row goes with the account."""
    name = op.f(f"fk_{table}_user_id_users")
    reference = sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE")
    return sa.Column("user_id", BIG_ID, nullable=nullable), reference


def _password_resets() -> None:
    column, reference = _account("password_resets", nullable=False)
    op.create_table(
        "password_resets",
        sa.Column("id", BIG_ID, nullable=False),
        column,
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_mark", sa.String(length=64), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        reference,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_resets_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_password_resets_user_id", "password_resets", ["user_id"])
    op.create_index("idx_password_resets_expires_at", "password_resets", ["expires_at"])


def _mails() -> None:
    column, reference = _account("mails", nullable=True)
    op.create_table(
        "mails",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        column,
        sa.Column("asked_address", sa.String(length=254), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_mails_status")),
        reference,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_mails_user_id", "mails", ["user_id"])
    for name, columns, where in (
        ("open", ["status", "lease_until", "id"], OPEN),
        ("failed", ["status", "id"], FAILED),
    ):
        op.create_index(f"idx_mails_{name}", "mails", columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.drop_table("mails")
    op.drop_table("password_resets")
    op.drop_column("users", "email_confirmed_at")

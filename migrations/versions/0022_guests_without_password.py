"""Guests without name, address and password; sessions that last as long as their events; links that log in."""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
NO = sa.text("false")
# Columns that become nullable, with their lengths.
OPTIONAL = {"email": 254, "email_key": 320, "hashed_password": 255}
CHECKS = {
    "ck_users_staff": "user_type = 'user' OR (email IS NOT NULL AND hashed_password IS NOT NULL)",
    "ck_users_email": "(email IS NULL) = (email_key IS NULL)",
}
FIRST_CHECK = "CONSTRAINT ck_users_user_type"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_on_sqlite(_without_obligation)
    else:
        for name, length in OPTIONAL.items():
            op.alter_column("users", name, existing_type=sa.String(length), nullable=True)
        for name, condition in CHECKS.items():
            op.create_check_constraint(op.f(name), "users", condition)
    op.add_column("users", sa.Column("has_made_up_username", sa.Boolean(), server_default=NO, nullable=False))
    op.add_column("users", sa.Column("display_name", sa.String(length=150), nullable=True))
    op.add_column("users", sa.Column("typed_email", sa.String(length=254), nullable=True))
    op.add_column("users", sa.Column("typed_email_key", sa.String(length=320), nullable=True))
    op.add_column("users", sa.Column("start_mark", sa.String(length=64), nullable=True))
    op.create_index("idx_users_typed_email_key", "users", ["typed_email_key"])
    op.create_index("uq_users_start_mark", "users", ["start_mark"], unique=True)
    op.add_column("sessions", sa.Column("follows_events", sa.Boolean(), server_default=NO, nullable=False))
    _create_login_links()


def _create_login_links() -> None:
    op.create_table(
        "login_links",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.CheckConstraint(
            "purpose IN ('personal','mail','help','home','address')", name=op.f("ck_login_links_purpose")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_login_links_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_links_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_login_links_user_id", "login_links", ["user_id", "purpose"])
    op.create_index("idx_login_links_expires_at", "login_links", ["expires_at"])


def _without_obligation(declared: str) -> str:
    for name, length in OPTIONAL.items():
        declared = _once(declared, f"{name} VARCHAR({length}) NOT NULL", f"{name} VARCHAR({length})")
    checks = "".join(f"CONSTRAINT {name} CHECK ({condition}), " for name, condition in CHECKS.items())
    return _once(declared, FIRST_CHECK, checks + FIRST_CHECK)


def _with_obligation(declared: str) -> str:
    for name, length in OPTIONAL.items():
        declared = _once(declared, f"{name} VARCHAR({length})", f"{name} VARCHAR({length}) NOT NULL")
    for name, condition in CHECKS.items():
        declared = _once(declared, f"CONSTRAINT {name} CHECK ({condition}), ", "")
    return declared


def _once(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise RuntimeError(f"the table users is not declared as expected: {old}")
    return text.replace(old, new)


def _rewrite_on_sqlite(change: Callable[[str], str]) -> None:
    """Change constraints of `users` where SQLite keeps them: in the text of the table's declaration.

    The other way, a new table in the place of the old one, would delete every row that refers to an account, since
    foreign keys cannot be turned off in a transaction, and forget which ids were used. SQLite's documentation gives
    this procedure for constraints (lang_altertable, "other kinds of schema changes").
    """
    connection = op.get_bind()
    declared = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = 'users'")).scalar_one()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    connection.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = 'users'"),
        {"sql": change(declared)},
    )
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=RESET")


def downgrade() -> None:
    """Guests without address get one that does not exist; no password fits an empty hash."""
    op.drop_table("login_links")
    op.drop_column("sessions", "follows_events")
    op.drop_index("uq_users_start_mark", "users")
    op.drop_index("idx_users_typed_email_key", "users")
    for name in ("start_mark", "typed_email_key", "typed_email", "display_name", "has_made_up_username"):
        op.drop_column("users", name)
    op.execute(
        "UPDATE users SET email = username_key || '@localhost', email_key = username_key || '@localhost' "
        "WHERE email IS NULL"
    )
    op.execute("UPDATE users SET hashed_password = '' WHERE hashed_password IS NULL")
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_on_sqlite(_with_obligation)
        return
    for name in CHECKS:
        op.drop_constraint(op.f(name), "users", type_="check")
    for name, length in OPTIONAL.items():
        op.alter_column("users", name, existing_type=sa.String(length), nullable=False)

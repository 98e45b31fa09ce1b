"""Favourites, refusals, consents, covers, mean colours, and a sample of the service each minute."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IN_FORCE = sa.text("withdrawn_at IS NULL")


def upgrade() -> None:
    _columns()
    _covers()
    _of_a_guest_and_a_photo("favourites")
    _of_a_guest_and_a_photo("refusals")
    _consents()
    _samples()


def _columns() -> None:
    op.add_column("photos", sa.Column("mean_colour", sa.String(length=7), nullable=True))
    op.create_index("idx_photos_event_status", "photos", ["event_id", "status", "size"])
    op.add_column("user_events", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("idx_user_events_event_order", "user_events", ["event_id", "id", "user_id"])


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")


def _covers() -> None:
    op.create_table(
        "event_covers",
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        _reference("event_covers", "event_id", "events"),
        _reference("event_covers", "photo_id", "photos"),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_covers")),
        sa.UniqueConstraint("photo_id", name=op.f("uq_event_covers_photo_id")),
    )


def _of_a_guest_and_a_photo(table: str) -> None:
    op.create_table(
        table,
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("photo_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _reference(table, "photo_id", "photos"),
        _reference(table, "user_id", "users"),
        sa.PrimaryKeyConstraint("user_id", "photo_id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"idx_{table}_photo_id", table, ["photo_id"])


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        _reference("consents", "event_id", "events"),
        _reference("consents", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_consents_in_force",
        "consents",
        ["user_id", "event_id", "version"],
        unique=True,
        postgresql_where=IN_FORCE,
        sqlite_where=IN_FORCE,
    )
    op.create_index("idx_consents_user_id", "consents", ["user_id", "id"])
    op.create_index("idx_consents_event_id", "consents", ["event_id"])


def _samples() -> None:
    counts = ("guests", "selfies", "photos", "matches", "queue_depth")
    op.create_table(
        "samples",
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.Column("queue_age_seconds", sa.Double(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.BigInteger(), nullable=False),
        sa.Column("machine", sa.String(length=255), nullable=False),
        sa.Column("requests_seen", sa.BigInteger(), nullable=False),
        sa.Column("errors_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("minute", name=op.f("pk_samples")),
    )


def downgrade() -> None:
    for table in ("samples", "consents", "refusals", "favourites", "event_covers"):
        op.drop_table(table)
    for index, table, column in (
        ("idx_user_events_event_order", "user_events", "withdrawn_at"),
        ("idx_photos_event_status", "photos", "mean_colour"),
    ):
        op.drop_index(index, table_name=table)
        op.drop_column(table, column)

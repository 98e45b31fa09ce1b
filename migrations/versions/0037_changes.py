"""Triggers that tell every process which guest's or event's state has changed, in the transaction of the change.

On PostgreSQL they notify the channel `reperio_changes`; on SQLite they write a mark into the table `changes`.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0034"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# A claim of a job changes nothing that anybody waits for: jobs wait and run under the same words.
ENDED = "NEW.status <> OLD.status AND NEW.status <> 'processing'"


@dataclass(frozen=True)
class Watched:
    """A table whose rows belong to a guest or an event, and which updates of its rows count.

    `many`: one statement writes many rows of one subject, so PostgreSQL looks at them once.
    """

    table: str
    kind: str
    columns: str = ""
    when: str = ""
    many: bool = False


WATCHED = (
    Watched("selfies", "guest", "status", ENDED),
    Watched(
        "user_events",
        "guest",
        "status, withdrawn_at, search_asked_at",
        f"({ENDED}) OR coalesce(NEW.withdrawn_at <> OLD.withdrawn_at, "
        "(NEW.withdrawn_at IS NULL) <> (OLD.withdrawn_at IS NULL)) "
        "OR coalesce(NEW.search_asked_at <> OLD.search_asked_at, NEW.search_asked_at IS NOT NULL)",
    ),
    Watched("face_matches", "guest", "declared", "NEW.declared <> OLD.declared", many=True),
    Watched("given_photos", "guest", "shown", "NEW.shown <> OLD.shown", many=True),
    Watched("photos", "event", "status, for_everyone", f"({ENDED}) OR NEW.for_everyone <> OLD.for_everyone"),
    Watched("withheld_photos", "event", many=True),
)
NUMBER = {"guest": "user_id", "event": "event_id"}
CHANGES = ("INSERT", "UPDATE", "DELETE")


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("number", BIG_ID, nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_changes")),
        sa.UniqueConstraint("subject", name=op.f("uq_changes_subject")),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        _watch_postgresql()
    else:
        _watch_sqlite()


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for each in WATCHED:
        for change in _changes_of(each):
            name = _name(each.table, change)
            op.execute(f"DROP TRIGGER {name} ON {each.table}" if postgresql else f"DROP TRIGGER {name}")
    if postgresql:
        op.execute("DROP FUNCTION reperio_row_changed()")
        op.execute("DROP FUNCTION reperio_rows_changed()")
    else:
        for table in ("users", "events"):
            op.execute(f"DROP TRIGGER {_name(table, 'DELETE')}")
    op.drop_table("changes")


def _changes_of(each: Watched) -> list[str]:
    return [change for change in CHANGES if change != "UPDATE" or each.when]


def _name(table: str, change: str) -> str:
    return f"{table}_changed_by_{change.lower()}"


def _event_of(each: Watched, change: str) -> str:
    return f"UPDATE OF {each.columns}" if change == "UPDATE" else change


def _watch_postgresql() -> None:
    # Of equal notifications of a transaction PostgreSQL sends one.
    op.execute(
        "CREATE FUNCTION reperio_row_changed() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE changed record; BEGIN "
        "IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF; "
        "IF TG_ARGV[0] = 'guest' THEN PERFORM pg_notify('reperio_changes', 'guest ' || changed.user_id); "
        "ELSE PERFORM pg_notify('reperio_changes', 'event ' || changed.event_id); END IF; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE FUNCTION reperio_rows_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_ARGV[0] = 'guest' THEN "
        "PERFORM pg_notify('reperio_changes', 'guest ' || user_id) FROM (SELECT DISTINCT user_id FROM changed) g; "
        "ELSE "
        "PERFORM pg_notify('reperio_changes', 'event ' || event_id) FROM (SELECT DISTINCT event_id FROM changed) e; "
        "END IF; RETURN NULL; END $$"
    )
    for each in WATCHED:
        for change in _changes_of(each):
            head = f"CREATE TRIGGER {_name(each.table, change)} AFTER {_event_of(each, change)} ON {each.table} "
            if each.many and change != "UPDATE":
                rows = "NEW" if change == "INSERT" else "OLD"
                op.execute(
                    f"{head} REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT "
                    f"EXECUTE FUNCTION reperio_rows_changed('{each.kind}')"
                )
            else:
                when = f"WHEN ({each.when}) " if change == "UPDATE" else ""
                op.execute(f"{head} FOR EACH ROW {when}EXECUTE FUNCTION reperio_row_changed('{each.kind}')")


def _watch_sqlite() -> None:
    for each in WATCHED:
        for change in _changes_of(each):
            row = "OLD" if change == "DELETE" else "NEW"
            subject = f"'{each.kind} ' || {row}.{NUMBER[each.kind]}"
            when = f"WHEN {each.when} " if change == "UPDATE" else ""
            # Two statements: INSERT OR REPLACE would follow the conflict clause of the statement that fires it.
            forget = f"DELETE FROM changes WHERE subject = {subject}"  # noqa: S608 - names of ours
            mark = f"INSERT INTO changes (subject) VALUES ({subject})"  # noqa: S608
            op.execute(
                f"CREATE TRIGGER {_name(each.table, change)} AFTER {_event_of(each, change)} ON {each.table} {when}"
                f"BEGIN {forget}; {mark}; END"
            )
    # Nobody waits for who is gone, and no number of theirs stays.
    for table, kind in (("users", "guest"), ("events", "event")):
        forget = f"DELETE FROM changes WHERE subject = '{kind} ' || OLD.id"  # noqa: S608 - names of ours
        op.execute(f"CREATE TRIGGER {_name(table, 'DELETE')} AFTER DELETE ON {table} BEGIN {forget}; END")

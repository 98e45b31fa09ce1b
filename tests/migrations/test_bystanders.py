"""The migration that brings the choice about strangers: events that were there keep what they had."""

from datetime import timedelta

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from database import get_engine, reading, transaction
from ending import bystanders
from migrations.upgrade import upgrade
from models import KEEP, Base, EndReceipt, Event, Face, utcnow
from tests.migrations.before import EVENT, PHOTO, go_before

FACE = (
    "INSERT INTO faces (id, photo_id, event_id, box, landmarks, quality, engine_id, embedding) "
    "VALUES (1, 1, 1, '[0, 0, 1, 1]', '[]', 1, 'fake', CAST(:now AS {blob}))"
)
RECEIPT = "INSERT INTO end_receipts (id, kind, event_id, counts, begun_at) VALUES (7, 'trash', 1, '{}', :now)"


def test_events_keep_what_they_had_and_receipts_stay(database: None) -> None:
    blob = "BLOB" if get_engine().dialect.name == "sqlite" else "BYTEA"
    go_before("0034", EVENT, PHOTO, FACE.format(blob=blob), RECEIPT)
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    # Years after the expiry.
    bystanders.sweep(utcnow() + timedelta(days=3000))
    with reading() as session:
        assert session.get_one(Event, 1).bystanders == KEEP
        assert session.query(Face).count() == 1
        assert session.get_one(EndReceipt, 7).kind == "trash"
    with transaction() as session:
        session.get_one(Event, 1).bystanders = "none"
    bystanders.sweep(utcnow())
    with reading() as session:
        assert session.query(Face).count() == 0
        assert sorted(each.kind for each in session.query(EndReceipt)) == ["bystanders", "trash"]

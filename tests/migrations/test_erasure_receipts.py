"""The migration that brings receipts of erasures: what the release before left is erased and gets one."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from database import get_engine, reading
from guests import removal
from migrations.upgrade import upgrade
from models import Base, ErasureReceipt
from stored import erasure_log, receipts
from tests.migrations.before import EVENT, go_before


def test_an_event_of_the_release_before_leaves_a_receipt_when_it_is_erased(database: None) -> None:
    go_before("0031", EVENT)
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    removal.remove_event(1)
    with reading() as session:
        (receipt,) = session.query(ErasureReceipt)
    assert (receipt.kind, receipt.counts, receipt.digests) == (receipts.EVENT, {"photos": 0}, None)
    assert [each.number for each in erasure_log.read(erasure_log.place()) if each] == [receipt.number]

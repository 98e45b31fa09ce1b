"""The migration that brings the machines: curves of the release before go on, with the requests of this machine."""

import time

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from database import get_engine, reading
from migrations.upgrade import upgrade
from models import Base, MachineCounter, Sample
from operations import samples
from tests.migrations.before import go_before

SAMPLE = (
    "INSERT INTO samples (minute, guests, selfies, photos, matches, queue_depth, queue_age_seconds, requests, "
    "errors, machine, requests_seen, errors_seen) VALUES (100, 1, 1, 1, 1, 0, 0.0, 7, 1, 'before', 70, 1)"
)


def test_samples_of_the_release_before_stay_and_new_ones_follow(database: None) -> None:
    go_before("0040", SAMPLE)
    upgrade()
    with get_engine().begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert connection.execute(text("SELECT requests FROM samples")).scalars().all() == [7]
    minute = int(time.time() // 60)
    samples.write(minute)
    with reading() as session:
        # The one of before is older than a month.
        assert [each.minute for each in session.query(Sample)] == [minute]
        assert [each.minute for each in session.query(MachineCounter)] == [minute]

"""Events of the release before are found however their codes are typed; photos get their checksums later."""

from sqlalchemy import text

from database import get_engine, reading
from events import codes
from migrations.upgrade import upgrade
from tests.migrations.before import NOW, go_before

EVENT = (
    "INSERT INTO events (id, name, event_code, code_key, expires_at, active_engine_id, created_at) "
    "VALUES (:id, 'Before', :code, :key, :now, 'fake', :now)"
)
PHOTO = (
    "INSERT INTO photos (id, event_id, original_filename, filename, content_type, sha256, size, width, height, "
    "uploaded_at) VALUES (1, 1, 'a.jpg', 'b.jpg', 'image/jpeg', 'c', 1, 1, 1, :now)"
)


def test_rows_of_the_release_before_are_found(database: None) -> None:
    go_before("0019")
    with get_engine().begin() as connection:
        for number, code in ((1, "Mario-10"), (2, "---"), (3, "FÊTE 1")):
            row = {"id": number, "code": code, "key": code.casefold(), "now": NOW}
            connection.execute(text(EVENT), row)
        connection.execute(text(PHOTO), {"now": NOW})
    upgrade()
    with get_engine().begin() as connection:
        keys = connection.execute(text("SELECT loose_key FROM events ORDER BY id")).scalars().all()
        assert keys == ["mar1010", "", "fête1"]
        assert connection.scalar(text("SELECT count(*) FROM guest_copies")) == 0, "planned by a download or the sweep"
    with reading() as session:
        found = codes.read(session, "MARI0 1O").event
    assert found is not None
    assert found.id == 1

"""The migration that brings changes of engines tells which engine has looked at the photos of the release before."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from database import get_engine, transaction
from matching.changing import service as changing
from migrations.upgrade import upgrade
from models import Base, Reembedding
from tests.migrations.before import NOW, go_before

EVENT = (
    "INSERT INTO events (id, name, event_code, code_key, expires_at, active_engine_id, created_at) "
    "VALUES (1, 'Before', 'OLD', 'old', :now, 'one', :now)"
)
PHOTO = (
    "INSERT INTO photos (id, event_id, original_filename, filename, content_type, sha256, size, width, height, "
    "uploaded_at, status) VALUES (:id, 1, 'a.jpg', :name, 'image/jpeg', :name, 7, 1, 1, :now, :status)"
)
FACE = (
    "INSERT INTO faces (photo_id, event_id, box, landmarks, quality, engine_id, embedding) "
    "VALUES (:photo, 1, '[0, 0, 1, 1]', '[]', 1, :engine, :embedding)"
)


def test_photos_of_the_release_before_are_looked_at_again_by_another_engine_only(database: None) -> None:
    go_before("0013")
    with get_engine().begin() as connection:
        connection.execute(text(EVENT), {"now": NOW})
        for number, status in enumerate(("done", "done", "done", "failed", "pending"), 1):
            values = {"id": number, "name": f"{number:032x}.jpg", "now": NOW, "status": status}
            connection.execute(text(PHOTO), values)
        # The third one is from a time when the settings named another engine.
        for photo, engine in ((1, "one"), (1, "one"), (3, "other")):
            connection.execute(text(FACE), {"photo": photo, "engine": engine, "embedding": b"\0" * 4})
    upgrade()
    with get_engine().connect() as connection:
        rows = connection.execute(text("SELECT engine_id FROM photos ORDER BY id")).scalars().all()
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert rows == ["one", "one", "other", None, None]
    looked_at = {"one": [3], "other": [1, 2]}
    for engine, wanted in looked_at.items():
        changing.proceed(engine)
        with transaction() as session:
            assert session.scalars(select(Reembedding.photo_id).order_by(Reembedding.id)).all() == wanted

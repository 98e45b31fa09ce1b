"""The migrations that keep guests' requests about photos in the trash, and profiles of children, there and back."""

import json

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from database import get_engine, reading, transaction
from migrations.upgrade import upgrade
from models import ADMIN, Base, TrashedPhoto, TrashedWish, User, WithheldPhoto, utcnow
from photos.trash import service as trash
from tests.migrations.before import EVENT, go_before

# `false` as both databases read it.
TRASHED = (
    "INSERT INTO trashed_photos (photo_id, event_id, original_filename, filename, content_type, photo_type, sha256, "
    "size, width, height, rendition_set, attempts, for_everyone, uploaded_at, trashed_at, withheld) "
    "VALUES (7, 1, 'p.jpg', 'p.jpg', 'image/jpeg', 'event', 'aa', 9, 4, 3, 0, 0, false, :now, :now, "
    """'["guest", "staff"]')"""
)


def test_a_photo_in_the_trash_of_before_stays_hidden_and_the_way_back_forgets_no_request(database: None) -> None:
    go_before("0035", EVENT, TRASHED)
    upgrade()
    with get_engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    trash.restore(User(id=0, user_type=ADMIN), 7)
    with reading() as session:
        held = {(each.reason, each.user_id) for each in session.query(WithheldPhoto)}
    assert held == {("guest", None), ("staff", None)}, "who asked was not known"


def test_the_release_before_keeps_a_request_without_its_guest(database: None) -> None:
    go_before("0035", EVENT, TRASHED.replace('["guest", "staff"]', '["staff"]'))
    upgrade()
    with transaction() as session:
        (there,) = session.query(TrashedPhoto)
        session.add(TrashedWish(trashed_id=there.id, created_at=utcnow()))
    go_before("0035")
    with get_engine().connect() as connection:
        (reasons,) = connection.execute(text("SELECT withheld FROM trashed_photos")).scalars()
    assert (json.loads(reasons) if isinstance(reasons, str) else reasons) == ["guest", "staff"]


def test_children_do_not_go_back_to_a_release_that_does_not_know_who_answers_for_them(database: None) -> None:
    with transaction() as session:
        parent = User(username="p", username_key="p")
        session.add(parent)
        session.flush()
        session.add(User(username="c", username_key="c", guardian_id=parent.id))
    go_before("0036")
    upgrade()
    with reading() as session:
        assert [each.username for each in session.query(User)] == ["p"]

"""The migration that brings cameras leaves the photos of the release before as they are."""

from sqlalchemy import text

from database import get_engine
from migrations.upgrade import upgrade
from tests.migrations.before import EVENT, NOW, PHOTO, go_before

CAMERA = "INSERT INTO camera_clocks (id, event_id, camera_key, make, model) VALUES (1, 1, 'key', 'Canon', 'R5')"
OF_CAMERA = "UPDATE photos SET camera_id = 1, recorded_at = taken_at"


def test_a_photo_of_the_release_before_keeps_its_time_and_has_no_camera(database: None) -> None:
    go_before("0017", EVENT, PHOTO)
    upgrade()
    with get_engine().begin() as connection:
        found = connection.execute(text("SELECT taken_at, recorded_at, camera_id FROM photos")).one()
        assert str(found.taken_at).startswith(NOW)
        assert (found.recorded_at, found.camera_id) == (None, None)
        for statement in (CAMERA, OF_CAMERA):
            connection.execute(text(statement))
        connection.execute(text("DELETE FROM events"))
        assert connection.scalar(text("SELECT count(*) FROM photos")) == 0
        assert connection.scalar(text("SELECT count(*) FROM camera_clocks")) == 0

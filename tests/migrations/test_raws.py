"""The migration that brings RAW files leaves the photos of the release before alone."""

from sqlalchemy import text

from database import get_engine
from migrations.upgrade import upgrade
from tests.migrations.before import EVENT, NOW, PHOTO, go_before

RAW = (
    "INSERT INTO photo_raws (photo_id, event_id, filename, original_filename, content_type, sha256, size, alone, "
    "uploaded_at) VALUES (1, 1, 'a.cr2', 'IMG_1.CR2', 'image/x-canon-cr2', 'bb', 99, false, :now)"
)


def test_a_photo_of_the_release_before_takes_a_raw_file_and_is_deleted_with_it(database: None) -> None:
    go_before("0018", EVENT, PHOTO)
    upgrade()
    with get_engine().begin() as connection:
        connection.execute(text(RAW), {"now": NOW})
        assert connection.scalar(text("SELECT original_filename FROM photos")) == "IMG_1.JPG"
        connection.execute(text("DELETE FROM photos"))
        assert connection.scalar(text("SELECT count(*) FROM photo_raws")) == 0

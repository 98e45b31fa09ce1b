"""Files with bytes that do not belong to the picture are taken and shown."""

import pytest

from testkit.builders import EventInfo, Service
from tests.cases.conftest import Send, rendition


@pytest.mark.parametrize("file", ["jpeg_tail_mp4.jpg", "jpeg_stray_bytes_between_segments.jpg", "jpeg_no_eoi.jpg"])
def test_junk_around_a_picture_does_no_harm(
    real_sqlite_service: Service, event: EventInfo, sent: Send, file: str
) -> None:
    photo = sent(file)
    assert photo["processing_status"] == "done"
    image = rendition(real_sqlite_service, event, photo)
    assert image.shape[:2] == (photo["height"], photo["width"])
    # No part of the picture is a flat grey that a decoder filled in.
    assert image[-image.shape[0] // 8 :].std() > 5

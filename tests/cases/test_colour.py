"""Pictures of other colour spaces look like the same picture in sRGB: the photo, its mean colour, and selfies."""

import cv2
import numpy as np
import pytest

from images import BgrImage
from testkit.builders import EventInfo, Service
from testkit.colour_difference import difference, lab
from tests.cases.conftest import Send, case, rendition

pytestmark = pytest.mark.long

REFERENCE = "colour_srgb_reference.jpg"
FILES = (REFERENCE, "colour_p3.jpg", "colour_p3.heic", "colour_p3.png", "colour_adobergb.jpg", "colour_cmyk_icc.jpg")
# 100 x 100 px each, at the bottom, from the left. The first three are out of the gamut of inks.
PRIMARIES = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
PATCHES = (*PRIMARIES, (255, 165, 0), (128, 0, 128), (0, 128, 128), (210, 160, 130), (128, 128, 128))
SIDE = 100


def differences(image: BgrImage) -> list[float]:
    """Return the CIEDE2000 difference of each patch from what it should be, by the means of their middles."""
    height = image.shape[0]
    rows, edge = image[height - 3 * SIDE // 4 : height - SIDE // 4], SIDE // 4
    seen = [
        rows[:, at + edge : at + SIDE - edge, ::-1].mean(axis=(0, 1)) for at in range(0, SIDE * len(PATCHES), SIDE)
    ]
    return [difference(lab(tuple(one)), lab(other)) for one, other in zip(seen, PATCHES, strict=True)]


@pytest.mark.parametrize("file", FILES)
def test_a_photo_is_shown_in_the_colours_that_are_meant(
    real_sqlite_service: Service, event: EventInfo, sent: Send, file: str
) -> None:
    photo = sent(file)
    found = differences(rendition(real_sqlite_service, event, photo))
    if "cmyk" in file:
        assert np.mean(found[len(PRIMARIES) :]) < 3, found
    else:
        # Below 1 nobody sees a difference; without a conversion the mean is 3 to 4.
        assert max(found) < 1.5, found
    told = [int(photo["mean_colour"][at : at + 2], 16) for at in (1, 3, 5)]
    thumb = rendition(real_sqlite_service, event, photo, "thumb")
    assert told == pytest.approx(thumb.mean(axis=(0, 1))[::-1].tolist(), abs=2)


@pytest.mark.parametrize("file", ["colour_p3.heic", "colour_adobergb.jpg"])
def test_a_selfie_is_kept_in_the_colours_that_are_meant(
    real_sqlite_service: Service, event: EventInfo, file: str
) -> None:
    guest = real_sqlite_service.guest(event)
    answer = real_sqlite_service.send_selfie(guest, case(file))
    assert answer.status_code == 200, answer.text
    stored = real_sqlite_service.get(f"/api/selfie/{guest.id}", guest)
    image = cv2.imdecode(np.frombuffer(stored.content, np.uint8), cv2.IMREAD_COLOR)
    assert max(differences(np.asarray(image, np.uint8))) < 2

"""Odd pictures with known answers, sent to the service with the real engine as photos and as selfies."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from images import BgrImage
from testkit.builders import EventInfo, Json, Service
from tests.conftest import SHARED

Send = Callable[..., Json]


def shared(name: str) -> bytes:
    """Return a file of the folder beside the project; the test skips where there is none."""
    path: Path = SHARED.parent / name
    if not path.exists():
        pytest.skip(f"the shared {name} is not here")
    return path.read_bytes()


def case(name: str) -> bytes:
    """Return a file of the shared cases, as `shared`."""
    return shared(f"cases/{name}")


@pytest.fixture(scope="module")
def event(real_sqlite_service: Service) -> EventInfo:
    """An event in Paris that shows its guests all photos."""
    return real_sqlite_service.event(guests_see_all_photos=True)


@pytest.fixture(scope="module")
def sent(real_sqlite_service: Service, event: EventInfo) -> Send:
    """A function that uploads one file of the cases and returns its photo, processed, as the list has it.

    `name` is the file's name as it is sent, by default its own; `data` replaces its bytes.
    """

    def send(file: str, name: str | None = None, data: bytes | None = None) -> Json:
        answer = real_sqlite_service.upload(event, case(file) if data is None else data, names=[name or file])
        assert not answer["rejected"], answer
        photos = real_sqlite_service.process_photos(event)
        return next(each for each in photos if each["id"] == answer["uploaded_photos"][0]["id"])

    return send


def rendition(service: Service, event: EventInfo, photo: Json, size: str = "web") -> BgrImage:
    """Return a photo's rendition as the browser decodes it: (height, width, 3), BGR, 8 bits."""
    answer = service.get(f"/api/photo/{photo['id']}", event.photographer, params={"size": size})
    assert answer.status_code == 200, answer.text
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image, np.uint8)

"""The cover of a poster: cut to its place, as large as it has to be, from the file that can be read."""

from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

import errors
import storage
from decoding import tasks
from decoding.decoder import Decoder, Overran
from events.cover_focus import Focus
from faces.local import LocalEngine
from images import NormalisedImage
from models import Photo
from posters import cover


def cut(
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, int],
    width: int,
    height: int,
    focus: tuple[float, float] = (0.5, 0.2),
) -> Any:
    """Return the picture made of one of that shape (height, width) that is dark below its middle."""
    picture = np.full((*shape, 3), 230, np.uint8)
    picture[shape[0] // 2 :] = 30
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    monkeypatch.setattr(storage, "get", lambda key: data)
    told, jpeg = tasks.print_picture(LocalEngine, {"key": "k", "width": width, "height": height, "focus": focus}, b"")
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape[:2] == (told["height"], told["width"])
    return image


@pytest.mark.parametrize(
    ("shape", "asked", "made"),
    [
        ((1000, 3000), (600, 600), (600, 600)),
        ((3000, 1000), (900, 450), (900, 450)),
        ((300, 300), (900, 450), (300, 150)),
        ((10, 4000), (900, 450), (20, 10)),
    ],
)
def test_it_has_the_proportions_of_its_place(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], asked: tuple[int, int], made: tuple[int, int]
) -> None:
    assert cut(monkeypatch, shape, *asked).shape[1::-1] == made


@pytest.mark.parametrize(("above", "bright"), [(0.0, 1.0), (0.2, 0.8), (1.0, 0.0)])
def test_it_is_cut_where_it_is_asked(monkeypatch: pytest.MonkeyPatch, above: float, bright: float) -> None:
    image = cut(monkeypatch, (1200, 600), 600, 600, (0.5, above))
    assert (image[:, 300, 0] > 128).mean() == pytest.approx(bright, abs=0.02)


class Reader:
    """Stands for a decoder: what it does with each file is given."""

    def __init__(self, **files: object) -> None:
        self._files = files

    def print_picture(
        self, key: str, pixels: int, width: int, height: int, focus: tuple[float, float]
    ) -> NormalisedImage:
        found = self._files[key.split("/")[2]]
        if isinstance(found, Exception):
            raise found
        return NormalisedImage(b"", cast(int, found), 1)


def made(monkeypatch: pytest.MonkeyPatch, **files: object) -> bytes:
    photo = Photo(id=1, event_id=1, filename="a.jpg", rendition_set=0, width=10, height=10)
    monkeypatch.setattr(cover, "_photo", lambda event: photo)
    monkeypatch.setattr(cover, "focus_of", lambda photo, place: Focus())
    event = cast(Any, SimpleNamespace())
    return cover.cover_for(event, cast(Decoder, Reader(**files)), 100, 50, printed=True)


def test_the_rendition_serves_where_the_original_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch, original=Overran("slow"), web=1000) == b""
    assert made(monkeypatch, original=1000, web=Overran("slow")) == b""


def test_what_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.CoverTooSmall):
        made(monkeypatch, original=storage.MissingObject("gone"), web=500)
    with pytest.raises(errors.NoCover):
        made(monkeypatch, original=storage.MissingObject("gone"), web=storage.MissingObject("gone"))
    with pytest.raises(errors.ImageTooCostly):
        made(monkeypatch, original=Overran("slow"), web=Overran("slow"))

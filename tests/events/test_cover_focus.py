"""Where a cover is cut: faces stay in view, whatever the proportions of its place."""

import itertools

import pytest

from events.cover_focus import HIGH, MIDDLE, Focus, focus_on

TALL, WIDE = (1000, 1500), (1500, 1000)
# The places of covers: wide ones of pages and posters, and the narrow one of a table card.
PLACES = (2.2, 2.0, 1.5, 1.39, 1.0, 0.48)
Face = tuple[float, float, float, float]


def kept(size: tuple[int, int], focus: Focus, place: float) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of what a place shows of a picture, in px."""
    wide, tall = min(size[0], size[1] * place), min(size[1], size[0] / place)
    left, top = (size[0] - wide) * focus.x, (size[1] - tall) * focus.y
    return left, top, left + wide, top + tall


def inside(face: Face, shown: tuple[float, float, float, float]) -> bool:
    x, y, width, height = face
    return x >= shown[0] and y >= shown[1] and x + width <= shown[2] and y + height <= shown[3]


@pytest.mark.parametrize("size", [TALL, WIDE])
@pytest.mark.parametrize("place", PLACES)
def test_a_face_stays_wherever_it_is(size: tuple[int, int], place: float) -> None:
    for x, y in itertools.product(range(0, size[0] - 200, 100), range(0, size[1] - 200, 100)):
        face = (x, y, 150, 180)
        # Found for one place, it holds in every other.
        assert inside(face, kept(size, focus_on(size, [face], 2.0), place)), face
        shown = kept(size, focus_on(size, [face], place), place)
        assert shown[1] <= max(0, y - 0.5 * 180)


def test_a_couple_stays_together_and_the_crowd_behind_it_gives_way() -> None:
    couple = [(300.0, 150.0, 180.0, 220.0), (560.0, 220.0, 170.0, 210.0)]
    crowd = [(100.0 * at, 1350.0, 60.0, 70.0) for at in range(9)]
    for place in PLACES[:5]:
        shown = kept(TALL, focus_on(TALL, [*crowd, *couple], place), place)
        assert [inside(face, shown) for face in couple] == [True, True]


def test_without_faces_the_upper_third_stays() -> None:
    for place in PLACES[:3]:
        _, top, _, bottom = kept(TALL, focus_on(TALL, [], place), place)
        assert top <= 1500 * 0.2
        assert top < 500 < bottom
    assert focus_on(TALL, [], 1.5) == Focus(MIDDLE, HIGH)
    assert focus_on((0, 0), [(0, 0, 1, 1)], 1.5) == Focus(MIDDLE, HIGH)


def test_a_face_as_large_as_the_picture() -> None:
    assert focus_on(TALL, [(-50, -20, 1200, 1700)], 2.0) == Focus(MIDDLE, HIGH)

"""Where a face is after its photo was read again, and which new face a guest's confirmation then means."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from faces.calibration import LOCAL
from matching.reprocessing.places import SeenFace, Way, pairs, place_of, way_between

OLD, TURNED = (800, 600), (600, 800)
BOXES = [(100.0, 80.0, 60.0, 80.0), (500.0, 90.0, 70.0, 90.0), (300.0, 400.0, 80.0, 100.0)]


def unit(axis: int) -> Any:
    return np.eye(16, dtype=np.float32)[axis]


def seen(boxes: Sequence[Sequence[float]], *, embedded: bool) -> list[SeenFace]:
    return [SeenFace(box, unit(number) if embedded else None) for number, box in enumerate(boxes)]


@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("turns", [(t, x, y) for t in (False, True) for x in (False, True) for y in (False, True)])
def test_every_turn_is_found_by_its_faces(turns: tuple[bool, bool, bool], scale: int, embedded: bool) -> None:
    new = tuple(scale * side for side in (TURNED if turns[0] else OLD))
    true = Way(OLD, (new[0], new[1]), *turns)
    after = seen([true.box(box) for box in BOXES], embedded=embedded)
    assert way_between(OLD, (new[0], new[1]), seen(BOXES, embedded=embedded), after) == true
    assert pairs(BOXES, [each.box for each in after], true) == [(0, 0), (1, 1), (2, 2)]


def test_two_faces_that_a_turn_to_either_side_exchanges_are_told_apart_by_who_they_are() -> None:
    boxes = [(0.0, 270.0, 60.0, 60.0), (740.0, 270.0, 60.0, 60.0)]
    for turns in ((True, True, False), (True, False, True)):
        true = Way(OLD, TURNED, *turns)
        after = seen([true.box(box) for box in boxes], embedded=True)
        way = way_between(OLD, TURNED, seen(boxes, embedded=True), after)
        assert [way.box(box) for box in boxes] == [each.box for each in after]


def test_without_faces_or_a_turn_that_fits_places_are_scaled() -> None:
    assert way_between(OLD, OLD, [], []).changes_nothing
    assert way_between(OLD, (400, 300), seen(BOXES, embedded=False), []).box(BOXES[0]) == [50, 40, 30, 40]
    assert way_between(OLD, (800, 300), [], seen(BOXES, embedded=True)).box(BOXES[0]) == [100, 40, 60, 40]


def test_a_confirmation_means_the_face_at_its_place() -> None:
    way = Way(OLD, OLD)
    near = (105.0, 85.0, 60.0, 80.0)
    after = [SeenFace(near, unit(0)), SeenFace(BOXES[1], unit(1))]
    assert place_of(SeenFace(BOXES[0], unit(0)), way, after, LOCAL) == list(near)
    assert place_of(SeenFace(BOXES[0], None), way, after, LOCAL) == list(near), "Azure: by the place alone"


def test_a_confirmation_never_means_somebody_elses_face() -> None:
    way, mine = Way(OLD, OLD), SeenFace(BOXES[0], unit(0))
    stranger = SeenFace(BOXES[0], unit(5))
    x, y, width, height = place_of(mine, way, [stranger], LOCAL)
    assert (x, y, width, height) == (130, 120, 0, 0), "a point, which no face covers"
    elsewhere = SeenFace(BOXES[2], unit(0))
    assert place_of(mine, way, [stranger, elsewhere], LOCAL) == list(BOXES[2])
    assert place_of(mine, way, [SeenFace(BOXES[1], unit(7))], LOCAL) == list(BOXES[0]), "the place stays"
    assert place_of(mine, way, [], LOCAL) == list(BOXES[0])

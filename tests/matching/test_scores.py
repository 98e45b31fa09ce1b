"""Matches depend on the faces alone: not on the order of arrival, nor on the blocks they are stored in."""

import numpy as np
import pytest

from encryption.templates import quantised
from faces.calibration import LOCAL, Calibration
from matching.matrices import Block
from matching.similarity import Thresholds, affected_portraits, exact_cosines, thresholds_for
from tests.matching.scenes import found_with

Rows = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

# Of an event of 300 faces.
FEW = Thresholds(0.44, 0.48, 0.3857)


def unit(rows: int, seed: int) -> Rows:
    found = np.random.default_rng(seed).standard_normal((rows, 128))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def near(person: Rows, cosine: float, seed: int) -> Rows:
    """Return a face with this cosine to `person`."""
    other = unit(1, seed)[0].astype(np.float64)
    other -= (other @ person) * person
    other /= np.linalg.norm(other)
    return np.asarray(cosine * person + np.sqrt(1 - cosine**2) * other, np.float32)


def block(rows: Rows, first: int = 1, photos: list[int] | None = None) -> Block:
    ids = np.arange(first, first + len(rows), dtype=np.int64)
    return Block(ids, ids * 10 if photos is None else np.array(photos, np.int64), quantised(rows))


def test_the_cosine_is_the_same_whatever_it_is_computed_beside() -> None:
    faces, selfies = quantised(unit(500, 1)), unit(50, 2)
    for guest in range(50):
        together = exact_cosines(faces, selfies[guest])
        assert together.tolist() == [exact_cosines(faces[n : n + 1], selfies[guest])[0] for n in range(500)]


def test_what_is_held_of_a_face_is_right_to_a_fiftieth_of_a_point() -> None:
    faces, selfies = unit(2_000, 11), unit(20, 12)
    for selfie in selfies:
        true = faces.astype(np.float64) @ selfie.astype(np.float64)
        assert np.abs(exact_cosines(quantised(faces), selfie) - true).max() < 0.0002


def test_a_face_at_the_threshold_is_found_among_tens_of_thousands() -> None:
    person = unit(1, 13)[0]
    rows = np.concatenate([near(person, 0.7, 14)[None], unit(70_000, 15), near(person, 0.4405, 16)[None]])
    found = found_with([block(rows[:40_000]), block(rows[40_000:], 40_001)], person, FEW).faces
    true = {10 * (n + 1) for n in np.flatnonzero(rows.astype(np.float64) @ person.astype(np.float64) >= 0.44)}
    assert true <= set(found)
    assert {10, 700_020} <= true


def test_of_several_similar_faces_in_a_photo_the_most_similar_counts_and_of_equals_the_first() -> None:
    person, stranger = unit(2, 3)
    rows = np.stack([near(person, 0.9, 4), person, stranger, person, person])
    photos = [10, 10, 11, 12, 12]
    # The first photo's faces, and the second's, may lie in two blocks.
    parts = [block(rows[a:b], a + 1, photos[a:b]) for a, b in ((0, 1), (1, 4), (4, 5))]
    found = found_with(parts, person, Thresholds(0.4, 0.44, 0.3457)).faces
    assert {photo: face for photo, (face, _) in found.items()} == {10: 2, 12: 4}
    assert found[10][1] == pytest.approx(1.0, abs=0.0002)


@pytest.mark.parametrize(
    ("faces", "expected"), [(0, 0.40), (60, 0.40), (300, 0.44), (4_000, 0.50), (20_000, 0.54), (10_000_000, 0.58)]
)
def test_the_larger_the_event_the_stricter_it_is(faces: int, expected: float) -> None:
    assert thresholds_for(faces, LOCAL, 0.40).first == expected


def test_a_stricter_or_more_generous_setting_is_where_the_threshold_starts() -> None:
    assert thresholds_for(10, LOCAL, 0.45).first == 0.45
    assert thresholds_for(10, LOCAL, 0.36).first == 0.36
    assert thresholds_for(4_000, LOCAL, 0.36).first >= 0.48
    assert thresholds_for(10_000_000, LOCAL, 0.70).first == 0.70


def test_an_engine_of_another_scale_rises_and_shows_scores_as_the_local_one_does() -> None:
    other = Calibration(at_1e_3=0.7, per_decade=0.05, lowest=0.74)
    for faces in (60, 300, 4_000, 20_000, 10_000_000):
        here, there = thresholds_for(faces, LOCAL), thresholds_for(faces, other)
        decades = [
            (each - known.at_1e_3) / known.per_decade for each, known in ((here.first, LOCAL), (there.first, other))
        ]
        assert decades[0] == pytest.approx(decades[1], abs=0.4), "the same rate of strangers, but for the steps"
        assert there.second > there.first
    assert [other.score(each) for each in (0.74, 1.0, 0.69)] == [40.0, 100.0, pytest.approx(34.57)]
    assert [LOCAL.score(each) for each in (0.4, 0.5678, 0.2, 1.0)] == [40.0, 56.78, 20.0, 100.0]


def mixed(person: Rows, day: Rows, of_person: float, of_day: float, seed: int) -> Rows:
    """Return a face: the person, their look of the day, and noise of this picture."""
    accidents = unit(1, seed)[0].astype(np.float64)
    for known in (person, day):
        accidents -= (accidents @ known) * known
    accidents /= np.linalg.norm(accidents)
    rest = np.sqrt(1 - of_person**2 - of_day**2)
    return np.asarray(of_person * person + of_day * day + rest * accidents, np.float32)


def test_the_second_look_finds_what_is_near_to_the_found_and_not_to_the_selfie() -> None:
    person = unit(1, 5)[0]
    day = near(person, 0.0, 6)
    sure = [mixed(person, day, 0.6, 0.6, seed) for seed in range(20, 26)]
    turned_away, stranger = mixed(person, day, 0.40, 0.65, 77), near(person, 0.43, 90)
    found = found_with([block(np.stack([*sure, turned_away, stranger]))], person, FEW)
    assert set(found.faces) == {10, 20, 30, 40, 50, 60, 70}
    # Without certain matches there is no second search.
    assert found_with([block(turned_away[None])], person, FEW).faces == {}


def test_faces_that_touch_nobody_change_nobodys_matches() -> None:
    selfies, dice = unit(40, 6), np.random.default_rng(7)
    rows = np.stack([near(selfies[dice.integers(40)], dice.uniform(0.2, 0.9), 100 + n) for n in range(400)])
    unchanged = 0
    for count in range(20, 400, 20):
        before, fresh = block(rows[:count]), block(rows[count : count + 20], count + 1)
        known = [found_with([before], selfie, FEW) for selfie in selfies]
        means = np.stack([each.mean if each.mean is not None else np.zeros(128, np.float32) for each in known])
        hit = set(affected_portraits(fresh.embeddings, selfies, means, FEW).tolist())
        for guest in set(range(40)) - hit:
            after = found_with([before, fresh], selfies[guest], FEW)
            assert after.faces == known[guest].faces
            unchanged += 1
        assert hit
    assert unchanged > 100


def test_the_order_of_arrival_does_not_show() -> None:
    selfie = unit(1, 8)[0]
    rows = np.stack([near(selfie, 0.3 + n / 200, 500 + n) for n in range(100)])
    together = found_with([block(rows)], selfie, FEW)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(100)
        photos = [int(n) for n in order + 1]
        shuffled = found_with([block(rows[order], 1, photos)], selfie, FEW)
        assert {photo * 10: score for photo, (_, score) in shuffled.faces.items()} == {
            photo: score for photo, (_, score) in together.faces.items()
        }

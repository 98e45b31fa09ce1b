"""A guest has the same rows whether the selfie or the photos came first: asked of rows that arrive one by one."""

import numpy as np
import pytest

from encryption.templates import quantised
from faces.calibration import LOCAL
from faces.fake import ENGINE_ID
from matching.matrices import Block
from matching.service import record_photo
from matching.similarity import exact_cosines, thresholds_for
from tests.matching.scenes import PERSON, Scene, detected, face, found_with, held, new_scene, stranger

THRESHOLDS = thresholds_for(1, LOCAL)
# Found by the second look alone, once six sure ones are known.
TURNED_AWAY = face(0.38, 0.65, 2)
SURE = [face(0.6, 0.6, axis) for axis in range(3, 9)]
# At first sight the first is the guest; by how the guest looks that day, the second.
PAIR = (face(0.42, 0.0, 9), face(0.39, 0.6, 10))
# With the mean of the selfie, the sure ones and the first of the pair it has a cosine of 0.45.
BARELY = face(0.36, 0.295, 11)


@pytest.fixture
def scene(quiet_database: None) -> Scene:
    """An event without guests and photos."""
    return new_scene()


def test_the_rows_are_the_same_whether_the_selfie_or_the_photos_came_first(scene: Scene) -> None:
    early = scene.guest_with_selfie()
    arriving = [(TURNED_AWAY,), PAIR, *((each,) for each in SURE), (stranger(90),), (BARELY,)]
    photo_ids = [scene.photo(*arriving[0]), scene.photo(*arriving[1])]
    between = scene.guest_with_selfie()
    photo_ids += [scene.photo(*each) for each in arriving[2:]]
    late = scene.guest_with_selfie()
    assert scene.rows(early) == scene.rows(between) == scene.rows(late)
    assert set(scene.rows(late)) == {*photo_ids[:-2], photo_ids[-1]}


def test_scores_and_faces_of_earlier_photos_change_with_the_photos_that_come(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    pair, first = scene.photo(*PAIR), scene.photo(SURE[0])
    before = scene.rows(guest)
    for each in SURE[1:]:
        scene.photo(each)
    after = scene.rows(guest)
    assert (before[pair][0] or 0) + 1 == after[pair][0], "of the pair, the face that the second look prefers"
    assert before[first][0] == after[first][0]
    assert before[first][1] < after[first][1], "the mean has come nearer to how the guest looks that day"


def test_a_face_just_over_the_second_threshold_is_found_as_it_comes(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    for each in (PAIR, *((sure,) for sure in SURE)):
        scene.photo(*each)
    # The cosine of the second with the mean is 0.43.
    barely, below = scene.photo(BARELY), scene.photo(face(0.36, 0.26, 12))
    assert THRESHOLDS.first < 0.43 < THRESHOLDS.second < 0.45 < THRESHOLDS.second + LOCAL.margin
    for who in (guest, scene.guest_with_selfie()):
        assert barely in scene.rows(who)
        assert below not in scene.rows(who)


def test_a_photo_processed_again_counts_with_its_new_faces_alone(scene: Scene) -> None:
    early = scene.guest_with_selfie()
    photo_ids = [scene.photo(each) for each in SURE]
    again = scene.photo(PERSON, stranger(91))
    record_photo(again, ENGINE_ID, [detected(stranger(91)), detected(TURNED_AWAY)], held)
    late = scene.guest_with_selfie()
    scene.photo(stranger(92))
    after_more = scene.guest_with_selfie()
    assert scene.rows(early) == scene.rows(late) == scene.rows(after_more)
    assert set(scene.rows(early)) == {*photo_ids, again}
    record_photo(again, ENGINE_ID, [], held)
    assert again not in scene.rows(early)


def test_a_photo_of_another_engine_shows_nobody(scene: Scene) -> None:
    early = scene.guest_with_selfie()
    other = scene.photo(PERSON, engine_id="another-engine")
    scene.photo(stranger(93))
    late = scene.guest_with_selfie()
    assert other not in scene.rows(early)
    assert other not in scene.rows(late)


def test_photos_are_compared_with_the_newest_selfie_of_a_guest(scene: Scene) -> None:
    guest = scene.guest_with_selfie()
    scene.selfie(guest, stranger(94))
    _, after = scene.photo(PERSON), scene.photo(stranger(94))
    assert set(scene.rows(guest)) == {after}


# --- numbers alone ---------------------------------------------------------------------------------


def block(*embeddings: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Block:
    ids = np.arange(1, len(embeddings) + 1, dtype=np.int64)
    return Block(ids, ids * 10, quantised(np.stack(embeddings)))


def test_a_refused_photo_counts_as_if_it_were_not_there() -> None:
    # Without the impostor nothing is near enough to the mean.
    sure, impostor, like_the_impostor = face(0.6, 0.0, 19), face(0.45, -0.85, 20), face(0.3, -0.7, 21)
    everything = block(sure, like_the_impostor, impostor)
    found = found_with([everything], PERSON, THRESHOLDS)
    assert set(found.faces) == {10, 20, 30}
    without, refused = found_with([block(sure, like_the_impostor)], PERSON, THRESHOLDS), {30}
    known = found_with([everything], PERSON, THRESHOLDS, refused)
    assert known.faces == without.faces
    assert known.mean is not None
    assert without.mean is not None
    assert known.mean.tolist() == without.mean.tolist()


def test_no_cosine_is_above_one() -> None:
    # Rounded to 16 bits, a vector may be a little longer than 1.
    dice = np.random.default_rng(1)
    for _ in range(200):
        drawn = dice.standard_normal(128)
        each = np.asarray(drawn / np.linalg.norm(drawn), np.float32)
        assert 0.9999 < exact_cosines(quantised(each[None]), each)[0] <= 1

"""A score does not depend on which side came last."""

import numpy as np

from matching.matrices import EventFaces
from matching.scores import best_faces, exact_cosines


def unit(rows: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    found = np.random.default_rng(seed).standard_normal((rows, 128))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def test_the_cosine_is_the_same_whatever_it_is_computed_beside() -> None:
    faces, selfies = unit(500, 1), unit(50, 2)
    for guest in range(50):
        together = exact_cosines(faces, selfies[guest])
        assert together.tolist() == [exact_cosines(faces[n : n + 1], selfies[guest])[0] for n in range(500)]
        assert together.tolist() == [exact_cosines(selfies[guest : guest + 1], faces[n])[0] for n in range(500)]


def test_of_several_similar_faces_in_a_photo_the_most_similar_counts_and_of_equals_the_first() -> None:
    person, stranger = unit(2, 3)
    near = (person + 0.3 * stranger).astype(np.float32)
    near /= np.linalg.norm(near)
    faces = EventFaces(
        1,
        np.array([1, 2, 3, 4, 5]),
        np.array([10, 10, 11, 12, 12]),
        np.stack([near, person, stranger, person, person]),
    )
    found = best_faces(faces, person)
    assert {photo: face for photo, (face, _) in found.items()} == {10: 2, 12: 4}
    assert found[10][1] == 1.0

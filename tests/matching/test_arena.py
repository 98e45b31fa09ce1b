"""The memory for faces: what is written, erased, and given back."""

import gc

import numpy as np
import pytest

from matching import process_locks
from matching.arena import UNIT_BYTES, UNIT_ROWS, UNREADABLE, Arena, Held

ENGINE = "an-engine"
MATRIX_PAGES = UNIT_ROWS * 128 * 2 // 1024


@pytest.fixture(params=["alone", "shared"])
def arena(request: pytest.FixtureRequest) -> Arena:
    """Room for eight units."""
    return Arena(8 * UNIT_BYTES, process_locks.lock_file() if request.param == "shared" else None)


def held_in(arena: Arena, event_id: int) -> Held:
    held = arena.hold((event_id, ENGINE), 1)
    assert held is not None
    return held


def rows_of(first_id: int, number: int, dimensions: int = 128) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ids = np.arange(first_id, first_id + number, dtype=np.int64)
    return ids, ids + 7, np.repeat(ids.astype(np.int16)[:, np.newaxis], dimensions, axis=1)


def content(arena: Arena, held: Held, longest: int = 1000) -> list[tuple[int, int, bytes]]:
    return [
        (int(face), int(photo), row.tobytes())
        for each in arena.views(held, arena.rows(held), longest)
        for face, photo, row in zip(each.face_ids, each.photo_ids, each.embeddings, strict=True)
        if photo > 0
    ]


@pytest.mark.parametrize("dimensions", [8, 128, 300])
def test_rows_come_back_as_they_were_added(arena: Arena, dimensions: int) -> None:
    held = held_in(arena, 1)
    others = held_in(arena, 2)
    expected = list[tuple[int, int, bytes]]()
    for first, number in ((1, 3), (10, 500), (600, 900), (1501, 1)):
        rows = rows_of(first, number, dimensions)
        assert arena.append(held, *rows)
        assert arena.append(others, *rows_of(first, 5, dimensions))
        expected += [(int(face), int(photo), row.tobytes()) for face, photo, row in zip(*rows, strict=True)]
        assert arena.last_id(held) == int(rows[0][-1])
    for longest in (7, 1000):
        assert content(arena, held, longest) == expected
    assert max(len(each.face_ids) for each in arena.views(held, arena.rows(held), 7)) == 7


def test_an_erased_row_is_overwritten_and_an_erased_unit_given_back(arena: Arena) -> None:
    held = held_in(arena, 1)
    assert arena.append(held, *rows_of(1, 2 * UNIT_ROWS))
    everything = content(arena, held)
    template = np.full(128, 5, np.int16).tobytes()
    assert template in bytes(arena._memory)
    arena.erase(held, np.array([4]))
    assert template not in bytes(arena._memory)
    assert content(arena, held) == [each for each in everything if each[0] != 5]
    arena.erase(held, np.arange(UNIT_ROWS))
    assert content(arena, held) == everything[UNIT_ROWS:]
    # Reading an erased unit would take its pages again.
    assert sum(len(each.face_ids) for each in arena.views(held, arena.rows(held), 1000)) == UNIT_ROWS
    assert arena.last_id(held) == 2 * UNIT_ROWS
    assert arena.append(held, *rows_of(3000, 1))
    assert content(arena, held)[-1][0] == 3000


def test_a_unit_that_was_all_erased_is_written_again(arena: Arena) -> None:
    held = held_in(arena, 1)
    assert arena.append(held, *rows_of(1, 10))
    arena.erase(held, np.arange(10))
    assert content(arena, held) == []
    assert arena.append(held, *rows_of(20, 2))
    assert [each[0] for each in content(arena, held)] == [20, 21]


def test_the_event_used_least_recently_leaves_unless_a_match_uses_it(arena: Arena) -> None:
    used = held_in(arena, 1)
    for event_id in (1, 2, 3):
        assert arena.append(held_in(arena, event_id), *rows_of(1, 2 * UNIT_ROWS))
    held_in(arena, 2)
    gc.collect()
    assert arena.append(held_in(arena, 4), *rows_of(1, 3 * UNIT_ROWS))
    assert {event_id for event_id, _ in arena.held_keys()} == {1, 2, 4}
    assert len(content(arena, used)) == 2 * UNIT_ROWS
    assert not arena.free((1, ENGINE))
    del used
    assert arena.free((1, ENGINE))


def test_more_than_there_is_room_for_is_refused_and_changes_nothing(arena: Arena) -> None:
    held = held_in(arena, 1)
    assert arena.append(held, *rows_of(1, 8 * UNIT_ROWS))
    assert not arena.append(held, *rows_of(5000, 1))
    assert len(content(arena, held)) == 8 * UNIT_ROWS
    assert not arena.append(held_in(arena, 2), *rows_of(1, 1))


def test_nothing_is_left_of_what_a_process_had_begun(arena: Arena) -> None:
    held = held_in(arena, 1)
    assert arena.append(held, *rows_of(1, 3))
    assert arena.append(held, *rows_of(10, 3))
    # As if it had been killed before the last three were counted.
    arena._entries["rows"][held.place] = 3
    arena.tidy()
    assert np.full(128, 11, np.int16).tobytes() not in bytes(arena._memory)
    assert [each[0] for each in content(arena, held)] == [1, 2, 3]
    # As if it had been killed while it gave back the event.
    arena._entries["is_live"][held.place] = 0
    arena.tidy()
    assert arena.taken() == 0
    assert np.full(128, 2, np.int16).tobytes() not in bytes(arena._memory)


def test_unreadable_rows_are_no_faces_and_keep_their_place(arena: Arena) -> None:
    held = held_in(arena, 1)
    ids, photos, embeddings = rows_of(1, 4)
    photos[1:3] = UNREADABLE
    assert arena.append(held, ids, photos, embeddings)
    assert [each[0] for each in content(arena, held)] == [1, 4]
    assert (arena.live(held), arena.rows(held)) == (2, 4)

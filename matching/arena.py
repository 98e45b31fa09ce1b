"""Memory for the faces of many events, which several processes can share.

One anonymous mapping, made before the processes are forked: it has no name, nobody else can open it, and it ends with
the last of them, however they end. Pages are taken when they are written and given back when their faces go.

Rows are given to events in units. Each event has an entry, whose `rows` says how many of its rows may be read. Rows
are written first and counted then, so a process that dies between leaves nothing that another one would read.

When a face is erased, its embedding is overwritten with zeros and its photo becomes `ERASED`; its id stays.
"""

import mmap
import sys
import time
import weakref
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encryption.templates import Quantised
from matching.process_locks import ProcessLocks

# Rows of a unit: the ids of 512 rows, of 8 bytes, are one page.
UNIT_ROWS = 512
# Components of a unit: embeddings of 128 components fill it; of larger ones it holds fewer rows.
COMPONENTS = 128
UNIT_COMPONENTS = UNIT_ROWS * COMPONENTS
UNIT_BYTES = UNIT_ROWS * (8 + 8 + 2 * COMPONENTS)
MAX_ENTRIES = 4096
# In the place of a photo's id: the face has been erased, or its template cannot be read.
ERASED, UNREADABLE = 0, -1
# Linux: pages are not counted before they are touched. Python has no name for it before 3.13.
_MAP_NORESERVE = 0x4000 if sys.platform == "linux" else 0
_ENTRY = np.dtype(
    [
        ("is_live", np.int64),
        ("event", np.int64),
        ("engine", "S64"),
        ("version", np.int64),
        ("dimensions", np.int64),
        ("rows", np.int64),
        # Beyond `rows` while rows are written.
        ("begun", np.int64),
        ("used", np.float64),
        ("complete", np.float64),
    ]
)
Key = tuple[int, str]


class Views(NamedTuple):
    """A part of an event's rows, read only: `face_ids` (n,), `photo_ids` (n,), `embeddings` (n, dimensions)."""

    face_ids: NDArray[np.int64]
    photo_ids: NDArray[np.int64]
    embeddings: Quantised


class Held:
    """An event's entry in the memory, which is not freed while this object lives."""

    def __init__(self, arena: "Arena", place: int) -> None:
        """Made by `Arena.hold` alone."""
        self.arena, self.place = arena, place
        weakref.finalize(self, arena.locks.give_back, place, arena.locks.epoch).atexit = False


class Arena:
    """The memory: `size` bytes, of which only what is written is taken."""

    def __init__(self, size: int, file: int | None = None) -> None:
        """With a `file` for locks, processes that are forked from now on share it.

        Raises:
            OSError: the system does not give so much address space.
        """
        units = max(1, size // UNIT_BYTES)
        self._entries_number = min(units, MAX_ENTRIES)
        self.locks = ProcessLocks(self._entries_number, file)
        head = self._entries_number * _ENTRY.itemsize + units * 9
        head = -(-head // mmap.PAGESIZE) * mmap.PAGESIZE
        flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        self._memory = mmap.mmap(-1, head + units * UNIT_BYTES, flags=flags)
        if hasattr(mmap, "MADV_DONTDUMP"):
            # Templates must not get to the disk with a core dump.
            self._memory.madvise(mmap.MADV_DONTDUMP)
        self._entries = np.frombuffer(self._memory, _ENTRY, self._entries_number)
        self._owners = np.frombuffer(self._memory, np.int32, units, self._entries.nbytes)
        self._order = np.frombuffer(self._memory, np.int32, units, self._entries.nbytes + units * 4)
        # Units whose rows are all erased: reading them would take their pages again.
        self._emptied = np.frombuffer(self._memory, np.int8, units, self._entries.nbytes + units * 8)
        self._starts = (head, head + units * UNIT_ROWS * 8, head + units * UNIT_ROWS * 16)
        self._face_ids = np.frombuffer(self._memory, np.int64, units * UNIT_ROWS, self._starts[0])
        self._photo_ids = np.frombuffer(self._memory, np.int64, units * UNIT_ROWS, self._starts[1])
        self._components = np.frombuffer(self._memory, np.int16, units * UNIT_COMPONENTS, self._starts[2])

    # --- entries -----------------------------------------------------------------------------------

    def hold(self, key: Key, version: int | None = None) -> Held | None:
        """Return the entry of an event by an engine. Without one, it is made if a `version` is given.

        None if there is none, or no place for one.
        """
        with self.locks.directory():
            place = self._find(key)
            if place is None and version is not None:
                place = self._new(key, version)
            if place is None:
                return None
            self.locks.use(place)
            self._entries["used"][place] = time.monotonic()
            return Held(self, place)

    def held_keys(self) -> list[Key]:
        """Return the events that have an entry, by engine."""
        live = np.flatnonzero(self._entries["is_live"])
        return [(int(self._entries["event"][place]), self._entries["engine"][place].decode()) for place in live]

    def version(self, held: Held) -> int:
        """Return the version of the event up to which deleted faces are erased here."""
        return int(self._entries["version"][held.place])

    def note_version(self, held: Held, version: int) -> None:
        """Record that the faces deleted up to this version of the event are erased here."""
        with self.locks.directory():
            self._entries["version"][held.place] = max(version, self.version(held))

    def rows(self, held: Held) -> int:
        """Return how many rows of the entry can be read; also of faces that are erased or unreadable."""
        return int(self._entries["rows"][held.place])

    def live(self, held: Held) -> int:
        """Return how many rows of the entry are of faces that can be matched."""
        return sum(int(np.count_nonzero(each.photo_ids > 0)) for each in self.views(held, self.rows(held), 1 << 40))

    def dimensions(self, held: Held) -> int:
        """Return the components of each embedding; 0 before the first row."""
        return int(self._entries["dimensions"][held.place])

    def note_complete(self, held: Held) -> None:
        """Record that the entry has now all faces of the database."""
        self._entries["complete"][held.place] = time.monotonic()

    def is_complete(self, held: Held, seconds: float) -> bool:
        """Return whether the entry has had all faces of the database within so many seconds."""
        at = float(self._entries["complete"][held.place])
        return at > 0 and time.monotonic() - at <= seconds

    def taken(self) -> int:
        """Return how many bytes the units in use have."""
        return int(np.count_nonzero(self._owners)) * UNIT_BYTES

    def _find(self, key: Key) -> int | None:
        engine = key[1].encode()
        for place in np.flatnonzero(self._entries["event"] == key[0]):
            if self._entries["is_live"][place] and self._entries["engine"][place] == engine:
                return int(place)
        return None

    def _new(self, key: Key, version: int) -> int | None:
        free = np.flatnonzero(self._entries["is_live"] == 0)
        if not free.size:
            self._evict(set())
            free = np.flatnonzero(self._entries["is_live"] == 0)
        if not free.size:
            return None
        place = int(free[0])
        # Of a process that died while it freed the entry.
        self._release(self._units(place))
        self._entries[place] = (0, key[0], key[1].encode(), version, 0, 0, 0, time.monotonic(), 0.0)
        self._entries["is_live"][place] = 1
        return place

    def free(self, key: Key) -> bool:
        """Give the memory of an event back; return False if a match uses it now."""
        with self.locks.directory():
            place = self._find(key)
            if place is not None and not self.locks.is_unused(place):
                return False
            if place is not None:
                self._free(place)
            return True

    def _free(self, place: int) -> None:
        self._entries["is_live"][place] = 0
        self._entries["event"][place] = 0
        self._release(self._units(place))

    def _evict(self, kept: set[int]) -> bool:
        """Free the least recently used entry that no process uses; return whether there was one."""
        live = np.flatnonzero(self._entries["is_live"])
        for place in live[np.argsort(self._entries["used"][live])].tolist():
            if place not in kept and self.locks.is_unused(place):
                self._free(place)
                return True
        return False

    def tidy(self) -> None:
        """Give back and overwrite what processes that died have begun."""
        with self.locks.directory():
            lost = (self._owners > 0) & (self._entries["is_live"][self._owners - 1] == 0)
            if lost.any():
                self._release(np.flatnonzero(lost))
        for place in np.flatnonzero(self._entries["begun"] > self._entries["rows"]).tolist():
            with self.locks.directory():
                if not self._entries["is_live"][place]:
                    continue
                self.locks.use(place)
                held = Held(self, place)
            with self.locks.writing(place, 0) as may_write:
                rows, begun = self.rows(held), int(self._entries["begun"][place])
                if may_write and begun > rows:
                    self.erase(held, np.arange(rows, begun))
                    self._entries["begun"][place] = rows

    # --- rows --------------------------------------------------------------------------------------

    def append(
        self, held: Held, face_ids: NDArray[np.int64], photo_ids: NDArray[np.int64], embeddings: Quantised
    ) -> bool:
        """Add rows (n,), (n,), (n, dimensions); return False without room for them. The caller is the writer."""
        place, rows = held.place, self.rows(held)
        entry = self._entries
        if not entry["dimensions"][place]:
            entry["dimensions"][place] = embeddings.shape[1] or COMPONENTS
        dimensions = int(entry["dimensions"][place])
        ends = rows + face_ids.size
        if embeddings.shape[1] != dimensions or dimensions > UNIT_COMPONENTS or not self._has_room(place, ends):
            return False
        entry["begun"][place] = ends
        self._emptied[self._units(place)[rows // self._rows_per_unit(place) :]] = 0
        done = 0
        for units in self._pieces(place, rows, ends):
            part = slice(done, done + units.face_ids.size)
            units.face_ids[:], units.photo_ids[:] = face_ids[part], photo_ids[part]
            units.embeddings[:] = embeddings[part]
            done = part.stop
        # Taking and releasing the lock orders the writes above before the number that lets them be read.
        with self.locks.directory():
            entry["rows"][place] = ends
        return True

    def erase(self, held: Held, rows: NDArray[np.intp]) -> None:
        """Overwrite these rows, and give back the pages of units that have no other. The caller is the writer."""
        if not rows.size:
            return
        place = held.place
        where, dimensions = self._where(place, rows), self.dimensions(held)
        self._photo_ids[where] = ERASED
        touched = np.unique(where // UNIT_ROWS)
        photos = self._photo_ids.reshape(-1, UNIT_ROWS)
        empty = touched[~(photos[touched] > 0).any(axis=1)]
        left = where[~np.isin(where // UNIT_ROWS, empty)]
        begins = left // UNIT_ROWS * UNIT_COMPONENTS + left % UNIT_ROWS * dimensions
        for start in range(0, len(begins), UNIT_ROWS):
            self._components[begins[start : start + UNIT_ROWS, np.newaxis] + np.arange(dimensions)] = 0
        self._emptied[empty] = 1
        self._give_back(empty, (2,))

    def views(self, held: Held, rows: int, longest: int, *, with_emptied: bool = False) -> list[Views]:
        """Return the first rows of an entry in parts of at most `longest` rows.

        Without units that are all erased: reading their embeddings would take their pages again.
        """
        found = list[Views]()
        for piece in self._pieces(held.place, 0, rows, with_emptied=with_emptied):
            for each in (piece.face_ids, piece.photo_ids, piece.embeddings):
                each.flags.writeable = False
            for start in range(0, len(piece.face_ids), longest):
                part = slice(start, start + longest)
                found.append(Views(piece.face_ids[part], piece.photo_ids[part], piece.embeddings[part]))
        return found

    def last_id(self, held: Held) -> int:
        """Return the face id of the last row; 0 without rows."""
        rows = self.rows(held)
        return int(self._face_ids[self._where(held.place, np.array([rows - 1]))[0]]) if rows else 0

    # --- units -------------------------------------------------------------------------------------

    def _units(self, place: int) -> NDArray[np.intp]:
        found = np.flatnonzero(self._owners == place + 1)
        return found[np.argsort(self._order[found], kind="stable")]

    def _rows_per_unit(self, place: int) -> int:
        return min(UNIT_ROWS, UNIT_COMPONENTS // max(1, int(self._entries["dimensions"][place])))

    def _where(self, place: int, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        each = self._rows_per_unit(place)
        return np.asarray(self._units(place)[rows // each] * UNIT_ROWS + rows % each)

    def _pieces(self, place: int, start: int, ends: int, *, with_emptied: bool = True) -> Iterator[Views]:
        """Yield the rows from `start` to `ends` as they lie in the memory, adjoining units as one."""
        each, dimensions = self._rows_per_unit(place), int(self._entries["dimensions"][place])
        units = self._units(place)[: -(-ends // each)]
        numbers = np.arange(len(units)) if with_emptied else np.flatnonzero(self._emptied[units] == 0)
        # Larger or smaller embeddings leave gaps between the units.
        adjoin = dimensions == COMPONENTS
        breaks = (np.diff(units[numbers]) != 1) | (np.diff(numbers) != 1) | (not adjoin)
        for run in np.split(numbers, np.flatnonzero(breaks) + 1) if numbers.size else ():
            first, unit = int(run[0]) * each, int(units[run[0]])
            low, high = max(start - first, 0), min(ends - first, len(run) * each)
            if low < high:
                ids = slice(unit * UNIT_ROWS + low, unit * UNIT_ROWS + high)
                at = unit * UNIT_COMPONENTS
                embeddings = self._components[at + low * dimensions : at + high * dimensions].reshape(-1, dimensions)
                yield Views(self._face_ids[ids], self._photo_ids[ids], embeddings)

    def _has_room(self, place: int, rows: int) -> bool:
        """Take the units that an entry of so many rows needs; return False if there are too few."""
        with self.locks.directory():
            there = self._units(place)
            missing = -(-rows // self._rows_per_unit(place)) - len(there)
            while missing > np.count_nonzero(self._owners == 0):
                if not self._evict({place}):
                    return False
            last, number = int(there[-1]) if there.size else -1, len(there)
            for _ in range(missing):
                last = self._next_free(last)
                # The order first: a unit that has an owner has its place, also if the process dies here.
                self._order[last] = number
                self._owners[last] = place + 1
                number += 1
            return True

    def _next_free(self, last: int) -> int:
        """Return the unit after `last` if it is free, else the first of the longest row of free ones."""
        if last + 1 < len(self._owners) and self._owners[last + 1] == 0:
            return last + 1
        free = np.flatnonzero(self._owners == 0)
        runs = np.split(free, np.flatnonzero(np.diff(free) != 1) + 1)
        return int(max(runs, key=len)[0])

    def _release(self, units: NDArray[np.intp]) -> None:
        self._give_back(units, (0, 1, 2))
        self._emptied[units] = 0
        self._owners[units] = 0

    def _give_back(self, units: NDArray[np.intp], columns: tuple[int, ...]) -> None:
        """Give the pages of units back: they read as zeros. `columns`: of face ids, photo ids, embeddings."""
        runs = np.split(units, np.flatnonzero(np.diff(units) != 1) + 1) if units.size else []
        for run in runs:
            for column in columns:
                width = UNIT_ROWS * 8 if column < 2 else UNIT_COMPONENTS * 2
                start = self._starts[column] + int(run[0]) * width
                self._clear(start, len(run) * width)

    def _clear(self, start: int, length: int) -> None:
        try:
            self._memory.madvise(mmap.MADV_REMOVE, start, length)
        except (AttributeError, OSError, ValueError):
            # Another system, or pages of another size: the memory stays taken.
            np.frombuffer(self._memory, np.uint8, length, start)[:] = 0

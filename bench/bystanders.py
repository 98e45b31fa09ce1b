"""Compares what events do with templates of strangers: `python -m bench.bystanders [--seeds 7,11]`.

Composed events (`bench/composed.py`) are played in SQLite through the recording of the service, each in three modes.
Every second guest has a portrait before the photos come; the others send theirs afterwards: with `until_expiry` once
the templates of strangers are erased. Photos are decoded and searched once; each time that the service would do it,
the processor time that it took counts. `--data DIR` takes a folder that `make evaluate` reads instead.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

import images
from accounts.service import NewAccount
from bench import composed
from bench.evaluate.truth import read_folder
from database import reading, transaction
from decoding.portraits import embedding_of
from decoding.tasks import faces_in, reduced
from ending import bystanders
from events import service as events
from events.service import NewEvent
from faces.engine import DetectedFace, Embeddings, FaceEngine
from faces.local import LocalEngine
from guests.registration import add_guest
from guests.wordings import shown
from jobs import queue as job_queue
from matching import queries, rematching
from matching.redetecting import service as redetecting
from matching.service import accept_selfie, record_photo
from models import KEEP, NEVER, PROCESSING, UNTIL_EXPIRY, Event, Face, Photo, Redetection, Selfie, UserEvent, utcnow
from settings import get_settings
from testkit.in_process import service_in_process
from testkit.servers import temporary_folder

MODES = (KEEP, UNTIL_EXPIRY, NEVER)
KEPT_DAYS = 7
_numbers = itertools.count(1)


@dataclass(slots=True)
class SeenPhoto:
    """A photo as the engine sees it: its size, its faces, and the processor seconds that this took."""

    size: tuple[int, int]
    faces: list[DetectedFace]
    seconds: float


@dataclass(slots=True)
class Seen:
    """An event as the engine sees it, by the names of guests and photos, and who is in which photo."""

    portraits: dict[str, Embeddings]
    photos: dict[str, SeenPhoto]
    truth: Mapping[str, set[str]]


def look(selfies: Mapping[str, bytes], photos: Mapping[str, bytes], truth: Mapping[str, set[str]]) -> Seen:
    """Return what the engine `local` sees in these pictures."""
    engine = LocalEngine()
    portraits = {
        name: embedding_of(images.normalise_selfie(data).jpeg, engine, strict=False) for name, data in selfies.items()
    }
    return Seen(portraits, {name: _look_at(data, engine) for name, data in photos.items()}, truth)


def _look_at(data: bytes, engine: FaceEngine) -> SeenPhoto:
    size = images.size_of(data)
    began = time.process_time()
    image = reduced(lambda: engine, data, max(images.WEB_LONG_SIDE, get_settings().detection_long_side or 0))
    found = faces_in(lambda: engine, image, data, max(size))
    return SeenPhoto(size, found, time.process_time() - began)


@dataclass(slots=True)
class Play:
    """One event in one mode, played step by step."""

    seen: Seen
    event: Event
    guests: dict[str, int] = field(default_factory=dict)
    photos: dict[int, str] = field(default_factory=dict)
    # Processor seconds of looking at photos, as often as the service looks at them.
    looking: float = 0.0

    def guest(self, name: str) -> None:
        """Register a guest with a portrait."""
        with transaction() as session:
            account = NewAccount(f"guest{next(_numbers)}", f"{next(_numbers)}@example.org", "")
            user = add_guest(session, account, "no hash", self.event.event_code, "fr", shown("fr"))
            selfie = Selfie(user_id=user.id, storage_key=f"selfies/{next(_numbers)}", status=PROCESSING, attempts=1)
            session.add(selfie)
            session.flush()
        self.guests[name] = user.id
        accept_selfie(selfie.id, self.event.active_engine_id, self.seen.portraits[name], lambda _: True)

    def photo(self, name: str) -> None:
        """Record a photo as its job does."""
        seen, number = self.seen.photos[name], next(_numbers)
        with transaction() as session:
            photo = Photo(
                event_id=self.event.id,
                original_filename=name,
                filename=f"{number}.jpg",
                content_type="image/jpeg",
                sha256=f"{number:064x}",
                size=1,
                width=seen.size[0],
                height=seen.size[1],
                status=PROCESSING,
                attempts=1,
            )
            session.add(photo)
            session.flush()
        self.photos[photo.id] = name
        self.looking += seen.seconds
        record_photo(photo.id, self.event.active_engine_id, seen.faces, lambda _: True)

    def drain(self) -> int:
        """Do all jobs; return how many photos were searched again."""
        number = 0
        while (claim := job_queue.claim_next()) is not None:
            if claim.kind is UserEvent:
                self._rematch(claim.id, claim.is_current)
                continue
            assert claim.kind is Redetection
            number += 1
            photo = redetecting.photo_of(claim.id, self.event.active_engine_id)
            seen = self.seen.photos[self.photos[photo.id]] if photo is not None else None
            self.looking += seen.seconds if seen is not None else 0.0
            faces = seen.faces if seen is not None else None
            redetecting.record(claim.id, self.event.active_engine_id, faces, claim.is_current)
        return number

    def _rematch(self, membership_id: int, is_current: Callable[[UserEvent], bool]) -> None:
        engine_id = self.event.active_engine_id
        found = rematching.selfies_for_membership(membership_id, engine_id)
        embeddings = {each.selfie.id: each.embedding for each in found if each.embedding is not None}
        rematching.rematch(membership_id, engine_id, embeddings, is_current)

    def settle(self) -> int:
        """Search photos again until no guest's mean changes; return how many searches that took."""
        number = self.drain()
        while self._let_calm_pass():
            redetecting.plan()
            number += self.drain()
        return number

    def _let_calm_pass(self) -> bool:
        with transaction() as session:
            event = session.get_one(Event, self.event.id)
            due = event.search_due_at is not None
            event.search_due_at = utcnow() if due else None
        return due

    def erase_strangers(self) -> None:
        """Let the templates of strangers be due, and erase them."""
        with transaction() as session:
            for photo in session.scalars(select(Photo).where(Photo.event_id == self.event.id)):
                photo.uploaded_at -= timedelta(days=KEPT_DAYS + 1)
        bystanders.sweep(utcnow())

    def score(self, names: Iterable[str]) -> str:
        """Return precision and recall of these guests."""
        right = wrong = missed = 0
        with reading() as session:
            for name in names:
                found = {
                    self.photos[each.photo_id]
                    for each in queries.matches_of(session, self.guests[name], self.event.id)
                }
                own = {photo for photo, people in self.seen.truth.items() if name in people}
                right, wrong, missed = right + len(found & own), wrong + len(found - own), missed + len(own - found)
        return f"{right / max(right + wrong, 1):.3f}, {right / max(right + missed, 1):.3f}"

    def templates(self) -> str:
        """Return the number of templates of faces in photos, and their bytes."""
        with reading() as session:
            of_event = select(func.count(), func.sum(func.length(Face.embedding))).where(
                Face.event_id == self.event.id
            )
            number, size = session.execute(of_event).one()
        return f"{number}, {int(size or 0):,}"


def play(seen: Seen, mode: str) -> list[tuple[str, str]]:
    """Return what is measured in one mode: the names of the rows with their values."""
    days = KEPT_DAYS if mode == UNTIL_EXPIRY else None
    made = Play(seen, events.create(NewEvent("Bench", bystanders=mode, bystander_days=days)))
    names = sorted(seen.portraits)
    early, late = names[::2], names[1::2]
    for name in early:
        made.guest(name)
    made.drain()
    began = time.process_time()
    for name in seen.photos:
        made.photo(name)
    made.drain()
    cost = time.process_time() - began + made.looking
    rows = [
        ("CPU per photo, ms", f"{1000 * cost / len(seen.photos):.1f}"),
        ("guests before: precision, recall", made.score(early)),
        _after_searches(made, early),
    ]
    made.erase_strangers()
    rows += [
        ("templates: number, bytes", made.templates()),
        ("one late guest: CPU, s", _late(made, late[:1])),
        ("the other late guests together: CPU for each, s", _late(made, late[1:])),
        ("late guests: precision, recall", made.score(late)),
        _after_searches(made, late),
        ("all guests: precision, recall", made.score(names)),
        ("templates at the end: number, bytes", made.templates()),
    ]
    return rows


def _after_searches(made: Play, names: list[str]) -> tuple[str, str]:
    searches = made.settle()
    return "… after searches for means", f"{made.score(names)} ({searches} searches)"


def _late(made: Play, names: list[str]) -> str:
    before, began = made.looking, time.process_time()
    for name in names:
        made.guest(name)
    number = made.drain()
    cost = time.process_time() - began + made.looking - before
    return f"{cost / len(names):.2f} ({number} searches)"


def _events(asked: argparse.Namespace) -> Iterable[tuple[str, Seen]]:
    if asked.data is not None:
        known = read_folder(asked.data)
        selfies = {name: paths[0].read_bytes() for name, paths in known.portraits.items()}
        yield str(asked.data), look(selfies, {each.name: each.read_bytes() for each in known.photos}, known.truth)
        return
    for seed in map(int, asked.seeds.split(",")):
        made = composed.compose(asked.guests, seed)
        yield f"composed event, seed {seed}", look(made.selfies, made.photos, made.truth)


def main() -> None:
    """Print a table for each event."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.bystanders", description=(__doc__ or "").partition(": `")[0]
    )
    parser.add_argument("--seeds", default="7,11")
    parser.add_argument("--guests", type=int, default=composed.GUESTS)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    with temporary_folder() as folder, service_in_process(folder, None):
        get_settings().search_again_seconds = 0.0
        for name, seen in _events(asked):
            faces = sum(len(each.faces) for each in seen.photos.values())
            print(f"\n{name}: {len(seen.portraits)} guests, {len(seen.photos)} photos, {faces} faces found")
            tables = [play(seen, mode) for mode in MODES]
            print("| |", " | ".join(f"`{mode}`" for mode in MODES), "|")
            print("|---|---|---|---|")
            for rows in zip(*tables, strict=True):
                print(f"| {rows[0][0]} |", " | ".join(value for _, value in rows), "|", flush=True)


if __name__ == "__main__":
    main()

"""Plays an event from a folder of photos and a folder of selfies through the API of a real server."""

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.contact_sheet import Tile, contact_sheet
from testkit.passwords import PASSWORD
from testkit.sample_pictures import NoPictures, Pictures, default_pictures, read_folders
from testkit.servers import Api, BenchError, Server, create_event, run_server, temporary_folder, wait_until

BATCH = 10
SECONDS_A_PHOTO = 20.0
SECONDS_A_SELFIE = 60.0


@dataclass(slots=True)
class GuestResult:
    """One guest's matches with one portrait (photo -> score), or the reason why the selfie was rejected."""

    name: str
    found: dict[str, float]
    refused: str | None = None


@dataclass(slots=True)
class EventResult:
    """One event: its guests, and the seconds from the first upload to the last photo done, for each photo."""

    guests: list[GuestResult]
    seconds_per_photo: float
    rejected: list[str] = field(default_factory=list)

    def precision(self, truth: dict[str, set[str]]) -> float:
        """Right matches among all matches; 1 where there is none."""
        found = [(photo, guest.name) for guest in self.guests for photo in guest.found]
        right = sum(name in truth.get(photo, set()) for photo, name in found)
        return right / len(found) if found else 1.0

    def recall(self, truth: dict[str, set[str]]) -> float:
        """Right matches among all appearances of this event's guests; 1 where there is none."""
        names = {guest.name for guest in self.guests}
        there = {(photo, name) for photo, shown in truth.items() for name in shown & names}
        found = {(photo, guest.name) for guest in self.guests for photo in guest.found}
        return len(there & found) / len(there) if there else 1.0


@dataclass(slots=True)
class DemoReport:
    """All events, and the truth where it is known."""

    events: list[EventResult]
    truth: dict[str, set[str]] | None

    @property
    def mean_precision(self) -> float:
        """Over the events."""
        return sum(event.precision(self.truth or {}) for event in self.events) / len(self.events)

    @property
    def mean_recall(self) -> float:
        """Over the events."""
        return sum(event.recall(self.truth or {}) for event in self.events) / len(self.events)

    def best_portraits(self) -> tuple[int, int]:
        """Return how many appearances each guest's best portrait found, and how many there are."""
        truth, best, total = self.truth or {}, 0, 0
        for name in sorted({guest.name for event in self.events for guest in event.guests}):
            there = {photo for photo, shown in truth.items() if name in shown}
            found = [
                there & set(guest.found) for event in self.events for guest in event.guests if guest.name == name
            ]
            best, total = best + max(map(len, found)), total + len(there)
        return best, total


class _Event:
    """The state of one event while it is played."""

    def __init__(self, server: Server, number: int, pictures: Pictures, out: Path | None) -> None:
        self._server, self._number, self._pictures, self._out = server, number, pictures, out
        self._rejected: list[str] = []
        event = create_event(server, f"photographer{number}", PASSWORD, name=f"Demo {number}")
        self._id, self._code, self._photographer = event.id, event.code, event.photographer

    def run(self) -> EventResult:
        """Send half of the selfies before the photos and half after: the matches must not depend on the order."""
        portraits = {
            name: each[self._number] for name, each in self._pictures.portraits.items() if self._number < len(each)
        }
        names = sorted(portraits)
        guests = {name: self._register(name) for name in names}
        for name in names[::2]:
            self._send_selfie(guests[name], portraits[name])
        began = time.monotonic()
        self._upload()
        wait_until(self._all_done, SECONDS_A_PHOTO * len(self._pictures.photos), "the photos to be processed")
        seconds = (time.monotonic() - began) / len(self._pictures.photos)
        for name in names[1::2]:
            self._send_selfie(guests[name], portraits[name])
        results = [self._result(name, guests[name], portraits[name]) for name in names]
        return EventResult(results, seconds, self._rejected)

    def _register(self, name: str) -> Api:
        data = {"username": name, "email": f"{name}@example.org".replace(" ", "."), "password": PASSWORD}
        with Api(self._server) as anyone:
            if not anyone.call("POST", "/api/check-event-code", json={"event_code": self._code})["valid"]:
                raise BenchError(f"the code {self._code} is not valid")
            asked = {"username": name, "event_code": self._code}
            if anyone.call("POST", "/api/check-user-availability", json=asked)["username_taken"]:
                raise BenchError(f"the name {name} is taken")
            body = {"user_data": data, "event_code": self._code}
            anyone.call("POST", "/api/register-with-event-code", json=body)
            return anyone.logged_in(name, PASSWORD, self._code)

    @staticmethod
    def _send_selfie(guest: Api, portrait: Path) -> None:
        guest.call("POST", "/api/upload-selfie", files={"file": (portrait.name, portrait.read_bytes())})

    def _upload(self) -> None:
        photos = self._pictures.photos
        for start in range(0, len(photos), BATCH):
            answer = self._photographer.upload(self._id, photos[start : start + BATCH])
            self._rejected += [f"{each['original_filename']}: {each['error']}" for each in answer["rejected"]]

    def _all_done(self) -> bool:
        photos = self._photographer.call("GET", f"/api/photographer/events/{self._id}/photos")
        return all(photo["processing_status"] in ("done", "failed") for photo in photos)

    def _result(self, name: str, guest: Api, portrait: Path) -> GuestResult:
        state: dict[str, Any] = {}

        def settled() -> bool:
            state.update(guest.call("GET", "/api/rematch-status"))
            return state["status"] not in ("queued", "running")

        wait_until(settled, SECONDS_A_SELFIE, f"the selfie of {name}")
        if state["status"] != "done":
            return GuestResult(name, {}, state["detail"] or state["status"])
        photos = guest.call("GET", "/api/my-photos")
        if self._out is not None:
            self._draw(name, guest, portrait, photos)
        return GuestResult(name, {photo["original_filename"]: photo["confidence_score"] for photo in photos})

    def _draw(self, name: str, guest: Api, portrait: Path, photos: list[dict[str, Any]]) -> None:
        assert self._out is not None
        tiles = [Tile(portrait.read_bytes(), f"{name}: {len(photos)} photos")]
        for photo in photos:
            caption = f"{photo['original_filename']}  {photo['confidence_score']:.0f}"
            tiles.append(Tile(guest.picture(photo["thumbnail_url"]), caption, photo["matched_face"]))
        (self._out / f"event{self._number + 1}-{name}.jpg").write_bytes(contact_sheet(tiles))


def run_demo(pictures: Pictures, out: Path | None = None) -> DemoReport:
    """Play the whole journey once for each portrait; with `out`, leave a contact sheet per guest there.

    Raises:
        BenchError: a step did not go as it must.
    """
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    with temporary_folder() as folder, run_server(folder) as server:
        return play(server, pictures, pictures.events, out)


def play(server: Server, pictures: Pictures, events: int, out: Path | None = None) -> DemoReport:
    """Play the whole journey on a running server, once for each of the first portraits of everybody.

    Raises:
        BenchError: a step did not go as it must.
    """
    return DemoReport([_Event(server, number, pictures, out).run() for number in range(events)], pictures.truth)


def show(report: DemoReport) -> None:
    """Print each guest's photos with scores, the time per photo, precision and recall."""
    for number, event in enumerate(report.events, 1):
        print(f"\nEvent {number}: {event.seconds_per_photo:.2f} s a photo")
        for line in event.rejected:
            print(f"  refused   {line}")
        for guest in event.guests:
            found = "  ".join(f"{photo} ({score:.0f})" for photo, score in sorted(guest.found.items()))
            print(f"  {guest.name:<14}{guest.refused or found or '—'}")
        if report.truth is not None:
            print(f"  precision {event.precision(report.truth):.3f}, recall {event.recall(report.truth):.3f}")
    if report.truth is not None:
        best, total = report.best_portraits()
        print(f"\nMean precision {report.mean_precision:.3f}, mean recall {report.mean_recall:.3f}", end="")
        print(f"; best portrait of each person: {best} of {total}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of photos")
    parser.add_argument("--selfies", type=Path, help="a picture, or a folder of portraits, for each guest")
    parser.add_argument("--out", type=Path, help="where to leave a contact sheet per guest")
    return parser.parse_args()


def main() -> int:
    """Run from the command line; return the exit status."""
    asked = _arguments()
    if (asked.photos is None) != (asked.selfies is None):
        print("PHOTOS and SELFIES go together.", file=sys.stderr)
        return 2
    try:
        with temporary_folder() as folder:
            given = asked.photos is not None
            pictures = read_folders(asked.photos, asked.selfies) if given else default_pictures(folder)
            show(run_demo(pictures, asked.out))
    except NoPictures as problem:
        print(problem, file=sys.stderr)
        return 2
    except BenchError as problem:
        print(f"The demo failed: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The plan of a prepared event for a load test: its guests, and the photos each must find."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

DEFAULT_PLAN = Path("build/load/event.json")
HOW_TO = "python -m bench.load_event --server URL --admin NAME --password PASSWORD"


class NoLoadEvent(Exception):
    """There is no prepared event; the message says how to make one."""


@dataclass(frozen=True, slots=True)
class LoadGuest:
    """One person: the selfie's file, and the names of the photos that show them."""

    selfie: str
    photos: list[str]


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """An event on a server, its photographer, its guests, and photos of strangers to be uploaded meanwhile."""

    server: str
    event_id: int
    event_code: str
    photographer: str
    password: str
    guests: list[LoadGuest]
    more_photos: list[str]

    def write(self, path: Path) -> None:
        """Write the plan to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))


def read_plan(path: Path) -> LoadPlan:
    """Read a plan from a file.

    Raises:
        NoLoadEvent: there is none, or it is damaged.
    """
    try:
        found = json.loads(path.read_text())
        guests = [LoadGuest(**guest) for guest in found.pop("guests")]
        return LoadPlan(**found, guests=guests)
    except OSError as error:
        raise NoLoadEvent(f"There is no prepared event ({path}). Make one: {HOW_TO}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise NoLoadEvent(f"{path} is damaged. Make it again: {HOW_TO}") from error


def unique(jpeg: bytes, mark: str) -> bytes:
    """Return a JPEG with a comment of its own: other bytes, the same picture (ITU T.81, B.2.4.5)."""
    comment = mark.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]

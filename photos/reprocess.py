"""Make the renditions and faces of stored photos again: `python -m photos.reprocess [--event CODE]`.

The command only plans. The running service does the work, after new selfies and photos; until a photo is done, guests
see what it had. Run it again, or with --status, to see the progress.
"""

import argparse
import sys
from collections.abc import Iterable

from sqlalchemy.exc import SQLAlchemyError

import errors
from photos.reprocessing import service
from photos.reprocessing.queries import EventReprocessing
from settings import UnsafeSettings

# Photos that are named with their reason, for each event.
FAILURES_SHOWN = 20
UNKNOWN = 2


def plan(event_ids: Iterable[int]) -> None:
    """Plan every photo of these events and print how many; of runs that are under way, print the progress."""
    planned = [each for each in map(service.plan, event_ids) if each is not None]
    known = {each.event_id: each for each in service.progress()}
    for each in planned:
        if each.is_under_way and each.event_id in known:
            _print_progress(known[each.event_id], "already under way: ")
        else:
            print(f"{each.event_code} ({each.event_name}): {_photos(each.photos)} to process again")
    number, events = sum(each.photos for each in planned), sum(1 for each in planned if each.photos)
    print(f"Planned: {_photos(number)} of {events} event{'s' if events != 1 else ''}.")
    if number:
        print("The running service does them after new selfies and photos. Progress: --status; to end it: --cancel")


def show(event_ids: Iterable[int]) -> None:
    """Print how far the last run of each of these events is, and which photos have failed."""
    wanted = set(event_ids)
    found = [each for each in service.progress() if each.event_id in wanted]
    for each in found:
        _print_progress(each)
        for failed in service.failures(each.event_id, FAILURES_SHOWN):
            reason = (failed.error or "").partition("\n")[0]
            print(f"  photo {failed.photo_id}, {failed.original_filename}: {reason}")
        if each.failed > FAILURES_SHOWN:
            print(f"  … and {each.failed - FAILURES_SHOWN} more: GET /api/admin/jobs")
    if not found:
        print("No photo is, or was, to be processed again.")


def cancel(event_ids: Iterable[int]) -> None:
    """End what is not done in these events, and print how many photos that were."""
    print(f"Cancelled: {_photos(sum(map(service.cancel, event_ids)))}. They keep what they have.")


def _print_progress(each: EventReprocessing, before: str = "") -> None:
    failed = f", {each.failed} failed" if each.failed else ""
    left = f", {each.left} left" if each.left else ""
    print(f"{each.event_code} ({each.event_name}): {before}{each.done} of {_photos(each.total)} done{failed}{left}")


def _photos(number: int) -> str:
    return f"{number} photo{'s' if number != 1 else ''}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m photos.reprocess", description=(__doc__ or "").partition(": `")[0] + "."
    )
    parser.add_argument("--event", metavar="CODE", help="only the photos of this event; all events without it")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="print the progress and what has failed; plan nothing")
    what.add_argument("--cancel", action="store_true", help="end what is not done; what is done stays")
    return parser.parse_args()


def main() -> None:
    """Do what the arguments ask for and print what was done. Exits with 2 if no event has the code."""
    asked = _arguments()
    do = show if asked.status else cancel if asked.cancel else plan
    try:
        do(service.events_to_plan(asked.event))
    except errors.EventNotFound:
        print(f"No event has the code {asked.event!r}.", file=sys.stderr)
        sys.exit(UNKNOWN)
    except (SQLAlchemyError, UnsafeSettings) as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        if isinstance(problem, SQLAlchemyError):
            reason += " (DATABASE_URL must name the service's database; python -m migrations.upgrade updates it)"
        sys.exit(f"Nothing was done: {reason}")


if __name__ == "__main__":
    main()

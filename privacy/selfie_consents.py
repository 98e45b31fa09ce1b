"""End consents that rest on a selfie where words are asked for now: `python -m privacy.selfie_consents`.

Without options, lists the events with such guests. With `--announce`, their consents end after `--days`: guests are
told by mail, in the gallery and on their account page. Guests who agree in words before that day keep everything. For
the others the service then withdraws the consent, and erases what rests on it. `--days 0` leaves no time.
"""

import argparse
import sys

from sqlalchemy.exc import SQLAlchemyError

from audit.actor import SHELL, acting
from errors import NoSuchEvent
from guests import selfie_consents
from keys import row_id
from settings import UnsafeSettings

MOST_DAYS = 365


def _days(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and int(typed) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{typed}: a number of days from 0 to {MOST_DAYS} is needed")
    return int(typed)


def _event(typed: str) -> int:
    event_id = row_id(typed)
    if event_id is None:
        raise argparse.ArgumentTypeError(f"{typed}: the id of an event is needed")
    return event_id


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m privacy.selfie_consents", description=(__doc__ or "").partition(": `")[0] + "."
    )
    parser.add_argument("--announce", action="store_true", help="announce that they end, and end them then")
    parser.add_argument(
        "--days", type=_days, default=selfie_consents.DAYS, help="when they end; %(default)s by default"
    )
    parser.add_argument("--event", type=_event, help="only in the event with this id")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """List or announce, and return the exit status: 0, or 2 if there is no such event or no database."""
    asked = _arguments(given)
    try:
        found = selfie_consents.resting(asked.event)
        for each in found:
            line = f"event {each.event_id} ({each.name}): {each.guests} by selfie alone, {each.announced} announced"
            if asked.announce:
                with acting(SHELL):
                    number, mails = selfie_consents.announce(each.event_id, asked.days)
                line += f", {number} more end in {asked.days} days, {mails} mails"
            print(line)
    except NoSuchEvent:
        print(f"Not done: there is no event with the id {asked.event}", file=sys.stderr)
        return 2
    except (OSError, SQLAlchemyError, UnsafeSettings) as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines() or [type(problem).__name__]
        print(f"Not done: {reason[0]}", file=sys.stderr)
        return 2
    if not found:
        print("No consent rests on a selfie where words are asked for.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Rules for new passwords: length, not one of the commonest, and for staff not guessable.

Passwords that were set before a rule existed still log in.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

import errors
from keys import MIN_PASSWORD, MIN_STAFF_PASSWORD

COMMONEST = 10_000
# Of 0 to 4: at least 10^8 guesses.
MIN_STAFF_SCORE = 3
# The time zxcvbn takes grows with the cube of the length. It refuses longer input itself.
ZXCVBN_CHARACTERS = 72
# zxcvbn keeps the account's names in a global dictionary: one call at a time.
_estimating = threading.Lock()


def check_new(password: str, *, staff: bool, names: Iterable[str] = ()) -> None:
    """Refuse a new password that breaks a rule. `names` are the account's name and address.

    Raises:
        PasswordTooShort: fewer than MIN_PASSWORD characters. StaffPasswordTooShort: fewer than MIN_STAFF_PASSWORD.
        PasswordTooCommon: it is one of the commonest passwords, in any case, or for a guest one character repeated.
        PasswordGuessable: it is for staff, and zxcvbn's score is below MIN_STAFF_SCORE.
    """
    written = unicodedata.normalize("NFKC", password)
    if len(written) < MIN_PASSWORD and not staff:
        raise errors.PasswordTooShort
    folded = written.casefold()
    # Of staff's passwords, zxcvbn judges repetitions.
    if folded in _commonest() or (not staff and len(set(folded)) == 1):
        raise errors.PasswordTooCommon
    if staff and len(written) < MIN_STAFF_PASSWORD:
        raise errors.StaffPasswordTooShort
    if staff and _score(written, names) < MIN_STAFF_SCORE:
        raise errors.PasswordGuessable


@lru_cache
def _commonest() -> frozenset[str]:
    """Return the commonest passwords of at least MIN_PASSWORD characters.

    zxcvbn gives each word to the list in which it ranks best: "christopher" is in the list of names, not in that of
    passwords. The first 10,000 of all lists together contain the 10,000 commonest passwords.
    """
    words = (word for listed in FREQUENCY_LISTS.values() for word in islice(listed, COMMONEST))
    return frozenset(word for word in words if len(word) >= MIN_PASSWORD)


def _score(password: str, names: Iterable[str]) -> int:
    """Return zxcvbn's score of the first ZXCVBN_CHARACTERS characters, 0 to 4. The names are known words."""
    known = {part for name in names for part in (name, *name.split("@"), *re.split(r"[\W_]+", name)) if part}
    with _estimating:
        score: int = zxcvbn(password[:ZXCVBN_CHARACTERS], user_inputs=["reperio", *sorted(known)])["score"]
    return score

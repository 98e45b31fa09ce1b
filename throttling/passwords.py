"""Wrong passwords: per account and address, and per account from all addresses. Nothing sleeps.

After `RATE_WRONG_PASSWORDS` in five minutes for one account from one address, that pair waits RATE_WAIT_SECONDS. Each
wrong password after a wait doubles the next one, up to RATE_WAIT_MAX_SECONDS. Other addresses do not wait. After
`RATE_WRONG_PASSWORDS_HOUR` for one account, only addresses that logged in to it in the last week are let through.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import errors
from settings import get_settings
from throttling.counters import counters, pseudonym
from throttling.rules import refusal

KIND, KIND_ALL = "password", "password_account"
WINDOW, HOUR = 300, 3600
# How long the waits of a pair are remembered, from the first one.
STRIKES_SECONDS = 3600
GOOD_SECONDS = 7 * 86_400
# A count of attempts under way outlives a process that died meanwhile for so long.
UNDER_WAY_SECONDS = 30


class _Pair:
    """An account and an address, as the keys of their counters."""

    def __init__(self, account: str, address: str) -> None:
        self.account = pseudonym(f"account:{account}")
        self.pair = pseudonym(f"{account}@{address}")
        self.failures, self.under_way = f"wrong/{self.pair}", f"under_way/{self.pair}"
        self.strikes, self.wait = f"strikes/{self.pair}", f"wait/{self.pair}"
        self.good, self.of_account = f"good/{self.pair}", f"wrong_all/{self.account}"


@contextmanager
def attempt(address: str, accounts: Sequence[str]) -> Iterator[None]:
    """Check before the block whether a password may be tried, and count it if the block raises BadCredentials.

    `accounts` are those that the typed name fits, or the name itself if it fits none: unknown names are answered
    alike. Attempts under way count as wrong ones, so that many at once do not pass together.

    Raises:
        TooManyRequests: one of the accounts waits, before anything is hashed.
    """
    limit = get_settings().rate_wrong_passwords
    pairs = [_Pair(account, address) for account in accounts]
    for pair in pairs:
        _check(pair)
    entered: list[_Pair] = []
    try:
        for pair in pairs if limit else ():
            entered.append(pair)
            under_way = counters().add(pair.under_way, UNDER_WAY_SECONDS)
            # After a wait: one attempt at a time, whose result decides on the next wait.
            if under_way > max(1, limit - _failures(pair)):
                raise refusal(KIND, pair.pair, 1)
        yield
    except errors.BadCredentials:
        for pair in pairs:
            _count_failure(pair, limit)
        raise
    finally:
        for pair in entered:
            counters().add(pair.under_way, UNDER_WAY_SECONDS, -1)


def succeeded(address: str, account: str) -> None:
    """Forget the account's failures from this address, and remember that the address knows the password."""
    pair = _Pair(account, address)
    if counters().window(pair.failures, 1, WINDOW)[1]:
        for key in (pair.failures, pair.strikes, pair.wait):
            counters().clear(key)
    if not counters().value(pair.good):
        counters().add(pair.good, GOOD_SECONDS)


def _failures(pair: _Pair) -> int:
    return counters().window(pair.failures, get_settings().rate_wrong_passwords, WINDOW)[1]


def _check(pair: _Pair) -> None:
    wait = counters().left(pair.wait)
    if wait > 0:
        raise refusal(KIND, pair.pair, wait)
    hourly = get_settings().rate_wrong_passwords_hour
    if hourly:
        wait, count = counters().window(pair.of_account, hourly, HOUR)
        if count >= hourly and not counters().value(pair.good):
            raise refusal(KIND_ALL, pair.account, wait)


def _count_failure(pair: _Pair, limit: int) -> None:
    settings = get_settings()
    if settings.rate_wrong_passwords_hour:
        counters().acquire(pair.of_account, settings.rate_wrong_passwords_hour, HOUR)
    if not limit:
        return
    counters().acquire(pair.failures, limit, WINDOW)
    if counters().value(pair.strikes) or _failures(pair) >= limit:
        strikes = counters().add(pair.strikes, STRIKES_SECONDS)
        doubled = settings.rate_wait_seconds * 2 ** min(strikes - 1, 20)
        counters().begin(pair.wait, min(doubled, settings.rate_wait_max_seconds))

"""The limits by name, and the refusal of a call that is over one."""

import logging
import math
from dataclasses import dataclass

import errors
from metrics import REFUSED
from settings import get_settings
from throttling.counters import counters, pseudonym

log = logging.getLogger("reperio.security")


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `setting` calls in `seconds` per address, account or target.

    `moving`: in any `seconds`. Otherwise in periods that begin with the first call, which costs the same however
    large the limit is, and lets up to twice as many through around the end of a period.
    """

    kind: str
    setting: str
    seconds: int
    moving: bool = False

    @property
    def limit(self) -> int:
        """The limit of this installation; 0: none."""
        limit: int = getattr(get_settings(), self.setting)
        return limit


WRONG_CODES = Rule("wrong_code", "rate_wrong_codes_minute", 60, moving=True)
WRONG_LINKS = Rule("wrong_link", "rate_wrong_codes_minute", 60, moving=True)
REGISTRATIONS = Rule("registration", "rate_registrations_minute", 60)
SELFIE_CHECKS = Rule("selfie_check", "rate_selfie_checks_minute", 60)
SELFIES = Rule("selfie", "rate_selfies", 600, moving=True)
RESETS = Rule("reset", "rate_resets_hour", 3600, moving=True)
RESETS_OF_TARGET = Rule("reset_target", "rate_resets_target_hour", 3600, moving=True)
HELP = Rule("help", "rate_help_hour", 3600, moving=True)
LINKS = Rule("link", "rate_links_minute", 60)
NOT_ME = Rule("not_me", "rate_not_me_minute", 60)
REPORTS = Rule("report", "rate_reports_hour", 3600)
REPORTS_OF_ADDRESS = Rule("report_address", "rate_reports_address_hour", 3600)
FAVOURITES = Rule("favourite", "rate_favourites_minute", 60)
REFRESHES = Rule("refresh", "rate_refreshes_minute", 60)


def count(rule: Rule, who: str) -> None:
    """Count one call of `who`, an address, account or target in plain text that is hashed here.

    Raises:
        TooManyRequests: the call is over the limit.
    """
    limit = rule.limit
    if not limit:
        return
    known = pseudonym(who)
    key = f"{rule.kind}/{known}"
    if rule.moving:
        if not counters().acquire(key, limit, rule.seconds):
            raise refusal(rule.kind, known, counters().window(key, limit, rule.seconds)[0])
    elif counters().add(key, rule.seconds) > limit:
        raise refusal(rule.kind, known, counters().left(key))


def give_back(rule: Rule, who: str) -> None:
    """Uncount a call that was answered 503: its retry is no second call. Not for rules that are `moving`."""
    if rule.limit:
        counters().add(f"{rule.kind}/{pseudonym(who)}", rule.seconds, -1)


def refusal(kind: str, known: str, seconds: float) -> errors.TooManyRequests:
    """Return the error that refuses a call, with the wait in whole seconds; log and count the refusal.

    `known` is the pseudonym of what the limit is for.
    """
    wait = max(1, math.ceil(seconds))
    REFUSED.labels(kind).inc()
    log.warning("refused: over the limit %s, by %s, wait %d s", kind, known[:12], wait)
    return errors.TooManyRequests(wait)

"""Checks of data that has a date on which it goes."""

from collections.abc import Iterator
from datetime import timedelta

from accounts import login_links
from evaluation import service as evaluations
from mail import delivery
from models import utcnow
from operations import samples
from photos.chosen import service as chosen
from photos.links import service as photo_links
from privacy.dates import queries
from privacy.findings import Check, Finding, Scope
from privacy.reading import listed
from settings import get_settings
from stored import restored

# What is due is erased hourly by a running service: one that was stopped overnight is no finding.
SLACK = timedelta(days=1)
# A running service logs an erasure at once, or within half a minute.
UNLOGGED = timedelta(minutes=5)


def past_their_date(_: Scope) -> Iterator[Finding]:
    """Yield what should have gone a day ago or earlier."""
    due = utcnow() - SLACK
    kept_links = due - login_links.REASON_KEPT
    minute = int(due.timestamp()) // 60 - samples.KEPT_MINUTES
    return listed(
        ("sessions", lambda session: queries.expired_sessions(session, due)),
        ("password_resets", lambda session: queries.expired_resets(session, due)),
        ("login_links", lambda session: queries.expired_login_links(session, kept_links, login_links.PERSONAL)),
        ("mails", lambda session: queries.failed_mails(session, due - delivery.FAILED_KEPT)),
        ("evaluations", lambda session: queries.old_evaluations(session, due - evaluations.KEPT)),
        ("photo_links", lambda session: queries.expired_photo_links(session, due - photo_links.KEPT)),
        ("photo_choices", lambda session: queries.old_choices(session, due - chosen.KEPT)),
        ("faces", lambda session: queries.faces_after_the_end(session, due)),
        ("selfie_embeddings", lambda session: queries.embeddings_after_the_end(session, due)),
        ("photos", lambda session: queries.photos_after_the_end(session, due)),
        ("badges", lambda session: queries.badges_after_the_end(session, due)),
        ("badge_marks", lambda session: queries.marks_after_the_end(session, due)),
        (
            "trashed_photos",
            lambda session: queries.old_trash(session, due - timedelta(days=get_settings().trash_days)),
        ),
        ("samples", lambda session: queries.old_samples(session, minute)),
        ("consents", lambda session: queries.consents_after_their_end(session, due)),
        ("subscriptions", lambda session: queries.subscriptions_after_the_end(session, due)),
    )


def unlogged(_: Scope) -> Iterator[Finding]:
    """Yield erasures that the log of erasures may lack, and a restored backup whose erasures were not repeated."""
    before = utcnow() - UNLOGGED
    yield from listed(("erasure_receipts", lambda session: queries.receipts_before(session, before)))
    if (taken_at := restored.waits()) is not None:
        yield Finding("storage", f"{restored.KEY}: backup of {taken_at} UTC")


CHECKS = (
    Check("past-its-date", "Nothing is kept a day longer than it should be.", past_their_date),
    Check("erasure-not-logged", "Each erasure is in the log of erasures, and repeated after a restore.", unlogged),
)

"""The job of a subscription: claim it, count what is new now, send the message, record that."""

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from database import reading, transaction
from mail.delivery import ADDRESS, without_addresses
from mail.letters import BadAddress
from mail.post import Delayed, Post, Refused, ServerUnavailable
from metrics import NOTIFICATIONS
from models import DONE, FAILED, PENDING, Subscription, utcnow
from notifications import messages, queries
from notifications.endpoints import Device
from notifications.news import News, columns_for, news_for
from notifications.push import DeviceGone, PushDelayed, Pusher, PushRefused, PushUnavailable
from notifications.queries import MAIL, Recipient
from notifications.schedule import after_night
from settings import get_settings

log = logging.getLogger("reperio.notifications")
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
# A service that asks for days (Retry-After) is asked again the next day.
LONGEST_ASKED = timedelta(days=1)
# While a guest cannot be told: the account is closed, or the address is not confirmed any more.
HELD_BACK = timedelta(hours=1)
MAX_ERROR = 500


def deliver_next(post: Post | None, pusher: Pusher, now: datetime) -> bool:
    """Work on the message that is due longest; return False if there is none.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    # Without the write lock: on SQLite, idle processes must not queue with processes that write.
    with reading() as session:
        if not queries.any_due(session, now):
            return False
    with transaction() as session:
        row = queries.claim(session, now, now + timedelta(seconds=get_settings().job_lease_seconds))
    if row is None:
        return False
    with reading() as session:
        to = queries.recipient(session, row.id)
        news = news_for(session, row)
    if to is None or to.withdrawn or to.event.expires_at <= now:
        _drop(row)
    elif not _is_held_back(to, row, post, now) and _is_time(to, row, news, now):
        _deliver(to, row, news, post, pusher, now)
    return True


def _is_held_back(to: Recipient, row: Subscription, post: Post | None, now: datetime) -> bool:
    """Return whether the guest cannot be told for now; the message then waits."""
    reachable = to.user.is_active and (row.channel != MAIL or (post is not None and _has_address(to)))
    if not reachable:
        _change(row, {"status": PENDING, "lease_until": now + HELD_BACK})
    return not reachable


def _has_address(to: Recipient) -> bool:
    return bool(to.user.email) and to.user.email_confirmed_at is not None


def _is_time(to: Recipient, row: Subscription, news: News, now: datetime) -> bool:
    """Return whether there is something to tell now; else the message waits, or there is none any more."""
    columns = columns_for(row, news, to.event.timezone)
    due = columns["lease_until"]
    if not isinstance(due, datetime):
        _change(row, {**columns, "failures": 0})
        return False
    # Where nobody worked when it was due, the night may have begun.
    due = after_night(max(due, now), to.event.timezone)
    if due > now:
        _change(row, {**columns, "lease_until": due})
        return False
    return True


# --- sending --------------------------------------------------------------------------------------


def _deliver(to: Recipient, row: Subscription, news: News, post: Post | None, pusher: Pusher, now: datetime) -> None:
    try:
        with _kept(row):
            _send(to, len(news.photo_ids), post, pusher, now)
    except DeviceGone:
        _drop(row, "gone")
    except (Refused, BadAddress, PushRefused) as error:
        _fail(row, now, str(error))
    except (Delayed, PushDelayed) as error:
        _try_later(row, now, error)
    except SQLAlchemyError:
        # The claim ends with its lease.
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the other messages
        log.error("message %s: %s", messages.message_id(to), ADDRESS.sub("(address)", traceback.format_exc()))
        _try_later(row, now, error)
    else:
        _sent(row, news, now)


def _send(to: Recipient, count: int, post: Post | None, pusher: Pusher, now: datetime) -> None:
    row = to.subscription
    if row.channel == MAIL:
        assert post is not None  # noqa: S101 - else the message is held back
        post.send(messages.mail(to, count))
    else:
        device = Device(row.endpoint or "", row.p256dh or "", row.auth or "")
        pusher.send(device, messages.payload(to, count), messages.topic(to), now)


@contextmanager
def _kept(row: Subscription) -> Iterator[None]:
    """Extend the lease while the block runs: a dialogue with a slow server may outlast it."""
    over, settings = threading.Event(), get_settings()

    def extend() -> None:
        while not over.wait(settings.job_heartbeat_seconds):
            try:
                _change(row, {"lease_until": utcnow() + timedelta(seconds=settings.job_lease_seconds)})
            except SQLAlchemyError as error:
                log.warning("cannot extend the lease of subscription %d: %s", row.id, type(error).__name__)

    thread = threading.Thread(target=extend, name="notify heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        # A lease that is extended after the row was changed would put off the next message.
        thread.join()


# --- recording ------------------------------------------------------------------------------------


def _change(row: Subscription, columns: dict[str, Any]) -> None:
    with transaction() as session:
        queries.change_claimed(session, row, columns)


def _sent(row: Subscription, news: News, now: datetime) -> None:
    columns = {
        **Subscription.finish_values(DONE),
        "told": sorted({*row.told, *news.photo_ids}),
        "seen_match_id": max(news.seen_match_id, row.seen_match_id),
        "seen_given_id": max(news.seen_given_id, row.seen_given_id),
        "new_since": None,
        "messages": row.messages + 1,
        "sent_at": now,
        "failures": 0,
    }
    _change(row, columns)
    NOTIFICATIONS.labels(row.channel, "sent").inc()
    log.info("subscription %d (%s) was told", row.id, row.channel)


def _drop(row: Subscription, outcome: str = "dropped") -> None:
    with transaction() as session:
        queries.delete_claimed(session, row)
    NOTIFICATIONS.labels(row.channel, outcome).inc()
    log.info("subscription %d (%s) ended: %s", row.id, row.channel, outcome)


def _fail(row: Subscription, now: datetime, reason: str) -> None:
    _change(row, {**Subscription.finish_values(FAILED, reason[:MAX_ERROR]), "finished_at": now})
    NOTIFICATIONS.labels(row.channel, "failed").inc()
    log.warning("subscription %d (%s) failed: %s", row.id, row.channel, without_addresses(reason))


def _try_later(row: Subscription, now: datetime, error: Exception) -> None:
    asked = timedelta(seconds=error.wait) if isinstance(error, PushDelayed) else timedelta(0)
    pause = max(min(FIRST_PAUSE * 2 ** min(row.failures, 10), LONGEST_PAUSE), min(asked, LONGEST_ASKED))
    with transaction() as session:
        columns = {"status": PENDING, "lease_until": now + pause, "failures": row.failures + 1}
        queries.change_claimed(session, row, {**columns, "error": str(error)[:MAX_ERROR]})
        if isinstance(error, PushUnavailable | ServerUnavailable):
            # The next ones would wait for the same deadline, one after the other.
            queries.postpone(session, now, now + max(FIRST_PAUSE, min(asked, LONGEST_ASKED)), row.host)
    NOTIFICATIONS.labels(row.channel, "delayed").inc()
    reason = without_addresses(str(error))
    log.warning("subscription %d (%s) is tried again in %d s: %s", row.id, row.channel, pause.total_seconds(), reason)

"""The job of a mail: claim it, look up to whom it goes, make its links, hand it over, and record that."""

import logging
import re
import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from accounts import confirmation, login_links
from accounts import queries as account_queries
from accounts.resets import service as resets
from database import reading, transaction
from mail import queries
from mail.letters import BadAddress, Letter, LinkTo, last_day, letter, links_of, one_line
from mail.outbox import (
    CONFIRM_ADDRESS,
    CONSENT_ENDS,
    FACES_END,
    KEEP_ADDRESS,
    LOGIN_ASKED,
    LOGIN_LINK,
    PASSWORD_RESET,
    PHOTOS_END,
    RESET_ASKED,
)
from mail.post import Delayed, Post, Refused, ServerUnavailable
from metrics import MAILS
from models import FAILED, GUEST, Mail, User
from settings import get_settings
from tracing import request_id

log = logging.getLogger("reperio.mail")
# Longer than a dialogue with a mail server can take: `mail.post.DIALOGUE_SECONDS`, and looking up its address.
LEASE = timedelta(minutes=3)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=10)
FAILED_KEPT = timedelta(days=7)
# Characters of a server's answer that are stored.
MAX_ERROR = 500
ADDRESS = re.compile(r"\S+@\S+")
# What somebody asked for, and the mail that it becomes for each mailbox that has accounts.
ASKED = {RESET_ASKED: PASSWORD_RESET, LOGIN_ASKED: LOGIN_LINK}


def deliver_next(post: Post, now: datetime) -> bool:
    """Work on the next mail that is due; return False if there is none.

    Raises:
        ServerUnavailable: the mail server cannot be used. The mail will be tried again.
        SQLAlchemyError: the database does not answer.
    """
    # Without the write lock: on SQLite, idle processes must not queue with processes that write.
    with reading() as session:
        if not queries.any_due(session, now):
            return False
    with transaction() as session:
        mail = queries.claim(session, now, now + LEASE)
    if mail is None:
        return False
    with request_id(mail.request_id):
        if mail.kind in ASKED:
            _look_up(mail, now)
        else:
            _deliver(mail, post, now)
    return True


def delete_old(now: datetime) -> None:
    """Delete mails that failed more than a week ago."""
    with transaction() as session:
        queries.delete_failed(session, now - FAILED_KEPT)


def _look_up(mail: Mail, now: datetime) -> None:
    """Replace what somebody asked for by a mail to each mailbox that has accounts; by nothing if none has."""
    with transaction() as session:
        queries.delete_claimed(session, mail)
        if _is_too_old(mail, now):
            return
        kind = ASKED[mail.kind]
        for found in resets.accounts_of(session, mail.asked_address or ""):
            users = [user for user in found if user.user_type == GUEST] if kind == LOGIN_LINK else found
            # Asked again while the mail server is down: one mail is enough.
            if users and not queries.is_waiting(session, kind, [user.id for user in users]):
                session.add(Mail(kind=kind, user_id=users[0].id, language=mail.language, created_at=mail.created_at))


def _deliver(mail: Mail, post: Post, now: datetime) -> None:
    try:
        if _is_too_old(mail, now):
            raise Refused(f"given up after {get_settings().mail_retry_hours:g} hours: {mail.error or 'never tried'}")
        ready = _write(mail, now)
        if ready is not None:
            post.send(ready)
    except (Refused, BadAddress) as error:
        _fail(mail, now, str(error))
    except Delayed as error:
        _try_later(mail, now, str(error))
        if isinstance(error, ServerUnavailable):
            raise
    except SQLAlchemyError:
        # The claim ends with its lease.
        raise
    except Exception as error:  # noqa: BLE001
        # A defect of ours must not stop the other mails.
        log.error("mail %d (%s): %s", mail.id, mail.kind, ADDRESS.sub("(address)", traceback.format_exc()))
        _try_later(mail, now, f"{type(error).__name__}: {error}")
    else:
        _sent(mail, dropped=ready is None)


def _is_too_old(mail: Mail, now: datetime) -> bool:
    return now - mail.created_at > timedelta(hours=get_settings().mail_retry_hours)


# --- writing --------------------------------------------------------------------------------------


def _write(mail: Mail, now: datetime) -> Letter | None:
    """Return the mail with new links, or None if nobody needs it any more.

    The links are made now and not when they were asked for: however long the mail waited, they last 30 minutes from
    here, and their tokens are nowhere but in the mail.
    """
    with transaction() as session:
        user = account_queries.user(session, mail.user_id or 0)
        if user is None or not user.is_active:
            return None
        address = mail.asked_address or resets.address_of(user)
        return _LETTERS[mail.kind](session, mail, user, address, now) if address else None


def _reset_letter(session: Session, mail: Mail, user: User, address: str, now: datetime) -> Letter | None:
    links = [
        LinkTo(resets.issue(session, each, by_mail=True).url, each.event.name if each.event else None)
        for each in resets.accounts_beside(session, user)
    ]
    minutes = int(resets.LIFETIME.total_seconds() // 60)
    return letter(PASSWORD_RESET, mail.id, address, mail.language, now, links=links_of(links), minutes=minutes)


def _confirmation_letter(session: Session, mail: Mail, user: User, address: str, now: datetime) -> Letter | None:
    if user.email_confirmed_at is not None:
        return None
    event = one_line(user.event.name) if user.event else None
    link = confirmation.link_for(user)
    days = confirmation.LIFETIME.days
    return letter(CONFIRM_ADDRESS, mail.id, address, mail.language, now, link=link, event=event, days=days)


def _login_letter(session: Session, mail: Mail, user: User, address: str, now: datetime) -> Letter | None:
    guests = [each for each in resets.accounts_beside(session, user) if each.user_type == GUEST]
    links = _entrances(session, guests)
    return letter(LOGIN_LINK, mail.id, address, mail.language, now, links=links) if links else None


def _keeping_letter(session: Session, mail: Mail, user: User, address: str, now: datetime) -> Letter | None:
    """Return a mail that proves the address; if a guest of the same event has it already, one that leads there."""
    if user.email is not None:
        return None
    owners = [each for each in resets.accounts_at(session, address) if each.email and each.event_id == user.event_id]
    event = one_line(user.event.name) if user.event else None
    if owners:
        links = _entrances(session, owners)
        return letter("address_known", mail.id, address, mail.language, now, links=links, event=event)
    link = login_links.url_of(login_links.issue_in(session, user, login_links.ADDRESS, address))
    days = login_links.LIFETIMES[login_links.ADDRESS].days
    return letter(KEEP_ADDRESS, mail.id, address, mail.language, now, link=link, event=event, days=days)


def _entrances(session: Session, guests: Sequence[User]) -> list[LinkTo]:
    """Return a link into each of these accounts."""
    return links_of(
        [
            LinkTo(
                login_links.url_of(login_links.issue_in(session, each, login_links.MAIL, resets.address_of(each))),
                each.event.name if each.event else None,
            )
            for each in guests
        ]
    )


def _end_letter(session: Session, mail: Mail, user: User, address: str, now: datetime) -> Letter | None:
    """Return a notice of an end; None if the event was deleted, or its end was put off meanwhile."""
    found = queries.ending(session, mail.event_id or 0, mail.kind.removesuffix("_end"))
    if found is None:
        return None
    name, not_before, due_at, timezone = found
    is_guest = user.user_type == GUEST
    path = f"/photos?event={mail.event_id}" if is_guest else f"/studio/{mail.event_id}"
    return letter(
        mail.kind,
        mail.id,
        address,
        mail.language,
        now,
        event=one_line(name),
        day=last_day(mail.language, max(not_before or due_at, due_at), timezone),
        link=f"{get_settings().address}{path}",
        is_guest=is_guest,
    )


def _consent_letter(session: Session, mail: Mail, user: User, address: str, now: datetime) -> Letter | None:
    """Return a notice that a consent by a selfie ends; None if the guest has agreed or withdrawn meanwhile."""
    found = queries.consent_that_ends(session, user.id, mail.event_id or 0)
    if found is None:
        return None
    name, ends_at, timezone = found
    if ends_at is None:
        return None
    day = last_day(mail.language, ends_at, timezone)
    link = f"{get_settings().address}/account"
    return letter(mail.kind, mail.id, address, mail.language, now, event=one_line(name), day=day, link=link)


_LETTERS = {
    CONSENT_ENDS: _consent_letter,
    FACES_END: _end_letter,
    PHOTOS_END: _end_letter,
    PASSWORD_RESET: _reset_letter,
    CONFIRM_ADDRESS: _confirmation_letter,
    LOGIN_LINK: _login_letter,
    KEEP_ADDRESS: _keeping_letter,
}


# --- recording ------------------------------------------------------------------------------------


def without_addresses(reason: str) -> str:
    """Return a server's answer for the log: it often repeats the address, which logs must not have."""
    return ADDRESS.sub("(address)", reason)[:MAX_ERROR]


def _sent(mail: Mail, *, dropped: bool) -> None:
    with transaction() as session:
        queries.delete_claimed(session, mail)
    MAILS.labels(mail.kind, "dropped" if dropped else "sent").inc()
    log.info("mail %d (%s) %s", mail.id, mail.kind, "not needed any more" if dropped else "sent")


def _fail(mail: Mail, now: datetime, reason: str) -> None:
    with transaction() as session:
        queries.change_claimed(session, mail, {**Mail.finish_values(FAILED, reason[:MAX_ERROR]), "finished_at": now})
    MAILS.labels(mail.kind, "failed").inc()
    log.warning("mail %d (%s) failed: %s", mail.id, mail.kind, without_addresses(reason))


def _try_later(mail: Mail, now: datetime, reason: str) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(mail.attempts - 1, 10), LONGEST_PAUSE)
    columns = Mail.requeue_values(attempts=mail.attempts, lease_until=now + pause, error=reason[:MAX_ERROR])
    with transaction() as session:
        queries.change_claimed(session, mail, columns)
    MAILS.labels(mail.kind, "delayed").inc()
    log.warning(
        "mail %d (%s) is tried again in %d s: %s",
        mail.id,
        mail.kind,
        pause.total_seconds(),
        without_addresses(reason),
    )

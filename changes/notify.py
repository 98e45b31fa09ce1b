"""Telling every process of a change that no trigger of the database tells of."""

from sqlalchemy.orm import Session

from changes import queries


def changed(session: Session, subject: str) -> None:
    """Tell every process that a subject has changed, when the session's transaction commits; never before.

    PostgreSQL sends equal notifications of one transaction once. Commits that notify wait for each other: call it for
    changes that somebody waits for, once a transaction, and not for each row.
    """
    queries.note_change(session, subject)

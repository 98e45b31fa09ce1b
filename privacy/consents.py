"""Checks of what rests on consents: templates and selfies exist only while one is in force."""

from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session

from database import reading
from guests.wordings import all_wordings
from models import SELFIE
from privacy import queries
from privacy.findings import Check, Finding, Scope

BATCH = 1000


def listed(*asked: tuple[str, Callable[[Session], list[str]]]) -> Iterator[Finding]:
    """Yield the rows that each query returns, given the name of its table; each in a session of its own."""
    for table, query in asked:
        with reading() as session:
            found = query(session)
        yield from (Finding(table, key) for key in found)


def templates(_: Scope) -> Iterator[Finding]:
    """Yield embeddings, candidates and matches of guests in events where no consent of theirs is in force."""
    return listed(
        ("selfie_embeddings", queries.embeddings_without_consent),
        ("face_candidates", queries.candidates_without_consent),
        ("face_matches", queries.matches_without_consent),
    )


def selfies(_: Scope) -> Iterator[Finding]:
    """Yield selfies of guests who are looked for nowhere."""
    return listed(("selfies", queries.selfies_without_consent))


def wordings(_: Scope) -> Iterator[Finding]:
    """Yield consents that count, and whose words nobody knows."""
    known = set[tuple[str, str, str | None]]()
    known |= {(each.version, each.language, each.sha256) for each in all_wordings()}
    # Of before digests were recorded: only version and language are known.
    known |= {(version, language, None) for version, language, _ in known}
    last = 0
    while True:
        with reading() as session:
            batch = queries.wordings_in_force(session, last, BATCH)
        if not batch:
            return
        last = batch[-1].id
        for each in batch:
            in_words = (each.version, each.locale, each.text_sha256) in known
            by_selfie = each.basis == SELFIE and each.version == SELFIE and each.text_sha256 is None
            if not (by_selfie or (each.basis != SELFIE and in_words)):
                yield Finding("consents", str(each.id))


CHECKS = (
    Check(
        "template-without-consent", "Each template and match rests on a consent in force for its event.", templates
    ),
    Check("selfie-without-consent", "Each selfie is of a guest with a consent in force in some event.", selfies),
    Check("unknown-wording", "Each consent that counts is to a known wording, or is a selfie.", wordings),
)

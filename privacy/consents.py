"""Checks of what rests on consents: templates and selfies exist only while one is in force."""

from collections.abc import Iterator

from guests.wordings import REPLACED_OF_GUARDIANS, all_wordings
from models import SELFIE
from privacy import queries
from privacy.findings import Check, Finding, Scope
from privacy.reading import all_rows, listed


def templates(_: Scope) -> Iterator[Finding]:
    """Yield embeddings, candidates and matches of guests in events where no consent of theirs is in force."""
    return listed(
        ("selfie_embeddings", queries.embeddings_without_consent),
        ("face_candidates", queries.candidates_without_consent),
        ("face_matches", queries.matches_without_consent),
    )


def selfies(_: Scope) -> Iterator[Finding]:
    """Yield selfies of guests without a consent in force in any event."""
    return listed(("selfies", queries.selfies_without_consent))


def wordings(_: Scope) -> Iterator[Finding]:
    """Yield consents that count, to a wording that is not known."""
    known: set[tuple[str, str, str | None]] = {(each.version, each.language, each.sha256) for each in all_wordings()}
    # Consents from before digests were recorded: only version and language are known.
    known |= {(version, language, None) for version, language, _ in known}
    for each in all_rows(queries.wordings_in_force):
        # Guardians agree to words of their own for a child, and to those for guests for themselves.
        for_right_person = (each.version in REPLACED_OF_GUARDIANS) is bool(each.is_child)
        in_words = (each.version, each.locale, each.text_sha256) in known and for_right_person
        by_selfie = each.version == SELFIE and each.text_sha256 is None and not each.is_child
        if not (by_selfie if each.basis == SELFIE else in_words):
            yield Finding("consents", str(each.id))


def children(_: Scope) -> Iterator[Finding]:
    """Yield what children have that only their guardian may: ways to log in, and events without the guardian."""
    return listed(("user_events", queries.children_without_guardian), ("users", queries.logins_of_children))


CHECKS = (
    Check(
        "template-without-consent", "Each template and match rests on a consent in force for its event.", templates
    ),
    Check("selfie-without-consent", "Each selfie is of a guest with a consent in force in some event.", selfies),
    Check("unknown-wording", "Each consent that counts is to a known wording, or is a selfie.", wordings),
    Check("child", "A child has no login, and is in events of its guardian only.", children),
)

"""The state of the search for a guest in one event, as the gallery shows it."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from events.ending import compares_faces
from guests import consent
from guests.portraits import has_portrait, portraits_of
from keys import MAX_PORTRAITS
from matching import state as matching_state
from matching.confirmations import count_maybes
from models import Event, User, utcnow
from pages import formatting
from pages.guest.membership import Membership
from pages.i18n import catalogue, text
from pages.waiting import mark_of
from photos.progress import Standing, standing_for

UNDER_WAY = ("queued", "running")
REFUSED = "validation_failed"
# How long the gallery mentions that a further portrait was refused.
TOLD_FOR = timedelta(hours=1)
# So long after the last one, more photos are still expected.
ARRIVING = timedelta(hours=12)
# The next step of the guest is a new portrait.
NEEDS_PORTRAIT = ("no_portrait", "refused", "failed")


def standing_of(guest: User, here: Membership, language: str) -> dict[str, Any]:
    """Return the counts of one event, the state in one word (`kind`) and as a sentence; `mark` changes with them."""
    event = here.event
    # In this order: a search that ends between the two reads is shown as under way, never as over without a photo.
    state = matching_state.state_of(guest.id)
    counts = standing_for(guest, event.id)
    refused_further = state.status == REFUSED and has_portrait(guest.id)
    status = "done" if refused_further else state.status
    closed = event.expires_at <= utcnow()
    kind = _kind(status, counts.matched, closed=closed)
    if here.asks_words:
        kind = "asks_words"
    elif here.withdrawn:
        kind = "withdrawn" if consent.was_given(guest.id, event.id) else "not_asked"
    if here.withdrawn and not here.asks_words and event.badges and event.photos_ended_at is None:
        kind = "badge"
    elif not compares_faces(event):
        kind = "faces_over"
    sentence = (
        reason(language, state.detail) if kind == "refused" else _sentence(language, kind, counts, closed=closed)
    )
    if kind == "asks_words" and here.ends_at is not None:
        day = formatting.last_day(language, here.ends_at, event.timezone)
        sentence += f" {text(language, 'guest.standing.asks_words_by', day=day)}"
    if refused_further and state.finished_at and utcnow() - state.finished_at < TOLD_FOR:
        sentence += f" {text(language, 'guest.standing.refused_further')}"
    shown = {name: value for name, value in asdict(counts).items() if name != "last_photo_at"}
    result = {
        **shown,
        "maybe": count_maybes(guest.id, event.id),
        "kind": kind,
        "sentence": sentence,
        "needs_portrait": kind in NEEDS_PORTRAIT,
        "action": _action(guest, event, kind, language, closed=closed, has_photos=counts.photos > 0),
        "under_way": state.status in UNDER_WAY,
    }
    return {**result, "mark": mark_of(result)}


def _kind(status: str, matched: int, *, closed: bool) -> str:
    if status in UNDER_WAY:
        return "looking"
    if status == REFUSED:
        return "refused"
    if status == "error":
        return "failed"
    if matched:
        return "found"
    if status == "idle":
        return "closed" if closed else "no_portrait"
    return "none"


def reason(language: str, name: str | None) -> str:
    """Return why a portrait was refused, in a sentence; `name` is that of the error."""
    key = f"common.error.{name}"
    return text(language, key if key in catalogue(language) else "guest.standing.failed")


def _action(
    guest: User, event: Event, kind: str, language: str, *, closed: bool, has_photos: bool
) -> dict[str, str] | None:
    """Return the next step of the guest as a link: its address, its words, and whether it is the main one."""

    def link(words: str, address: str, look: str = "main") -> dict[str, str]:
        return {"href": address, "words": text(language, f"guest.photos.{words}"), "look": look}

    anew = f"/selfie?event={event.id}&change=true"
    if kind == "badge":
        return link("badge", f"/badge?event_code={quote(event.event_code, safe='')}")
    if kind in ("withdrawn", "not_asked", "asks_words"):
        return link("give_consent", "/account", "")
    if closed or kind == "faces_over":
        return None
    if kind == "no_portrait":
        return link("portrait", anew)
    if kind in NEEDS_PORTRAIT:
        return link("another_portrait", anew)
    # Without photos, no portrait is at fault.
    if kind == "none" and has_photos:
        has_room = 0 < len(portraits_of(guest.id)) < MAX_PORTRAITS
        return link("another_portrait", f"/selfie?event={event.id}&add=true" if has_room else anew)
    return None


def _sentence(language: str, kind: str, counts: Standing, *, closed: bool) -> str:
    if kind == "found":
        waiting = counts.photos - counts.processed
        found = text(language, "guest.standing.found", count=counts.matched)
        rest = text(language, "guest.standing.rest", count=waiting) if waiting else ""
        return f"{found} {rest}".strip()
    if kind == "badge":
        if not counts.matched:
            return text(language, "guest.standing.badge_none")
        return text(language, "guest.standing.badge", count=counts.matched)
    if kind in ("looking", "none"):
        is_over = kind == "none" and closed
        among = (
            text(language, "guest.standing.received", count=counts.photos) if counts.photos and not is_over else ""
        )
        key = "looking" if kind == "looking" else _why_none(counts, closed=closed)
        return f"{text(language, f'guest.standing.{key}')} {among}".strip()
    return text(language, f"guest.standing.{kind}")


def _why_none(counts: Standing, *, closed: bool) -> str:
    """Return the text for a guest of whom there is no photo yet: what may still come is said, and nothing else."""
    if not counts.photos:
        return "over_empty" if closed else "no_photos"
    if counts.processed < counts.photos:
        return "none_rest"
    if closed:
        return "none_over"
    is_arriving = counts.last_photo_at is not None and utcnow() - counts.last_photo_at < ARRIVING
    return "none" if is_arriving else "none_quiet"

"""The state of the search for a guest in one event, as the gallery shows it."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from guests.portraits import has_portrait
from matching import state as matching_state
from matching.confirmations import count_maybes
from models import Event, User, utcnow
from pages.i18n import catalogue, text
from photos.progress import Standing, standing_for

UNDER_WAY = ("queued", "running")
REFUSED = "validation_failed"
# How long the gallery mentions that a further portrait was refused.
TOLD_FOR = timedelta(hours=1)
# The next step of the guest is a new portrait.
NEEDS_PORTRAIT = ("no_portrait", "refused", "failed")


def standing_of(guest: User, event: Event, language: str, *, withdrawn: bool) -> dict[str, Any]:
    """Return the counts of one event, the state in one word (`kind`) and as a sentence."""
    # In this order: a search that ends between the two reads is shown as under way, never as over without a photo.
    state = matching_state.state_of(guest.id)
    counts = standing_for(guest, event.id)
    refused_further = state.status == REFUSED and has_portrait(guest.id)
    status = "done" if refused_further else state.status
    kind = "withdrawn" if withdrawn else _kind(status, counts.matched, closed=event.expires_at <= utcnow())
    sentence = reason(language, state.detail) if kind == "refused" else _sentence(language, kind, counts)
    if refused_further and state.finished_at and utcnow() - state.finished_at < TOLD_FOR:
        sentence += f" {text(language, 'guest.standing.refused_further')}"
    shown = {name: value for name, value in asdict(counts).items() if name != "last_photo_at"}
    return {
        **shown,
        "maybe": count_maybes(guest.id, event.id),
        "kind": kind,
        "sentence": sentence,
        "needs_portrait": kind in NEEDS_PORTRAIT,
        "under_way": state.status in UNDER_WAY,
    }


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


def _sentence(language: str, kind: str, counts: Standing) -> str:
    if kind == "found":
        waiting = counts.photos - counts.processed
        found = text(language, "guest.standing.found", count=counts.matched)
        rest = text(language, "guest.standing.rest", count=waiting) if waiting else ""
        return f"{found} {rest}".strip()
    if kind in ("looking", "none"):
        among = text(language, "guest.standing.received", count=counts.photos) if counts.photos else ""
        key = "looking" if kind == "looking" else "none" if counts.photos else "no_photos"
        return f"{text(language, f'guest.standing.{key}')} {among}".strip()
    return text(language, f"guest.standing.{kind}")

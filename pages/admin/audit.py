"""The page with the audit log: who did what."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import Request, Response

from api.callers import CurrentAdmin
from api.language import language_of
from audit import log
from audit.log import Action
from keys import row_id, storable
from models import ADMIN, PHOTOGRAPHER
from pages import formatting
from pages.admin.account_form import ACCOUNT
from pages.admin.common import render_admin
from pages.admin.event_form import SETTINGS
from pages.admin.sorting import DOWN, UP, sorting_of
from pages.i18n import text
from pages.rendering import page_router

router = page_router()
SHOWN = 100
# The labels of the forms, for the fields that an entry names.
LABELS = {each.name: each.label for form in (SETTINGS, ACCOUNT) for each in form.fields}
MAX_PSEUDONYM = 64
# What the list can be limited to: the part of an action before the dot.
KINDS = sorted({action.value.partition(".")[0] for action in Action})


@router.get("/admin/audit")
def audit(request: Request, _: CurrentAdmin, kind: str = "", about: str = "", before: str = "") -> Response:
    """Return the entries of one kind or of all, by time; `before` is the id that the next page begins behind.

    `about` limits them to one person's pseudonym.
    """
    kind = kind if kind in KINDS else ""
    about = about if len(about) <= MAX_PSEUDONYM and storable(about) else ""
    sorting = sorting_of(request, ("at",), "at", DOWN, kind=kind, about=about)
    oldest_first = sorting.direction == UP
    found = log.entries(SHOWN, row_id(before), kind or None, about or None, oldest_first=oldest_first)
    return render_admin(
        request,
        "audit.html",
        found=found,
        kinds=KINDS,
        kind=kind,
        about=about,
        sorting=sorting,
        details_of=partial(details_of, language_of(request)),
        is_first=row_id(before) is None,
    )


# What becomes of the photos of an erased account; what is decided of a reported photo.
AFTER_ERASURE, DECISIONS = ("leave", "hide"), ("keep", "hide", "delete")


def details_of(language: str, details: Mapping[str, Any]) -> list[str]:
    """Return the details of an entry in words: which fields, how many photos, what kind of account."""
    return [_in_words(language, name, value) for name, value in details.items()]


def _in_words(language: str, name: str, value: Any) -> str:
    match name:
        case "fields":
            return ", ".join(text(language, LABELS[each]) if each in LABELS else each for each in value)
        case "number" | "photos" if isinstance(value, int):
            return text(language, "admin.tonight.photos", count=value)
        case "faces" if isinstance(value, int):
            return text(language, "admin.audit.faces", count=value)
        case "photos" if value in AFTER_ERASURE:
            return text(language, f"admin.audit.photos_{value}")
        case "decision" if value in DECISIONS:
            return text(language, f"admin.audit.decision_{value}")
        case "type" if value == ADMIN:
            return text(language, "admin.audit.admin")
        case "type" if value == PHOTOGRAPHER:
            return text(language, "admin.audit.photographer")
        case "shift":
            # Older entries hold it as "+2820 s".
            seconds = int(str(value).removesuffix(" s"))
            return ("−" if seconds < 0 else "+") + formatting.duration(language, abs(seconds))
    return str(value)

"""The privacy page: who is responsible, what is processed, why, for how long, and how to have it ended."""

from dataclasses import dataclass

from fastapi import Request, Response

from api.language import Language
from api.throttling import CallerDep
from guests.wordings import CURRENT
from models import GUEST, UNTIL_EXPIRY, Event, User, utcnow
from pages import formatting
from pages.ends import ends_of
from pages.guest.join import event_of, is_member
from pages.login import MAX_SHOWN_AGAIN, Visitor
from pages.rendering import page_router, render
from privacy_settings import is_web_page
from setting_values import is_ascii_address
from settings import Settings, get_settings

router = page_router()


@dataclass(frozen=True, slots=True)
class Named:
    """A text of the settings as the page shows it: what may be a link, and the words before it."""

    words: str
    link: str = ""
    href: str = ""

    @classmethod
    def of(cls, value: str) -> "Named | None":
        """Return the text with its last word as a link, if that is an address; None for an empty text."""
        if not value:
            return None
        words, _, last = value.rpartition(" ")
        if is_web_page(last):
            return cls(words, last, last)
        if "<" not in last and is_ascii_address(last):
            return cls(words, last, f"mailto:{last}")
        return cls(value)


@router.get("/privacy")
def privacy(request: Request, user: Visitor, language: Language, caller: CallerDep, event_code: str = "") -> Response:
    """Return the page of the event with this code, else the one of the installation.

    An unknown code, or that of an event that is over, counts as a guess; who belongs to that event gets its page.
    """
    typed = event_code[:MAX_SHOWN_AGAIN].strip()
    event = event_of(typed) if typed else None
    if typed and (event is None or not _may_read(event, user)):
        caller.wrong_code()
        event = None
    settings = get_settings()
    return render(
        request,
        "guest/privacy.html",
        event=event,
        unknown=bool(typed) and event is None,
        joinable_until=formatting.last_day(language, event.expires_at, event.timezone) if event else "",
        ends=ends_of(event, language) if event else None,
        strangers=_strangers(event),
        selfie_counts=_selfie_counts(event, settings),
        engine=settings.face_recognizer_provider,
        mail_is_on=settings.mail_is_on,
        consent_version=CURRENT,
        controller=Named.of(settings.privacy_controller),
        contact=Named.of(settings.privacy_contact),
        authority=Named.of(settings.privacy_authority),
        notice_url=settings.privacy_notice_url,
    )


def _may_read(event: Event, user: User | None) -> bool:
    """Tell whether this visitor is told about the event: it is open, or is theirs, or they are staff."""
    if event.expires_at > utcnow():
        return True
    return user is not None and (user.user_type != GUEST or is_member(user, event))


def _strangers(event: Event | None) -> str:
    """Return the end of the key of the text that says how long measurements of faces of strangers are kept."""
    if event is None:
        return "depends"
    return "until_days" if event.bystanders == UNTIL_EXPIRY and event.bystander_days else event.bystanders


def _selfie_counts(event: Event | None, settings: Settings) -> bool:
    """Tell whether a portrait that an app sends may be the consent."""
    return not settings.require_consent and (event is None or event.selfie_is_consent)

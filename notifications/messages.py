"""What guests are told: how many photos, at which event, and a link to them. Never a photo."""

from email.policy import Policy
from typing import Any, ClassVar

from mail.letters import Letter, letter, one_line
from models import utcnow
from notifications.queries import Recipient
from notifications.unsubscribing import link_for
from settings import get_settings
from signing import signature

NEW_PHOTOS = "new_photos"
# Names of events are longer than what a phone shows of a title.
MAX_TITLE = 80
COUNTED = {
    "fr": ("1 nouvelle photo de vous", "{count} nouvelles photos de vous"),
    "en": ("1 new photo of you", "{count} new photos of you"),
}
THOUSANDS = {"fr": "\u202f", "en": ","}


class UnsubscribeHeader(str):
    """The value of `List-Unsubscribe`, written on one line however long it is.

    Python's own folding writes a long address as encoded words, which no mail program takes for an address.
    """

    name: ClassVar[str] = "List-Unsubscribe"

    def fold(self, *, policy: Policy) -> str:
        """Return the header as it is sent."""
        return f"{self.name}: {self}{policy.linesep}"


def message_id(to: Recipient) -> str:
    """Return the name of the next message: the same at each attempt, another one once it is recorded as sent."""
    return f"{to.subscription.id}-{to.subscription.messages + 1}"


def counted(language: str, count: int) -> str:
    """Return how many photos are new, as a sentence without a full stop."""
    one, more = COUNTED["en" if language == "en" else "fr"]
    number = f"{count:,}".replace(",", THOUSANDS["en" if language == "en" else "fr"])
    return one if count == 1 else more.format(count=number)


def gallery_of(to: Recipient) -> str:
    """Return the address of the guest's photos of the event."""
    return f"{get_settings().address}/photos?event={to.event.id}"


def mail(to: Recipient, count: int) -> Letter:
    """Return the mail, with the headers by which a mail program unsubscribes with one click (RFC 8058).

    Raises:
        BadAddress: the guest's address is malformed.
    """
    language, unsubscribe = to.subscription.language, link_for(to.user.id, to.event.id)
    event = one_line(to.event.name)
    ready = letter(
        NEW_PHOTOS,
        f"new-photos-{message_id(to)}",
        to.user.email or "",
        language,
        utcnow(),
        subject=f"{event} : {counted(language, count)}"
        if language == "fr"
        else f"{event}: {counted(language, count)}",
        event=event,
        news=counted(language, count),
        link=gallery_of(to),
        unsubscribe=unsubscribe,
    )
    ready.message.set_raw(UnsubscribeHeader.name, UnsubscribeHeader(f"<{unsubscribe}>"))
    ready.message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return ready


def payload(to: Recipient, count: int) -> dict[str, Any]:
    """Return the message for a device, in the form that Safari shows without our script ("declarative web push")."""
    return {
        "web_push": 8030,
        "notification": {
            "title": one_line(to.event.name)[:MAX_TITLE],
            "body": counted(to.subscription.language, count),
            "lang": to.subscription.language,
            "tag": topic(to),
            "navigate": gallery_of(to),
        },
    }


def topic(to: Recipient) -> str:
    """Return the name of the message for the push service and the device, which show a repeated one once.

    RFC 8030, 5.4: at most 32 characters of base64url.
    """
    return signature(b"push topic", message_id(to))

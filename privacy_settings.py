"""The settings of what the privacy page says of the people responsible for the service."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

MAX_SHOWN = 300


class PrivacySettings(BaseSettings):
    """The part of `settings.Settings` that the privacy page shows."""

    privacy_controller: str = Field("", max_length=MAX_SHOWN)
    privacy_contact: str = Field("", max_length=MAX_SHOWN)
    privacy_authority: str = Field("", max_length=MAX_SHOWN)
    privacy_notice_url: str = Field("", max_length=MAX_SHOWN)

    @field_validator("privacy_controller", "privacy_contact", "privacy_authority")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        value = value.strip()
        if not value.isprintable():
            raise ValueError("must be one line of text")
        return value

    @field_validator("privacy_notice_url")
    @classmethod
    def _is_a_page(cls, value: str) -> str:
        value = value.strip()
        if value and not is_web_page(value):
            raise ValueError("must be the address of a page, such as https://example.org/privacy")
        return value

    @property
    def privacy_gaps(self) -> list[str]:
        """The settings without which the privacy page cannot say who is responsible."""
        named = {
            "PRIVACY_CONTROLLER": self.privacy_controller,
            "PRIVACY_CONTACT": self.privacy_contact,
            "PRIVACY_AUTHORITY": self.privacy_authority,
        }
        return [name for name, value in named.items() if not value]


def is_web_page(value: str) -> bool:
    """Return whether a text is the address of a page that a browser can open from a link."""
    if not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc

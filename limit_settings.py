"""The settings of the limits against guessing, floods of calls, and slow senders and readers."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings


class LimitSettings(BaseSettings):
    """The part of `settings.Settings` that limits what a client may do."""

    rate_limit_url: str = ""
    rate_limit_file: str = ""
    # Limits; 0 switches one off.
    rate_wrong_passwords: int = Field(10, ge=0)
    rate_wrong_passwords_hour: int = Field(200, ge=0)
    rate_wait_seconds: int = Field(30, ge=1)
    rate_wait_max_seconds: int = Field(900, ge=1)
    rate_wrong_codes_minute: int = Field(40, ge=0)
    rate_registrations_minute: int = Field(1500, ge=0)
    rate_selfie_checks_minute: int = Field(2000, ge=0)
    rate_selfies: int = Field(20, ge=0)
    rate_resets_hour: int = Field(60, ge=0)
    rate_resets_target_hour: int = Field(5, ge=0)
    rate_help_hour: int = Field(20, ge=0)
    rate_zips: int = Field(2, ge=0)
    rate_links_minute: int = Field(300, ge=0)
    rate_not_me_minute: int = Field(60, ge=0)
    rate_reports_hour: int = Field(30, ge=0)
    rate_reports_address_hour: int = Field(300, ge=0)
    rate_favourites_minute: int = Field(300, ge=0)
    rate_refreshes_minute: int = Field(30, ge=0)

    # Limits of one process against senders and readers that are slow on purpose: api/connections.py.
    head_seconds: float = Field(10, gt=0)
    body_seconds: float = Field(60, gt=0)
    body_max_seconds: float = Field(3600, gt=0)
    body_window_seconds: int = Field(10, ge=1)
    body_bytes_per_second: int = Field(1000, ge=1)
    answer_stall_seconds: float = Field(60, gt=0)
    max_connections: int = Field(4000, ge=1)
    max_open_requests: int = Field(1000, ge=1)
    max_waiting_requests: int = Field(3000, ge=0)
    max_waiting_per_account: int = Field(6, ge=1)
    max_bodies_bytes: int = Field(32 * 1024 * 1024, ge=1)
    max_header_bytes: int = Field(32 * 1024, ge=1024)

    @field_validator("rate_limit_url")
    @classmethod
    def _only_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "redis+unix://")):
            raise ValueError("must be redis://, rediss:// or redis+unix://, or unset for a file of this machine")
        return value
